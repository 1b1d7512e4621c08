"""Sentences about one image beside another of the same scene."""

from collections.abc import Iterator

import cv2
import numpy as np

from film.describers.statistics.look import Look
from film.describers.statistics.words import number, pieces, place, share, size

_STEP = 0.08  # difference of luminance that is plain to see
_SHARPER = 1.3  # ratio of detail from which one image is called sharper
_FLOOR = 0.004  # detail below which neither shows any
_LEAST = 0.01  # share of the picture that is worth a word


def brighter(look: Look, other: Look, name: str) -> str:
    """Where the image is brighter and darker than the other."""
    above, below = look.light > other.light + _STEP, look.light < other.light - _STEP
    for mask, word in ((above, "brighter"), (below, "darker")):
        if mask.mean() > 0.85:
            return f"It is {word} than {name} nearly everywhere."
    said = [
        f"{word} than {name} in {share(mask)} of the picture, {place(mask)}"
        for mask, word in ((above, "brighter"), (below, "darker"))
        if mask.mean() >= _LEAST
    ]
    if not said:
        return f"Nowhere does it differ much in brightness from {name}."
    return f"It is {said[0]}." if len(said) == 1 else f"It is {said[0]}, and darker {place(below)}."


def sharper_mask(look: Look, other: Look) -> np.ndarray:
    """(h, w) of bool: where the image has clearly more detail than the other."""
    mask = (look.detail > _FLOOR) & (look.detail > _SHARPER * other.detail)
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)) > 0


def sharper(look: Look, other: Look, name: str) -> Iterator[str]:
    """Where the image has more detail than the other, and where less."""
    here, there = sharper_mask(look, other), sharper_mask(other, look)
    if here.mean() >= _LEAST:
        yield f"More detail than in {name} shows in {share(here)} of the picture, {place(here)}."
    if there.mean() >= _LEAST:
        yield f"{name[0].upper()}{name[1:]} has more detail in {share(there)} of it, {place(there)}."
    if max(here.mean(), there.mean()) < _LEAST:
        yield f"Detail is about the same as in {name}."


def standouts(look: Look, *, least: float = 0.12) -> np.ndarray:
    """(h, w) of bool: what is brighter than halfway from the median to the brightest, and that by a clear step.

    Empty where nothing stands out, or where what does is no minority.
    """
    middle, top = look.percentile(50), look.percentile(99.8)
    mask = look.light > (middle + top) / 2
    if top - middle < least or mask.mean() > 0.3:
        return np.zeros_like(mask)
    return mask


def spots(mask: np.ndarray, kind: str) -> str:
    """Count the pieces of a mask and say where the largest is: `Three small hot regions stand out, …`."""
    parts = pieces(mask)
    if not parts:
        return ""
    largest = size(float(parts[0].mean()))
    if len(parts) == 1:
        return f"One {largest} {kind} region stands out {place(parts[0])}."
    count = number(len(parts)).capitalize()
    return f"{count} {kind} regions stand out, the largest, a {largest} one, {place(parts[0])}."


def around(mask: np.ndarray) -> np.ndarray:
    """(h, w) of bool: a rim about a mask, not touching it."""
    inner, outer = (
        cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))) > 0
        for width in (5, 21)
    )
    return outer & ~inner


def against_surroundings(light: np.ndarray, mask: np.ndarray) -> float:
    """How much brighter a masked region of an image is than what lies about it; 0 where nothing does."""
    rim = around(mask)
    return float(light[mask].mean() - light[rim].mean()) if rim.any() else 0.0
