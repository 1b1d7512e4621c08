"""Sentences that hold for images of every kind: brightness, contrast, detail, colour."""

from collections.abc import Iterator

import numpy as np

from film.describers.statistics.look import Look
from film.describers.statistics.words import Steps, extent, grade, ninths, pieces, place, share, spots, zone

BLACK, WHITE = 0.03, 0.97  # luminance up to which nothing can be made out in the dark, and from which in the light

_TONES: Steps = (
    (0.08, "almost black overall"),
    (0.2, "very dark overall"),
    (0.33, "dark overall"),
    (0.45, "rather dark"),
    (0.57, "of medium brightness"),
    (0.68, "rather bright"),
    (0.82, "bright overall"),
    (0.95, "very bright overall"),
    (1.1, "almost white overall"),
)
_GREYS: Steps = (
    (BLACK, "black"),
    (0.15, "nearly black"),
    (0.3, "dark grey"),
    (0.45, "medium dark grey"),
    (0.6, "middle grey"),
    (0.75, "light grey"),
    (WHITE, "very light grey"),
    (1.1, "white"),
)
_CONTRASTS: Steps = (  # standard deviation of the luminance
    (0.012, "hardly any contrast"),
    (0.06, "very low contrast"),
    (0.12, "low contrast"),
    (0.2, "moderate contrast"),
    (0.29, "strong contrast"),
    (1.0, "very strong contrast"),
)
_DETAILS: Steps = (  # mean of `Look.detail`
    (0.0015, "no visible detail"),
    (0.006, "little fine detail"),
    (0.014, "some fine detail"),
    (0.03, "much fine detail"),
    (1.0, "dense fine detail"),
)
_VIVID: Steps = ((0.25, "muted"), (0.45, "clear"), (1.1, "vivid"))  # mean chroma
_STANDING_OUT = 0.12  # step from the median to the brightest from which anything stands out
_SPOT = 0.4  # chroma from which a small coloured spot is worth a word


def tone(look: Look, what: str = "It") -> str:
    """How bright it is, and its contrast."""
    return f"{what} is {grade(look.mean, _TONES)} with {grade(float(look.light.std()), _CONTRASTS)}."


def greys(look: Look) -> str:
    """From where to where nine tenths of its greys go."""
    low, high = (grade(float(value), _GREYS) for value in np.percentile(look.light, (5, 95)))
    return f"Nearly all of it is {low}." if low == high else f"Most of it lies between {low} and {high}."


def fillers(look: Look) -> Iterator[str]:
    """What can be said of any image if there is little else."""
    yield greys(look)
    yield lighting(look)
    yield sharpness(look)
    yield colours(look)
    yield bright_regions(look)


def lighting(look: Look) -> str:
    """Where it is brightest and darkest, by ninths."""
    _, low, high = ninths(look.light)
    if high - low < 0.04:
        return "Brightness is nearly the same in all parts."
    much = "much " if high - low > 0.3 else ""
    return f"It is brightest {zone(look.light)} and {much}darker {zone(look.light, largest=False)}."


def clipped(look: Look, *, white: str = "blown out to white") -> Iterator[str]:
    """How much is white or black and where; nothing below half a hundredth."""
    for mask, word in ((look.light >= WHITE, white), (look.light <= BLACK, "black")):
        if mask.mean() >= 0.005:
            where = f", {place(mask)}" if mask.mean() < 0.8 else ""
            yield f"{share(mask).capitalize()} of the picture is {word}{where}."


def sharpness(look: Look) -> str:
    """How much fine detail there is, where most and where least, by ninths."""
    amount = grade(float(look.detail.mean()), _DETAILS)
    _, low, high = ninths(look.detail)
    if high < 0.003:
        return f"There is {amount} anywhere."
    if high < 1.4 * low:
        return f"There is {amount}, evenly spread."
    return f"There is {amount}, most {zone(look.detail)} and least {zone(look.detail, largest=False)}."


def colours(look: Look) -> str:
    """Which colours there are, how much of them and where."""
    if not look.is_colour:
        return "There is no colour, only shades of grey."
    found = [(name, mask) for name, mask in look.colours.items() if mask.mean() >= 0.02][:3]
    if not found:
        return f"Colours are very faint, most of it is close to grey{_coloured_spots(look)}."
    (name, mask), *rest = found
    first = f"{grade(look.chroma(mask), _VIVID).capitalize()} {name} covers {extent(mask)}"
    others = " and ".join(f"{name} {place(mask)}" for name, mask in rest)
    return f"{first}, with {others}." if others else f"{first}{_coloured_spots(look)}."


def _coloured_spots(look: Look) -> str:
    for name, mask in look.colours.items():
        if mask.mean() >= 0.02:
            continue
        _, parts = pieces(mask, most=1)
        if parts and look.chroma(parts[0]) > _SPOT:
            return f", with a spot of {name} {place(parts[0])}"
    return ""


def standouts(look: Look, within: np.ndarray | None = None) -> np.ndarray:
    """Find what is brighter than halfway from the median to the brightest.

    Args:
        look: The image.
        within: (h, w) of bool, where to look; None for everywhere.

    Returns:
        (h, w) of bool; empty if median and brightest are close.
    """
    if within is None:
        within = np.ones(look.light.shape, dtype=bool)
    middle, top = np.percentile(look.light[within], (50, 99.8))
    return within & (look.light > ((middle + top) / 2 if top - middle >= _STANDING_OUT else 1))


def bright_regions(look: Look, kind: str = "bright", within: np.ndarray | None = None) -> str:
    """What is brighter than most of it: small regions one by one, much of it as a whole."""
    mask = standouts(look, within)
    if not mask.any():
        return f"No {kind} region stands out from the rest."
    return spots(mask, kind) if mask.mean() <= 0.3 else f"Its {kind} parts cover {extent(mask)}."


def shown(look: Look, mask: np.ndarray) -> str:
    """What a region looks like on average: its brightness, and the colour of at least a quarter of it."""
    shade = grade(float(look.light[mask].mean()), _SHADES)
    parts = {name: np.count_nonzero(where & mask) / np.count_nonzero(mask) for name, where in look.colours.items()}
    name = max(parts, key=lambda name: parts[name], default="")
    if not name or parts[name] < 0.25:
        return shade
    return f"{shade} and {'mostly' if parts[name] > 0.5 else 'partly'} {name}"


_SHADES: Steps = (
    (0.08, "black"),
    (0.25, "dark"),
    (0.45, "rather dark"),
    (0.6, "of medium brightness"),
    (0.8, "bright"),
    (1.1, "very bright"),
)
