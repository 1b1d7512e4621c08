"""MRI slices and the CT, PET or SPECT slices beside them."""

from collections.abc import Iterator

import cv2
import numpy as np

from film.describers.statistics import appearance, compare
from film.describers.statistics.look import Look
from film.describers.statistics.words import grade, pieces, place, share, zone

_TISSUE = 0.06  # luminance above which a pixel belongs to the slice and not to the black around it
_UPTAKE = 0.6  # red channel from which the usual colour scales have passed from cool to warm
_DENSE = 0.85  # luminance from which a CT is called dense
_ALIKE = ((0.5, "differ clearly"), (0.75, "are roughly alike"), (0.88, "are much alike"), (1.1, "mirror each other"))
_SHADES = (
    (0.08, "black"),
    (0.25, "dark"),
    (0.45, "rather dark"),
    (0.6, "of medium brightness"),
    (0.8, "bright"),
    (1.1, "white"),
)


def medical(look: Look, other: Look | None, side: str) -> Iterator[str]:
    """A slice; colour on the second side is a tracer image, grey a CT."""
    if side == "a":
        yield from _mri(look, other)
    else:
        yield from (_tracer if look.is_colour else _ct)(look, other)
    yield from _extent(look)
    yield appearance.lighting(look)
    yield from appearance.clipped(look)
    yield appearance.colours(look)


def _mri(look: Look, other: Look | None) -> Iterator[str]:
    yield appearance.tone(look, "This MRI slice")
    yield from _shape(look)
    if other:
        yield from _beside(look, other)
    yield _brightest(look)
    yield appearance.sharpness(look)
    if other:
        yield from compare.sharper(look, other, _name(other))


def _ct(look: Look, other: Look | None) -> Iterator[str]:
    yield appearance.tone(look, "This CT slice")
    dense = look.light > _DENSE
    if dense.mean() >= 0.003:
        yield f"White, dense parts cover {share(dense)} of the picture, {place(dense)}."
        if other:
            yield f"In the MRI slice these are on average {grade(float(other.light[dense].mean()), _SHADES)}."
    else:
        yield "No part is white and dense."
    yield from _shape(look)
    yield appearance.sharpness(look)
    if other:
        yield from compare.sharper(look, other, "the MRI slice")
        yield compare.brighter(look, other, "the MRI slice")


def _tracer(look: Look, other: Look | None) -> Iterator[str]:
    yield appearance.tone(look, "This functional PET or SPECT slice in false colours")
    warm = look.rgb[..., 0] > _UPTAKE
    if warm.mean() >= 0.003:
        yield f"Strong uptake in warm colours covers {share(warm)} of the picture, {place(warm)}."
        if other:
            yield f"In the MRI slice this area is on average {grade(float(other.light[warm].mean()), _SHADES)}."
    else:
        yield "No part reaches the warm colours of strong uptake."
    yield from _shape(look)
    if other:
        yield from compare.sharper(look, other, "the MRI slice")
    yield f"The brightest part is {zone(look.light)}."


def _name(other: Look) -> str:
    return "the PET or SPECT slice" if other.is_colour else "the CT slice"


def _beside(look: Look, other: Look) -> Iterator[str]:
    """How the MRI looks where the other slice is strong."""
    marked = other.rgb[..., 0] > _UPTAKE if other.is_colour else other.light > _DENSE
    if marked.mean() >= 0.003:
        what = "strong uptake" if other.is_colour else "white, dense parts"
        shade = grade(float(look.light[marked].mean()), _SHADES)
        yield f"Where {_name(other)} shows {what}, {place(marked)}, it is on average {shade}."


def _brightest(look: Look) -> str:
    return compare.spots(compare.standouts(look), "bright")


def _slice(look: Look) -> np.ndarray | None:
    """(h, w) of bool: the largest connected part that isn't black, holes filled; None where there is no ground about it."""
    parts = pieces(look.light > _TISSUE, smallest=0.01)
    if not parts:
        return None
    outlines, _ = cv2.findContours(parts[0].astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    body = cv2.drawContours(np.zeros(look.light.shape, np.uint8), outlines, -1, 1, cv2.FILLED) > 0
    return body if body.mean() < 0.95 else None


def _shape(look: Look) -> Iterator[str]:
    """Rim against inside, and left against right."""
    body = _slice(look)
    if body is None:
        return
    depth = cv2.distanceTransform(body.astype(np.uint8), cv2.DIST_L2, 3)
    rim, inside = body & (depth < 0.15 * depth.max()), depth > 0.4 * depth.max()
    step = float(look.light[rim].mean() - look.light[inside].mean())
    if abs(step) > 0.1:
        yield f"Its rim is {'brighter' if step > 0 else 'darker'} than its inside."
    rows, columns = (np.flatnonzero(body.any(axis)) for axis in (1, 0))
    box = look.light[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if box.std() > 0.01:
        likeness = float(np.corrcoef(box.ravel(), box[:, ::-1].ravel())[0, 1])
        yield f"Its left and right halves {grade(likeness, _ALIKE)}."


def _extent(look: Look) -> Iterator[str]:
    body = _slice(look)
    if body is not None:
        yield f"It fills {share(body)} of the picture on dark ground."
