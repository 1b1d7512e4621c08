"""What is said to the model: sentences, texts and files of features, in a fixed order."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from film.checkpoint import Model, load_model
from film.commands.encoding.files import header_of, write_features
from film.data.wordings import load_wordings
from film.decoders.conv import BlendDecoder
from film.errors import FilmError
from film.fusion.modulation import ModulationStage
from film.image_encoders.conv import ConvEncoder
from film.layers.language import LanguageModel
from film.layers.text import TextFeatures
from film.layers.text_files import read_text_features
from film.network import FusionNetwork
from film.tasks import SENTENCES, TASKS, task_named
from film.text_encoders.base import FrozenTextEncoder, TextEncoder
from film.text_encoders.minilm import MiniLM
from film.text_encoders.precomputed import PrecomputedText
from film.words import encode_words, fit_features


class Letters(TextEncoder):
    """One token a letter: its code point."""

    dim = 1

    def forward(self, texts: Sequence[str]) -> TextFeatures:
        codes = [torch.tensor([ord(letter) for letter in text], dtype=torch.float32)[None, :, None] for text in texts]
        return TextFeatures.stack([TextFeatures.unpadded(code) for code in codes])


def model(text_encoder: TextEncoder | None) -> Model:
    network = FusionNetwork(
        lambda: ConvEncoder(4), text_encoder, fusion=ModulationStage, decoder=BlendDecoder, stages=1
    )
    return Model("mine", network.eval(), {})


def said(features: TextFeatures | None) -> str:
    assert features is not None
    assert features.mask.all()
    return "".join(chr(round(code)) for code in features.tokens.flatten().tolist())


@pytest.mark.parametrize("task", TASKS)
def test_sentence_then_texts_in_order(task: str) -> None:
    features = encode_words(model(Letters()), task=task, text="both", text_a="first", text_b="second")
    assert said(features) == SENTENCES[task] + "both" + "first" + "second"


def test_neutral_sentence_without_a_task(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "film"):
        features = encode_words(model(Letters()), text="  ", text_b="")
    assert said(features) == SENTENCES["neutral"]
    assert SENTENCES["neutral"] in caplog.text


def test_the_model_brings_its_own_sentences() -> None:
    own = model(Letters())
    own.sentences["MEF"] = "Exposures!"
    assert said(encode_words(own, task="MEF")) == "Exposures!"


def test_a_text_about_another_task_wins_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    text = "Blend the two exposures."
    assert said(encode_words(model(Letters()), task="IVF", text=text)) == SENTENCES["MEF"] + text
    assert "the task is IVF, but the text speaks of MEF: the text counts" in caplog.text


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("Keep the infrared image.", "IVF"),
        ("The CT shows the skull.", "MIF"),
        ("Take the over-exposed photo, and multi-focus", None),
        ("Brighten what is underexposed, and bring it into focus.", None),
        ("near-focused", "MFF"),
        ("pet the ct", None),
        *((SENTENCES[task], task) for task in TASKS),
        (SENTENCES["neutral"], None),
    ],
)
def test_the_task_that_a_text_is_about(text: str, task: str | None) -> None:
    assert task_named(text) == task


def test_no_instruction_speaks_of_another_task() -> None:
    wordings = load_wordings()
    for task in TASKS:
        for key in wordings.keys(task):
            split = wordings.instruction(key, task)
            assert {task_named(text) for text in (*split.train, *split.held_out)} <= {task, None}


def test_unknown_task() -> None:
    with pytest.raises(FilmError, match="unknown task 'XYZ'; choose from IVF, MIF, MEF, MFF"):
        encode_words(model(Letters()), task="XYZ")


@pytest.mark.parametrize(
    ("encoder", "way_out"),
    [(None, "it was built without text"), (PrecomputedText(8), "text features 8 wide with --text-features FILE")],
    ids=["no text", "features only"],
)
def test_models_that_read_no_words(encoder: TextEncoder | None, way_out: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "film"):
        assert encode_words(model(encoder), task="IVF") is None
    assert way_out in caplog.text
    with pytest.raises(FilmError, match=f"mine can't read the words 'a street'; .*{way_out}"):
        encode_words(model(encoder), text_a="a street")


def test_features_must_fit_the_model() -> None:
    features = TextFeatures.unpadded(torch.rand(1, 5, 8))
    assert fit_features(features, model(PrecomputedText(8))) is features
    with pytest.raises(FilmError, match="8 wide, mine reads 768"):
        fit_features(features, model(PrecomputedText(768)))
    with pytest.raises(FilmError, match="built without text"):
        fit_features(features, model(None))


def test_features_of_another_encoder_are_told_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    features = TextFeatures.unpadded(torch.rand(1, 5, 384))
    content = {"tokens": features.tokens[0], "mask": features.mask[0]}
    save_file(content, path, metadata={"encoder": "film.text_encoders.minilm.MiniLM"})
    with pytest.raises(
        FilmError, match=r"x\.safetensors, made by film\.text_encoders\.minilm\.MiniLM, are 384 wide, mine reads 768; "
    ):
        fit_features(features, model(PrecomputedText(768)), path=path)
    with pytest.raises(FilmError, match="are 384 wide, mine reads 1 of Letters; encode the text with"):
        fit_features(features, model(Letters()), path=path)


def test_features_of_another_version_of_the_encoder_are_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = load_model("film-small")
    encoder = model.network.text_encoder
    assert encoder is not None
    features = TextFeatures.unpadded(torch.rand(1, 5, 385))
    path = tmp_path / "x.safetensors"
    write_features(path, features.tokens[0], header_of(encoder.identity(), ["x"], width=385, dtype="float32"))
    fit_features(read_text_features(path), model, path=path)
    assert not caplog.text
    plain = MiniLM(by_sentence=True).identity()
    write_features(path, features.tokens[0], header_of(plain, ["x"], width=385, dtype="float32"))
    fit_features(read_text_features(path), model, path=path)
    assert "x.safetensors is of another adapter than that of film-small" in caplog.text
    assert "film encode --text-encoder film-small" in caplog.text


class Elsewhere(FrozenTextEncoder):
    """An encoder that isn't on this machine, as where its features were brought from another."""

    def load(self) -> LanguageModel:
        raise FilmError("not here")

    def identity(self) -> dict[str, Any]:
        raise FilmError("not here")


@pytest.mark.parametrize(
    ("identity", "warning"),
    [
        (f'{{"encoder": "{Elsewhere.__module__}.Elsewhere", "revision": "1"}}', ""),
        ('{"encoder": "film.text_encoders.t5.T5", "revision": "1"}', "is of another encoder than that of mine"),
        ("[1]", ""),
        ("{", ""),
        ("", ""),
    ],
)
def test_features_do_not_need_their_encoder(
    tmp_path: Path, identity: str, warning: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "x.safetensors"
    features = TextFeatures.unpadded(torch.rand(1, 5, 8))
    save_file({"tokens": features.tokens[0], "mask": features.mask[0]}, path, metadata={"identity": identity})
    assert fit_features(features, model(Elsewhere(8, cached=1)), path=path) is features
    assert warning in caplog.text
    assert bool(warning) == bool(caplog.text)
