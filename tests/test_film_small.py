"""What the model that ships promises: it obeys, takes any pair and any text, and knows A from B by the words."""

import logging
from functools import cache

import numpy as np
import pytest
import torch

from film.commands.attention import find, listen
from film.commands.evaluation.cases import find_set
from film.commands.evaluation.luminance import luminance_levels
from film.commands.evaluation.properties import PROPERTIES
from film.data.rules import bright_regions
from film.imaging.colour import luminance_of
from film.imaging.files import read_image
from film.imaging.picture import picture_from_array
from film.pipeline import FusionPipeline
from film.samples import pairs
from film.tasks import SENTENCES

INSTRUCTIONS = {
    "brighter": "Make the fused image brighter.",
    "darker": "Make the fused image darker.",
    "more_contrast": "More contrast, please.",
    "less_contrast": "Less contrast, please.",
    "sharper": "Sharpen the details.",
    "softer": "Soften the details.",
    "emphasise_a": "Emphasise the first image.",
    "emphasise_b": "Emphasise the second image.",
}


@cache
def pipeline() -> FusionPipeline:
    return FusionPipeline.load("film-small", device="cpu")


def fuse(a: np.ndarray, b: np.ndarray, *, task: str | None = "IVF", text: str | None = None) -> np.ndarray:
    words = pipeline().encode(task=task, text=text)
    pictures = (picture_from_array(image, name="image") for image in (a, b))
    return luminance_levels(pipeline().fuse(*pictures, words=words, grey=True).pixels).astype(np.float32)


def levels(path) -> np.ndarray:
    return luminance_levels(read_image(path).pixels).astype(np.uint8)


@pytest.mark.parametrize("key", INSTRUCTIONS)
def test_instructions_are_obeyed(key: str) -> None:
    """On all sample pairs but one at most."""
    measure, obeyed = PROPERTIES[key], []
    for pair in pairs():
        a, b = levels(pair.a), levels(pair.b)
        plain, asked = (fuse(a, b, task=pair.task, text=text) for text in (None, INSTRUCTIONS[key]))
        sources = a.astype(np.float32), b.astype(np.float32)
        obeyed.append(measure(asked, *sources) > measure(plain, *sources))
    assert sum(obeyed) >= len(obeyed) - 1


def test_the_text_of_another_task_brings_its_rule(film_data) -> None:
    changes = []
    for paths in list(find_set(film_data, "IVF/RoadScene", "test").values())[:5]:
        a, b = map(levels, paths)
        changes.append(np.abs(fuse(a, b, task="MEF") - fuse(a, b)).mean())
    assert np.mean(changes) > 5


@pytest.mark.parametrize(
    ("task", "text", "word", "bright"),
    [("IVF", "Make the hot spots stand out.", "hot", 0), ("MIF", "Make the uptake stand out.", "uptake", 1)],
)
def test_words_about_what_is_bright_are_listened_to_there(task: str, text: str, word: str, bright: int) -> None:
    """More than by chance, on every sample pair of the task."""
    chosen = [pair for pair in pairs() if pair.task == task]
    assert chosen
    for pair in chosen:
        sources = read_image(pair.a), read_image(pair.b)
        attention = find(word, listen(pipeline(), *sources, [SENTENCES[task], text])).weights
        place = bright_regions(luminance_of(sources[bright]))
        area = torch.nn.functional.adaptive_avg_pool2d(place, attention.shape)[0, 0].numpy()
        assert (attention * area).sum() / attention.sum() > area.mean(), pair


def test_the_text_says_which_is_which() -> None:
    a, b = (levels(path) for path in pairs()[0][1:])
    swapped = fuse(b, a, text="The first image is the visible one, the second is the infrared one.")
    assert np.abs(swapped - fuse(a, b)).mean() < 2


def test_no_lines_along_the_border() -> None:
    """Beside the border the image changes as it does further in, compared with its sources."""
    for pair in pairs():
        a, b = levels(pair.a), levels(pair.b)
        images = [image.astype(np.float32) for image in (fuse(a, b, task=pair.task), a, b)]
        for turns in range(4):  # every side becomes the left one
            steps = [np.abs(np.diff(np.rot90(image, turns))).mean(0) for image in images]
            excess = steps[0] - np.maximum(steps[1], steps[2])
            assert excess[:3].max() < excess[8:-8].max() + 3, (pair.a.stem, turns)


@pytest.mark.parametrize("size", [(16, 16), (17, 33), (250, 41)])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_any_size_and_depth(size: tuple[int, int], kind: type) -> None:
    a, b = np.random.default_rng(0).integers(0, np.iinfo(kind).max, (2, *size), dtype=kind, endpoint=True)
    fused = pipeline()(a, b, task="MFF")
    assert fused.shape == size
    assert fused.dtype == kind
    assert fused.std() > 0


@pytest.mark.parametrize(
    "text", ["", "  ", "📷🔥❄️", "夜の街。人を明るくしてください。", "\u202eعكس", "x" * 3000, "\x00\x07"]
)
def test_any_text(text: str) -> None:
    a, b = (levels(path)[:64, :64] for path in pairs()[0][1:])
    plain, said = fuse(a, b), fuse(a, b, text=text)
    assert np.abs(plain - said).mean() < 30


def test_ten_thousand_words_are_cut_with_a_warning_and_change_little(caplog: pytest.LogCaptureFixture) -> None:
    a, b = (levels(path)[:64, :64] for path in pairs()[0][1:])
    with caplog.at_level(logging.WARNING):
        said = fuse(a, b, text="The house stands beside the river. " * 1700)
    assert "cut to 512, after «…" in caplog.text
    assert np.abs(said - fuse(a, b)).mean() < 15
