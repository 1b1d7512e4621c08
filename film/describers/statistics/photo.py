"""Photos and grey images of no known kind, exposures and focus settings."""

from collections.abc import Iterator

from film.describers.statistics import appearance, compare
from film.describers.statistics.look import Look
from film.describers.statistics.words import extent

_EXPOSURES = {"a": ("over-exposed", "the under-exposed image"), "b": ("under-exposed", "the over-exposed image")}
_FOCI = {"a": ("near-focus", "the far-focus image"), "b": ("far-focus", "the near-focus image")}
_LEAST = 0.005  # share of the picture from which focus counts


def plain(look: Look) -> Iterator[str]:
    """A picture that nothing is known about."""
    yield appearance.tone(look, "This colour photo" if look.is_colour else "This grey image")
    yield appearance.colours(look)
    yield from appearance.clipped(look)
    yield appearance.lighting(look)
    yield appearance.sharpness(look)
    yield appearance.bright_regions(look)
    yield appearance.greys(look)


def exposure(look: Look, other: Look | None, side: str) -> Iterator[str]:
    """One of two exposures."""
    kind, name = _EXPOSURES[side]
    yield appearance.tone(look, f"This {kind} image")
    yield from appearance.clipped(look)
    if other:
        yield from _rescued(look, other, name)
        yield compare.finer(look, other, name)
    yield appearance.colours(look)
    yield appearance.lighting(look)
    yield appearance.sharpness(look)
    yield appearance.greys(look)
    if other:
        yield compare.brighter(look, other, name)


def focus(look: Look, other: Look | None, side: str) -> Iterator[str]:
    """One of two focus settings."""
    kind, name = _FOCI[side]
    if other:
        yield from _in_focus(look, other, kind, name)
    yield appearance.tone(look, "The whole picture" if other else f"This {kind} image")
    yield appearance.sharpness(look)
    yield appearance.colours(look)
    yield appearance.lighting(look)
    yield from appearance.clipped(look)
    yield appearance.greys(look)


def _rescued(look: Look, other: Look, name: str) -> Iterator[str]:
    """Where the other exposure is white or black and this one is not."""
    for lost, word in ((other.light >= appearance.WHITE, "white"), (other.light <= appearance.BLACK, "black")):
        seen = lost & (look.light < appearance.WHITE - 0.05) & (look.light > appearance.BLACK + 0.03)
        if seen.mean() >= 0.01:
            yield f"{name[0].upper()}{name[1:]} is {word} but this one is not in {extent(seen)}."


def _in_focus(look: Look, other: Look, kind: str, name: str) -> Iterator[str]:
    here, there = compare.finer_mask(look, other), compare.finer_mask(other, look)
    if here.mean() < _LEAST and there.mean() < _LEAST:
        yield f"This {kind} image is nowhere clearly sharper or softer than {name}."
    if here.mean() >= _LEAST:
        yield f"This {kind} image is sharper than {name} in {extent(here)}; there it is {appearance.shown(look, here)}."
    if there.mean() >= _LEAST:
        what = "It" if here.mean() >= _LEAST else f"This {kind} image"
        yield f"{what} is softer than {name} in {extent(there)}, which is {appearance.shown(look, there)}."
