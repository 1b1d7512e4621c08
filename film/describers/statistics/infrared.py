"""Infrared images and the visible images beside them."""

from collections.abc import Iterator

import numpy as np

from film.describers.statistics import appearance, compare
from film.describers.statistics.look import Look
from film.describers.statistics.words import place, share, zone

_DIM, _DAYLIGHT = 0.2, 0.45  # mean luminance below which it is as dark as at night, above which as bright as by day


def infrared(look: Look, other: Look | None) -> Iterator[str]:
    """A thermal image, in which bright is taken for hot."""
    yield appearance.tone(look, "This infrared image, where bright means hot,")
    hot = compare.standouts(look)
    if hot.any():
        yield compare.spots(hot, "hot")
        if other:
            yield f"In the visible image they {_stand_out(other.light, hot)}."
        yield f"Hot parts cover {share(hot)} of the picture."
    else:
        yield "No small region is clearly hotter than the rest."
    yield f"The coldest part is {zone(look.light, largest=False)}, the warmest {zone(look.light)}."
    if other:
        yield compare.brighter(look, other, "the visible image")
        yield from compare.sharper(look, other, "the visible image")
    yield appearance.sharpness(look)
    yield appearance.lighting(look)
    yield from appearance.clipped(look, white="at the hot limit, pure white")
    yield appearance.colours(look)


def visible(look: Look, other: Look | None) -> Iterator[str]:
    """A visible-light image, with the infrared one beside it."""
    yield appearance.tone(look, "This visible-light image")
    if look.mean < _DIM:
        yield "It is as dark as a night scene."
    elif look.mean > _DAYLIGHT:
        yield "It is as bright as a scene by day."
    yield appearance.colours(look)
    if other and (hot := compare.standouts(other)).any():
        yield f"What is hot in the infrared image, {place(hot)}, {_stands_out(look.light, hot)} here."
    if look.mean < _DIM:
        yield compare.spots(compare.standouts(look), "bright")
    yield appearance.lighting(look)
    if other:
        yield from compare.sharper(look, other, "the infrared image")
        yield compare.brighter(look, other, "the infrared image")
    yield appearance.sharpness(look)
    yield from appearance.clipped(look)


def _stand_out(light: np.ndarray, mask: np.ndarray) -> str:
    step = compare.against_surroundings(light, mask)
    if abs(step) < 0.05:
        return "hardly stand out from their surroundings"
    return f"are {'brighter' if step > 0 else 'darker'} than their surroundings"


def _stands_out(light: np.ndarray, mask: np.ndarray) -> str:
    step = compare.against_surroundings(light, mask)
    if abs(step) < 0.05:
        return "hardly stands out from its surroundings"
    return f"is {'brighter' if step > 0 else 'darker'} than its surroundings"
