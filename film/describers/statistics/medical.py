"""MRI slices and the CT, PET or SPECT slices beside them."""

from collections.abc import Iterator

import cv2
import numpy as np

from film.describers.statistics import appearance, compare
from film.describers.statistics.look import Look
from film.describers.statistics.words import Steps, extent, grade, pieces, place, share, spots

_TISSUE = 0.06  # luminance above which a pixel belongs to the slice and not to the black around it
_UPTAKE = 0.6  # red channel from which the usual colour scales have passed from cool to warm
_DENSE = 0.85  # luminance from which a CT is called dense
_LEAST = 0.003  # share of the picture from which uptake and dense parts count
_ALIKE: Steps = (  # correlation of the slice with its mirror image
    (0.5, "differ clearly"),
    (0.75, "are roughly alike"),
    (0.88, "are much alike"),
    (1.1, "nearly mirror each other"),
)


def medical(look: Look, other: Look | None, side: str) -> Iterator[str]:
    """A slice; on the second side colour means a tracer image and grey a CT."""
    if side == "a":
        yield from _mri(look, other)
    else:
        yield from (_tracer if look.is_colour else _ct)(look, other)
    yield appearance.lighting(look)
    yield from appearance.clipped(look)
    yield appearance.greys(look)


def _mri(look: Look, other: Look | None) -> Iterator[str]:
    yield appearance.tone(look, "This MRI slice")
    body = _body(look)
    yield from _shape(look, body)
    if other:
        marked, what = _marked(other)
        if marked.mean() >= _LEAST:
            yield f"Where the {what}, {place(marked)}, it is {appearance.shown(look, marked)} on average."
    yield appearance.bright_regions(look, within=None if body is None else body > 0)
    yield from _hollows(look, body)
    yield appearance.sharpness(look)
    if other:
        yield compare.finer(look, other, "the PET or SPECT slice" if other.is_colour else "the CT slice")


def _ct(look: Look, other: Look | None) -> Iterator[str]:
    yield appearance.tone(look, "This CT slice")
    dense = _marked(look)[0]
    if dense.mean() >= _LEAST:
        yield f"White, dense parts cover {extent(dense)}."
        if other:
            yield f"In the MRI slice these are {appearance.shown(other, dense)} on average."
    else:
        yield "No part is white and dense."
    body = _body(look)
    yield from _shape(look, body)
    yield from _hollows(look, body)
    yield appearance.sharpness(look)
    if other:
        yield compare.finer(look, other, "the MRI slice")


def _tracer(look: Look, other: Look | None) -> Iterator[str]:
    yield appearance.tone(look, "This functional PET or SPECT slice in false colours")
    warm = _marked(look)[0]
    if warm.mean() >= _LEAST:
        yield f"Strong uptake in warm colours covers {extent(warm)}{_middle(warm)}."
        if pieces(warm, most=0)[0] > 1:
            yield spots(warm, "warm")
        if other:
            yield f"In the MRI slice this area is {appearance.shown(other, warm)} on average."
    else:
        yield "No part reaches the warm colours of strong uptake."
    yield appearance.colours(look)
    yield from _shape(look, _body(look))
    if other:
        yield compare.finer(look, other, "the MRI slice")


def _marked(look: Look) -> tuple[np.ndarray, str]:
    """Where a CT is dense or a tracer image shows strong uptake, and how to say that."""
    if look.rgb is None:
        return look.light > _DENSE, "CT slice shows white, dense parts"
    return look.rgb[..., 0] > _UPTAKE, "PET or SPECT slice shows strong uptake"


def _middle(warm: np.ndarray) -> str:
    """Whether the innermost part of the outline about all uptake is itself free of it."""
    hull = cv2.convexHull(np.argwhere(warm)[:, ::-1].astype(np.int32))
    depth = _depth(cv2.fillConvexPoly(np.zeros(warm.shape, np.uint8), hull, 1))
    inside = float(warm[depth > 0.6 * depth.max()].mean())
    return (
        "; what lies innermost is cooler"
        if inside < 0.3
        else "; it is solid up to the innermost part"
        if inside > 0.9
        else ""
    )


def _body(look: Look) -> np.ndarray | None:
    """(h, w) of uint8: the largest connected part that isn't black, holes filled; None unless ground shows about it."""
    _, parts = pieces(look.light > _TISSUE, most=1, smallest=0.01)
    if not parts:
        return None
    outlines, _ = cv2.findContours(parts[0].astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    body = cv2.drawContours(np.zeros(look.light.shape, np.uint8), outlines, -1, 1, cv2.FILLED)
    return body if body.mean() < 0.95 else None


def _depth(body: np.ndarray) -> np.ndarray:
    """(h, w): distance of each pixel of a region to what lies outside, where the picture's edge counts as outside."""
    padded = cv2.copyMakeBorder(body, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]


def _shape(look: Look, body: np.ndarray | None) -> Iterator[str]:
    """How much it fills, rim against inside, left against right."""
    if body is None:
        return
    filled = f"It fills {share(body)} of the picture on dark ground"
    depth = _depth(body)
    rim, inside = (body > 0) & (depth <= max(1, 0.15 * depth.max())), depth >= 0.4 * depth.max()
    step = float(look.light[rim].mean() - look.light[inside].mean())
    if abs(step) > 0.1:
        filled += f", its rim {'brighter' if step > 0 else 'darker'} than its inside"
    rows, columns = (np.flatnonzero(body.any(axis)) for axis in (1, 0))
    box = look.light[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    coarse = cv2.resize(box, (16, 16), interpolation=cv2.INTER_AREA)  # the eye compares parts, not pixels
    if coarse.std() > 0.01:
        likeness = float(np.corrcoef(coarse.ravel(), coarse[:, ::-1].ravel())[0, 1])
        filled += f"; its left and right halves {grade(likeness, _ALIKE)}"
    yield f"{filled}."


def _hollows(look: Look, body: np.ndarray | None) -> Iterator[str]:
    """Dark parts deep inside, below half of what is usual there."""
    if body is None:
        return
    depth = _depth(body)
    inside = depth >= 0.3 * depth.max()
    dark = inside & (look.light < 0.5 * np.median(look.light[inside]))
    if dark.mean() >= _LEAST:
        yield f"Darker parts inside it cover {extent(dark)}."
