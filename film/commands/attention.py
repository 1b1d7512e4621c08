"""Which places of a pair listen to which words, as pictures."""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import cv2
import numpy as np
import torch
from PIL import Image

from film.errors import FilmError
from film.imaging.colour import luminance_of
from film.imaging.comparison import overlay, side_by_side
from film.imaging.picture import Picture
from film.pipeline import FusionPipeline
from film.words import add_words

_LARGEST = 1024  # longest side; the maps are coarse
_MOST, _COLUMNS = 12, 4
_SILENT = {
    "a",
    "an",
    "and",
    "as",
    "at",
    "by",
    "for",
    "in",
    "is",
    "it",
    "its",
    "most",
    "of",
    "on",
    "or",
    "the",
    "to",
    "with",
}


class Heard(NamedTuple):
    """A word or phrase, and how much every place listens to it.

    Attributes:
        words: As they stand in the text.
        weights: (h, w) shares of the attention, 0 to 1.
        text: In which of the texts, 0 first.
    """

    words: str
    weights: np.ndarray
    text: int = 0


def listen(pipeline: FusionPipeline, a: Picture, b: Picture, texts: Sequence[str]) -> list[Heard]:
    """Fuse, and see who listens to what.

    Args:
        pipeline: With a model whose places listen to words.
        a: Source A.
        b: Source B, of the same size.
        texts: What is said, as the model gets it.

    Returns:
        Every word of the texts, and every sentence that has a token of its own.

    Raises:
        FilmError: The model's places don't listen to words, or its text encoder can't name its tokens.
    """
    network, encoder = pipeline.network, pipeline.model.network.text_encoder
    by_text = [encoder.pieces(text) if encoder else [] for text in texts]
    pieces = list(chain(*by_text))
    of_text = [index for index, named in enumerate(by_text) for _ in named]
    first, second = (luminance_of(_shrunk(picture)).to(pipeline.device) for picture in (a, b))
    seen = None
    if any(pieces):
        with torch.no_grad():
            seen = network.watch(first, second, add_words(pipeline.model, None, texts)).attention
    if seen is None:
        raise FilmError(
            f"the places of {pipeline.model.name} don't listen to single words, so there is no attention to draw; "
            "take a model with film.fusion.guided.GuidedStage, such as film-small"
        )
    return [Heard(name, seen[0, ids].sum(0).cpu().numpy(), of_text[ids[0]]) for name, ids in _words(pieces)]


def attention_sheet(
    a: Picture, b: Picture, fused: Picture, heard: Sequence[Heard], wanted: Sequence[str]
) -> Image.Image:
    """Draw the sources, the fused picture, and over it the places that listen to words.

    Args:
        a: Source A.
        b: Source B.
        fused: Of the same size.
        heard: What `listen` gave.
        wanted: Words or phrases to draw; none for those that are heard most differently from place to place.

    Raises:
        FilmError: A wanted phrase isn't in the texts.
    """
    chosen = [find(phrase, heard) for phrase in wanted] or _most_telling(heard)
    ground = _shrunk(fused)
    pictures = [*map(_shrunk, (a, b)), ground, *(overlay(ground, each.weights) for each in chosen)]
    captions = ["A", "B", "fused", *(f"{each.words}  {_range(each.weights)}" for each in chosen)]
    return side_by_side(pictures, captions, columns=_COLUMNS)


def _words(pieces: Sequence[str]) -> list[tuple[str, list[int]]]:
    """Words with the numbers of their tokens; `##` begins a piece that goes on with the word before."""
    words: list[tuple[str, list[int]]] = []
    for number, piece in enumerate(pieces):
        if piece.startswith("##") and words:
            name, tokens = words[-1]
            words[-1] = name + piece[2:], [*tokens, number]
        elif piece:
            words.append((piece, [number]))
    return words


def find(phrase: str, heard: Sequence[Heard]) -> Heard:
    """A phrase is heard wherever one of its words is, in the first text that has one.

    The very first is the sentence of the task, which is the same for all pairs; it counts if no other text has one.

    Raises:
        FilmError: The phrase isn't in the texts.
    """
    asked = phrase.casefold().split()
    found = [each for each in heard if each.words.casefold() in (*asked, phrase.casefold())]
    if not found:
        said = ", ".join(dict.fromkeys(each.words for each in heard if each.words.isalpha()))
        raise FilmError(f"--attention {phrase!r} is not in the texts; they have: {said}")
    text = min((each.text for each in found if each.text), default=0)
    return Heard(phrase, np.sum([each.weights for each in found if each.text == text], axis=0), text)


def _most_telling(heard: Sequence[Heard]) -> list[Heard]:
    """The words whose weights differ most from place to place, those that stand several times only once."""
    together: dict[str, np.ndarray] = {}
    for each in heard:
        if each.words.isalpha() and each.words.casefold() not in _SILENT:
            together[each.words] = together.get(each.words, 0) + each.weights
    ranked = sorted(together.items(), key=lambda item: -float(item[1].std()))
    return [Heard(*item) for item in ranked[:_MOST]]


def _range(weights: np.ndarray) -> str:
    return f"{100 * weights.min():.2g}-{100 * weights.max():.2g} %"


def _shrunk(picture: Picture) -> Picture:
    width, height = picture.size
    scale = _LARGEST / max(width, height)
    if scale >= 1:
        return picture
    size = round(width * scale), round(height * scale)
    return Picture(cv2.resize(picture.pixels, size, interpolation=cv2.INTER_AREA), picture.profile)
