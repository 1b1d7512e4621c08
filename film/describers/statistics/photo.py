"""Photos and grey images of no known kind, visible images, exposures and focus."""

from collections.abc import Iterator

from film.describers.statistics import appearance, compare
from film.describers.statistics.look import Look
from film.describers.statistics.words import place, share

_FOCI = {"a": ("near-focus", "the far-focus image"), "b": ("far-focus", "the near-focus image")}
_EXPOSURES = {"a": ("over-exposed", "the under-exposed image"), "b": ("under-exposed", "the over-exposed image")}


def plain(look: Look) -> Iterator[str]:
    """A picture that nothing is known about."""
    yield appearance.tone(look, "This colour photo" if look.is_colour else "This grey image")
    yield appearance.lighting(look)
    yield appearance.colours(look)
    yield from appearance.clipped(look)
    yield appearance.sharpness(look)
    yield _bright(look)


def exposure(look: Look, other: Look | None, side: str) -> Iterator[str]:
    """One of two exposures."""
    kind, name = _EXPOSURES[side]
    yield appearance.tone(look, f"This {kind} image")
    yield from appearance.clipped(look)
    if other:
        yield from _rescued(look, other, name)
        yield from compare.sharper(look, other, name)
        yield compare.brighter(look, other, name)
    yield appearance.colours(look)
    yield appearance.lighting(look)
    yield appearance.sharpness(look)
    yield _bright(look)


def focus(look: Look, other: Look | None, side: str) -> Iterator[str]:
    """One of two focus settings."""
    kind, name = _FOCI[side]
    if other:
        yield _in_focus(look, other, kind, name)
    yield appearance.tone(look, "It" if other else f"This {kind} image")
    yield appearance.sharpness(look)
    yield appearance.colours(look)
    yield appearance.lighting(look)
    yield from appearance.clipped(look)
    yield _bright(look)


def _bright(look: Look) -> str:
    return compare.spots(compare.standouts(look), "bright")


def _rescued(look: Look, other: Look, name: str) -> Iterator[str]:
    """What one exposure shows where the other is white or black."""
    for lost, word in ((other.light >= appearance.WHITE, "white"), (other.light <= appearance.BLACK, "black")):
        seen = lost & (look.light < appearance.WHITE - 0.05) & (look.light > appearance.BLACK + 0.03)
        if seen.mean() >= 0.01:
            yield f"What is {word} in {name} can be told apart here in {share(seen)} of the picture, {place(seen)}."


def _in_focus(look: Look, other: Look, kind: str, name: str) -> str:
    here, there = compare.sharper_mask(look, other), compare.sharper_mask(other, look)
    said = [
        f"{word} than {name} {place(mask)}, in {share(mask)} of the picture"
        for mask, word in ((here, "sharper"), (there, "softer"))
        if mask.mean() >= 0.005
    ]
    if not said:
        return f"This {kind} image is nowhere clearly sharper or softer than {name}."
    return f"This {kind} image is {said[0]}" + (f", and {said[1].replace(f' than {name}', '')}." if said[1:] else ".")
