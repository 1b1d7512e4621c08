"""What is said to the model: sentences, texts and files of features, in a fixed order."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from film.checkpoint import Model
from film.decoders.conv import BlendDecoder
from film.errors import FilmError
from film.fusion.modulation import ModulationStage
from film.image_encoders.conv import ConvEncoder
from film.layers.text import TextFeatures
from film.network import FusionNetwork
from film.tasks import SENTENCES, TASKS
from film.text_encoders.base import TextEncoder
from film.text_encoders.precomputed import PrecomputedText
from film.words import encode_words, fit_features, read_text_features


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


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_features_of_the_release(tmp_path: Path, dtype: type) -> None:
    array = np.random.default_rng(0).random((1, 5, 8)).astype(dtype)
    np.save(tmp_path / "x.npy", array)
    tokens, mask = read_text_features(tmp_path / "x.npy")
    np.testing.assert_array_equal(tokens.numpy(), array.astype(np.float32))
    assert mask.shape == (1, 5)
    assert mask.all()


def test_features_with_a_mask(tmp_path: Path) -> None:
    tokens, mask = torch.rand(5, 8).bfloat16(), torch.tensor([True, True, False, True, False])
    save_file({"tokens": tokens, "mask": mask}, tmp_path / "x.safetensors")
    features = read_text_features(tmp_path / "x.safetensors")
    assert torch.equal(features.tokens, tokens.float()[None])
    assert torch.equal(features.mask, mask[None])


@pytest.mark.parametrize(
    "array",
    [np.zeros((2, 5, 8)), np.zeros((5, 8)), np.zeros((1, 5, 8), np.int64), np.zeros((1, 0, 8)), np.array([{}])],
    ids=["two texts", "no batch", "integers", "no tokens", "pickled"],
)
def test_arrays_that_are_no_features(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(FilmError, match=r"x\.npy doesn't hold text features"):
        read_text_features(tmp_path / "x.npy")


@pytest.mark.parametrize(
    "content",
    [
        {"tokens": torch.rand(5, 8)},
        {"tokens": torch.rand(5, 8), "mask": torch.ones(4, dtype=torch.bool)},
        {"tokens": torch.rand(5, 8), "mask": torch.rand(5)},
        {"tokens": torch.rand(1, 5, 8), "mask": torch.ones(1, 5, dtype=torch.bool)},
        {"tokens": torch.full((5, 8), torch.nan), "mask": torch.ones(5, dtype=torch.bool)},
    ],
    ids=["no mask", "short mask", "float mask", "batch", "nan"],
)
def test_safetensors_that_are_no_features(tmp_path: Path, content: dict[str, torch.Tensor]) -> None:
    save_file(content, tmp_path / "x.safetensors")
    with pytest.raises(FilmError, match=r"x\.safetensors doesn't hold text features"):
        read_text_features(tmp_path / "x.safetensors")


def test_files_that_are_no_features(tmp_path: Path) -> None:
    for name, message in {
        "gone.npy": "No such file",
        "gone.safetensors": "No such file",
        "x.txt": "a .npy file",
    }.items():
        with pytest.raises(FilmError, match=message):
            read_text_features(tmp_path / name)
    for name in ("x.npy", "x.safetensors"):
        (tmp_path / name).write_bytes(b"garbage")
        with pytest.raises(FilmError, match="doesn't hold text features"):
            read_text_features(tmp_path / name)
