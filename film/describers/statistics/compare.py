"""Sentences about one image beside another of the same scene."""

import cv2
import numpy as np

from film.describers.statistics.look import Look
from film.describers.statistics.words import extent, pieces

_STEP = 0.08  # difference of luminance that is plain to see
_SHARPER = 1.3  # ratio of detail from which one image is called sharper
_FLOOR = 0.005  # detail up to which an image shows hardly any
_LEAST = 0.01  # share of the picture that is worth a word
_SAME = 0.05  # difference to the surroundings up to which a region hardly stands out
_MOST_PIECES = 12  # the largest, which make nearly all of the area


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
    return _than("Its detail is", masks, f"in {name}") or f"Its detail is about the same as in {name}."


def _than(what: str, masks: dict[str, np.ndarray], name: str) -> str:
    said = [(word, extent(mask)) for word, mask in masks.items() if mask.mean() >= _LEAST]
    if not said:
        return ""
    (first, where), *rest = said
    others = "".join(f", and {word} in {where}" for word, where in rest)
    return f"{what} {first} than {name} in {where}{others}."


def stands_out(light: np.ndarray, mask: np.ndarray) -> str:
    """Say how what stands out in one image looks in another, each piece against a rim about it.

    Args:
        light: (h, w) luminance of the other image.
        mask: (h, w) of bool, somewhere True: what stands out in the one.

    Returns:
        A verb phrase; a minority of less than a seventh of the area goes unsaid.
    """
    areas = {"brighter": 0, "darker": 0, "like": 0}
    for piece in pieces(mask, most=_MOST_PIECES)[1] or [mask]:
        step = _step(light, piece, mask)
        areas["like" if abs(step) < _SAME else "brighter" if step > 0 else "darker"] += int(np.count_nonzero(piece))
    least = 0.15 * sum(areas.values())
    brighter, darker, like = (area > least for area in areas.values())
    if not brighter and not darker:
        return "hardly stands out"
    if brighter and darker:
        return "is brighter than its surroundings in some places and darker in others"
    return f"is {'brighter' if brighter else 'darker'} than its surroundings{' in some places only' if like else ''}"


def _step(light: np.ndarray, piece: np.ndarray, mask: np.ndarray) -> float:
    """How much brighter a piece is than a rim about it that touches no piece; 0 where there is none."""
    inner, outer = (
        cv2.dilate(piece.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))) > 0
        for width in (5, 21)
    )
    rim = outer & ~inner & ~mask
    return float(light[piece].mean() - light[rim].mean()) if rim.any() else 0.0
