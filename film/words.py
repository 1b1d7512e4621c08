"""The words that go with a pair: what is said to the model, and text features that it can take."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from film.checkpoint import Model
from film.components import build
from film.config import CONFIGS, compose, merge
from film.describers.base import Describer
from film.errors import FilmError
from film.layers.text import TextFeatures
from film.layers.text_files import made_by, read_identity
from film.tasks import TASKS, task_named

_log = logging.getLogger("film")


def encode_words(
    model: Model,
    *,
    task: str | None = None,
    text: str | None = None,
    text_a: str | None = None,
    text_b: str | None = None,
) -> TextFeatures | None:
    """Turn what is said about a pair into tokens: the task's sentence, then the texts, joined along tokens.

    Args:
        model: The model that will read them.
        task: IVF, MIF, MEF or MFF; None takes the model's neutral sentence. A text about pairs of another task wins.
        text: What to tell the model about the pair.
        text_a: What image A shows.
        text_b: What image B shows.

    Returns:
        Tokens (1, L, D) with their mask; None, without words, for a model that can't read them.

    Raises:
        FilmError: The task is unknown, or there are texts for a model that can't read them.
    """
    check_task(task)
    texts = [words for words in (text, text_a, text_b) if words and words.strip()]
    if model.reads_words:
        sentence = sentence_of(model, task, text)
        if other := _contradicted(task, text):
            _log.warning("the task is %s, but the text speaks of %s: the text counts", task, other)
        elif task is None:
            _log.info("no task given: using the neutral sentence %r", sentence)
        return add_words(model, None, [sentence, *texts])
    way_out = (
        "it was built without text"
        if model.network.text_encoder is None
        else f"give it text features {model.network.text_dim} wide with --text-features FILE"
    )
    if texts:
        raise FilmError(f"{model.name} can't read the words {texts[0][:40]!r}; {way_out}, or leave the words out")
    _log.info("%s reads no words: fusing without (%s)", model.name, way_out)
    return None


def sentence_of(model: Model, task: str | None, text: str | None) -> str:
    """The sentence that asks a model for the fusion: of the task, or of the one that the text speaks of."""
    return model.sentences[_contradicted(task, text) or task or "neutral"]


def _contradicted(task: str | None, text: str | None) -> str | None:
    """The other task that a text is about."""
    named = task_named(text) if task and text else None
    return named if named != task else None


@torch.no_grad()
def add_words(model: Model, words: TextFeatures | None, texts: Sequence[str]) -> TextFeatures:
    """Put more texts behind what is already said.

    Args:
        model: A model that reads words.
        words: What `encode_words` gave, (1, L, D); None for nothing.
        texts: One or more.
    """
    encoded = [model.network.encode_text([text]) for text in texts]
    return TextFeatures.join([words, *encoded] if words else encoded)


def load_describer(source: str | Path, overrides: Mapping[str, Any] | None = None) -> Describer:
    """Build a describer.

    Args:
        source: A name such as `statistics`, for `describer/statistics.yaml` of the configs that come with film, or a
            YAML file with `describer:`, its `class_path` and `init_args`.
        overrides: Arguments in place of those in the file; nested ones change parts of an argument.

    Raises:
        FilmError: There is no such describer, or it doesn't take these arguments.
    """
    is_file = str(source).endswith((".yaml", ".yml"))
    if not is_file and not (CONFIGS / "describer" / f"{source}.yaml").is_file():
        known = [path.stem for path in sorted((CONFIGS / "describer").glob("*.yaml"))]
        raise FilmError(f"no describer {str(source)!r}; choose from {', '.join(known)}, or give a YAML file")
    config = compose([source if is_file else f"describer/{source}.yaml"]).get("describer")
    if not isinstance(config, dict):
        raise FilmError(f"{source} has no describer: with a class_path and init_args; see configs/describer")
    return build(merge(config, {"init_args": dict(overrides)}) if overrides else config, Describer, name="describer")


def check_task(task: str | None) -> None:
    """Refuse an unknown task; None is none."""
    if task is not None and task not in TASKS:
        raise FilmError(f"unknown task {task!r}; choose from {', '.join(TASKS)}, or leave it out")


def fit_features(features: TextFeatures, model: Model, *, path: Path | None = None) -> TextFeatures:
    """Hand features on if the model can take them.

    Args:
        features: Tokens (B, L, D) with their mask.
        model: The model that will read them.
        path: The file that they come from, for the error.

    Raises:
        FilmError: It reads no text, or features of another width.
    """
    if model.network.text_encoder is None:
        raise FilmError(f"{model.name} was built without text; leave the text features out")
    width = features.tokens.shape[-1]
    if width != model.network.text_dim:
        origin = f"the text features of {path}{made_by(path)}," if path else "the text features"
        encoder = type(model.network.text_encoder).__name__
        reads = f"{model.network.text_dim}" + (f" of {encoder}" if model.reads_words else "")
        raise FilmError(
            f"{origin} are {width} wide, {model.name} reads {reads}; encode the text with the encoder that the model "
            "was trained with (film encode --text-encoder), or take a model that was trained with these"
        )
    if path and model.reads_words:
        made, own = read_identity(path), model.network.text_encoder.kind()  # not its identity: it needn't be here
        if made and (other := [key for key in ("encoder", "adapter") if made.get(key) != own.get(key)]):
            _log.warning(
                "%s is of another %s than that of %s, which may hardly understand it; make it again with film encode "
                "--text-encoder %s",
                path,
                " and ".join(other),
                model.name,
                model.name,
            )
    return features
