"""MRI slices and the CT, PET or SPECT slices beside them."""

from collections.abc import Iterator

import cv2
import numpy as np

from film.describers.statistics import appearance, compare
from film.describers.statistics.look import Look
from film.describers.statistics.words import Steps, extent, grade, hundredths, pieces, place, share, spots

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
    body, dense = _body(look), _marked(look)[0]
    if dense.mean() >= _LEAST:
        along = body is not None and np.mean(_rim(body, 0.25)[dense]) > 0.6
        where = "mostly along the rim" if along else place(dense)
        yield f"White, dense parts cover {share(dense)} of the picture, {where}."
        if other:
            yield f"In the MRI slice these are {appearance.shown(other, dense)} on average."
    else:
        yield "No part is white and dense."
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
    filled = f"It fills {hundredths(body)} of the picture on dark ground"
    step = float(look.light[_rim(body, 0.15)].mean() - look.light[_inside(body, 0.4)].mean())
    if abs(step) > 0.1:
        filled += f", its rim {'brighter' if step > 0 else 'darker'} than its inside"
    yield f"{filled}; its left and right halves {grade(_likeness(look, body), _ALIKE)}."


def _likeness(look: Look, body: np.ndarray) -> float:
    """Correlation with the mirror image about the best upright axis near the middle, coarsely, as the eye compares."""
    left, top, width, height = cv2.boundingRect(body)
    box = (look.light * body)[top : top + height, left : left + width]
    coarse = cv2.blur(cv2.resize(box, (32, 32), interpolation=cv2.INTER_AREA), (5, 5), borderType=cv2.BORDER_CONSTANT)
    mirrors = [coarse[:, max(0, shift) : 32 + min(0, shift)] for shift in range(-6, 7, 2)]
    return max(
        1.0 if part.std() < 0.01 else float(np.corrcoef(part.ravel(), part[:, ::-1].ravel())[0, 1]) for part in mirrors
    )


def _rim(body: np.ndarray, part: float) -> np.ndarray:
    """(h, w) of bool: the outer part of a region, as a share of its greatest depth."""
    depth = _depth(body)
    return (body > 0) & (depth <= max(1.0, part * float(depth.max())))


def _inside(body: np.ndarray, part: float) -> np.ndarray:
    """(h, w) of bool: what lies deeper in a region than a share of its greatest depth."""
    depth = _depth(body)
    return depth >= part * depth.max()


def _hollows(look: Look, body: np.ndarray | None) -> Iterator[str]:
    """Dark parts deep inside, below half of what is usual there."""
    if body is None:
        return
    inside = _inside(body, 0.3)
    dark = inside & (look.light < 0.5 * np.median(look.light[inside]))
    if dark.mean() >= _LEAST:
        yield f"Darker parts inside it cover {extent(dark)}."
