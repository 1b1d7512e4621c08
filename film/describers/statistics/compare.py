"""Sentences about one image beside another of the same scene."""

import cv2
import numpy as np

from film.describers.statistics.look import Look
from film.describers.statistics.words import extent

_STEP = 0.08  # difference of luminance that is plain to see
_SHARPER = 1.3  # ratio of detail from which one image is called sharper
_FLOOR = 0.005  # detail up to which an image shows hardly any
_LEAST = 0.01  # share of the picture that is worth a word
_SAME = 0.05  # difference to the surroundings up to which a region hardly stands out


def brighter(look: Look, other: Look, name: str) -> str:
    """Where the image is brighter and darker than the other."""
    masks = {"brighter": look.light > other.light + _STEP, "darker": look.light < other.light - _STEP}
    return _than("It is", masks, name) or f"Nowhere does it differ much in brightness from {name}."


def finer_mask(look: Look, other: Look) -> np.ndarray:
    """(h, w) of bool: where the image has clearly more detail than the other."""
    mask = (look.detail > _FLOOR) & (look.detail > _SHARPER * other.detail)
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)) > 0


def finer(look: Look, other: Look, name: str) -> str:
    """Where the image has more detail than the other, and where less."""
    masks = {"finer": finer_mask(look, other), "poorer": finer_mask(other, look)}
    return _than("Its detail is", masks, name) or f"Its detail is about the same as in {name}."


def _than(what: str, masks: dict[str, np.ndarray], name: str) -> str:
    said = [(word, extent(mask)) for word, mask in masks.items() if mask.mean() >= _LEAST]
    if not said:
        return ""
    (first, where), *rest = said
    return (
        f"{what} {first} than {'in ' * what.startswith('Its')}{name} in {where}"
        + "".join(f", and {word} in {where}" for word, where in rest)
        + "."
    )


def around(mask: np.ndarray) -> np.ndarray:
    """(h, w) of bool: a rim about a mask, not touching it."""
    inner, outer = (
        cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))) > 0
        for width in (5, 21)
    )
    return outer & ~inner


def stands_out(light: np.ndarray, mask: np.ndarray) -> str:
    """How a region that stands out in one image looks in the luminance of another, against a rim about it."""
    rim = around(mask)
    step = float(light[mask].mean() - light[rim].mean()) if rim.any() else 0.0
    if abs(step) < _SAME:
        return "hardly stands out"
    return f"is on average {'brighter' if step > 0 else 'darker'} than its surroundings"
