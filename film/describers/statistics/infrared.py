"""Infrared images and the visible images beside them."""

from collections.abc import Iterator

from film.describers.statistics import appearance, compare
from film.describers.statistics.look import Look
from film.describers.statistics.words import place, zone

_NIGHT, _DAY = 0.2, 0.45  # mean luminance below which it is as dark as at night, and above which as bright as by day


def infrared(look: Look, other: Look | None) -> Iterator[str]:
    """A thermal image, in which bright is taken for hot."""
    yield appearance.tone(look, "This infrared image, where bright means hot,")
    yield appearance.bright_regions(look, "hot")
    hot = appearance.standouts(look)
    if other and hot.any():
        yield f"In the visible image what is hot here {compare.stands_out(other.light, hot)}."
    yield f"On average it is coldest {zone(look.light, largest=False)} and warmest {zone(look.light)}."
    if other:
        yield compare.finer(look, other, "the visible image")
        yield compare.brighter(look, other, "the visible image")
    yield appearance.sharpness(look)
    yield from appearance.clipped(look, white="at the hot limit, pure white")
    yield appearance.greys(look)


def visible(look: Look, other: Look | None) -> Iterator[str]:
    """A visible-light image, with the infrared one beside it."""
    yield appearance.tone(look, "This visible-light image")
    if look.mean < _NIGHT:
        yield "It is as dark as a night scene."
        yield appearance.bright_regions(look)
    elif look.mean > _DAY:
        yield "It is as bright as a scene by day."
    yield appearance.colours(look)
    if other and (hot := appearance.standouts(other)).any():
        yield f"Here what is hot in the infrared image, {place(hot)}, {compare.stands_out(look.light, hot)}."
    yield appearance.lighting(look)
    if other:
        yield compare.finer(look, other, "the infrared image")
        yield compare.brighter(look, other, "the infrared image")
    yield appearance.sharpness(look)
    yield from appearance.clipped(look)
    yield appearance.greys(look)
