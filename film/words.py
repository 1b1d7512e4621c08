"""The words that go with a pair: what is said to the model, and text features from files."""

import logging
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from film.checkpoint import Model
from film.errors import FilmError
from film.layers.text import TextFeatures
from film.tasks import TASKS

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
        task: IVF, MIF, MEF or MFF; None takes the model's neutral sentence.
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
        sentence = model.sentences[task or "neutral"]
        if task is None:
            _log.info("no task given: using the neutral sentence %r", sentence)
        with torch.no_grad():
            return TextFeatures.join([model.network.encode_text([words]) for words in (sentence, *texts)])
    way_out = (
        "it was built without text"
        if model.network.text_encoder is None
        else f"give it text features {model.network.text_dim} wide with --text-features FILE"
    )
    if texts:
        raise FilmError(f"{model.name} can't read the words {texts[0][:40]!r}; {way_out}, or leave the words out")
    _log.info("%s reads no words: fusing without (%s)", model.name, way_out)
    return None


def check_task(task: str | None) -> None:
    """Refuse an unknown task; None is none."""
    if task is not None and task not in TASKS:
        raise FilmError(f"unknown task {task!r}; choose from {', '.join(TASKS)}, or leave it out")


def fit_features(features: TextFeatures, model: Model) -> TextFeatures:
    """Hand features on if the model can take them.

    Raises:
        FilmError: It reads no text, or features of another width.
    """
    if model.network.text_encoder is None:
        raise FilmError(f"{model.name} was built without text; leave the text features out")
    width = features.tokens.shape[-1]
    if width != model.network.text_dim:
        raise FilmError(
            f"the text features are {width} wide, {model.name} reads {model.network.text_dim}; "
            "encode the text with the encoder that the model was trained with"
        )
    return features


def read_text_features(path: Path) -> TextFeatures:
    """Read the text features of one pair.

    Args:
        path: A `.npy` file (1, L, D), as those of the VLF data set, or a `.safetensors` file with `tokens` (L, D) and
            `mask` (L,).

    Returns:
        Tokens (1, L, D) with their mask.

    Raises:
        FilmError: The file is missing or isn't one of the two.
    """
    if path.suffix not in (".npy", ".safetensors"):
        raise FilmError(f"{path}: text features are a .npy file (1, L, D) or a .safetensors file with tokens and mask")
    try:
        features = _read_npy(path) if path.suffix == ".npy" else _read_safetensors(path)
    except OSError as error:
        raise FilmError(f"can't read {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, SafetensorError, EOFError) as error:
        raise FilmError(f"{path} doesn't hold text features: {' '.join(str(error).split())}") from error
    if not features.tokens.isfinite().all():
        raise FilmError(f"{path} doesn't hold text features: there are NaN or infinite values")
    return features


def _read_npy(path: Path) -> TextFeatures:
    array = np.load(path, allow_pickle=False)
    if array.ndim != 3 or len(array) != 1 or array.dtype.kind != "f" or array.size == 0:
        raise ValueError(f"it has {array.dtype} of shape {array.shape} instead of floats (1, L, D)")
    return TextFeatures.unpadded(torch.from_numpy(array.astype(np.float32)))


def _read_safetensors(path: Path) -> TextFeatures:
    content = load_file(path)
    tokens, mask = content["tokens"], content["mask"]
    if tokens.ndim != 2 or mask.shape != tokens.shape[:1] or not _is_mask(mask):
        raise ValueError(f"tokens are {tuple(tokens.shape)} and mask is {mask.dtype} {tuple(mask.shape)}")
    return TextFeatures(tokens.float()[None], mask.bool()[None])


def _is_mask(mask: Tensor) -> bool:
    return mask.dtype in (torch.bool, torch.uint8)
