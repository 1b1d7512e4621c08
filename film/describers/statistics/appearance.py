"""Sentences that hold for images of every kind: brightness, contrast, detail, colour."""

from collections.abc import Iterator

import numpy as np

from film.describers.statistics.look import Look
from film.describers.statistics.words import grade, place, share, zone, zone_range

BLACK, WHITE = 0.03, 0.97  # luminance below and above which nothing can be told apart by eye

_TONES = (
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
_GREYS = (
    (BLACK, "black"),
    (0.15, "nearly black"),
    (0.3, "dark grey"),
    (0.45, "medium dark grey"),
    (0.6, "middle grey"),
    (0.75, "light grey"),
    (WHITE, "very light grey"),
    (1.1, "white"),
)
_CONTRASTS = (
    (0.012, "hardly any contrast"),
    (0.06, "very low contrast"),
    (0.12, "low contrast"),
    (0.2, "moderate contrast"),
    (0.29, "strong contrast"),
    (1.0, "very strong contrast"),
)
_DETAILS = (
    (0.0015, "no visible detail"),
    (0.006, "little fine detail"),
    (0.014, "some fine detail"),
    (0.03, "much fine detail"),
    (1.0, "dense fine detail"),
)


def tone(look: Look, what: str = "It") -> str:
    """How bright it is and from where to where its greys go."""
    low, high = (grade(look.percentile(percent), _GREYS) for percent in (5, 95))
    greys = f"nearly all of it {low}" if low == high else f"most of it between {low} and {high}"
    return f"{what} is {grade(look.mean, _TONES)} with {grade(look.spread, _CONTRASTS)}, {greys}."


def lighting(look: Look) -> str:
    """Where it is brightest and darkest."""
    low, high = zone_range(look.light)
    if high - low < 0.04:
        return "Brightness is nearly the same in all parts."
    much = "much " if high - low > 0.3 else ""
    return f"It is brightest {zone(look.light)} and {much}darker {zone(look.light, largest=False)}."


def clipped(look: Look, *, black: str = "black", white: str = "blown out to white") -> Iterator[str]:
    """How much is white or black and where; nothing below a two-hundredth."""
    for mask, word in ((look.light >= WHITE, white), (look.light <= BLACK, black)):
        if mask.mean() >= 0.005:
            where = "" if mask.mean() > 0.9 else f", {place(mask)}"
            yield f"{share(mask).capitalize()} of the picture is {word}{where}."


def sharpness(look: Look) -> str:
    """How much fine detail there is, where most and where least."""
    amount = grade(float(look.detail.mean()), _DETAILS)
    low, high = zone_range(look.detail)
    if high < 0.003 or high < 1.4 * low:
        return f"There is {amount}, evenly spread."
    return f"There is {amount}, most {zone(look.detail)} and least {zone(look.detail, largest=False)}."


def colours(look: Look) -> str:
    """Which colours there are, how much of them and where."""
    if not look.is_colour:
        return "There is no colour, only shades of grey."
    found = [(name, mask) for name, mask in look.hues.items() if mask.mean() >= 0.02][:3]
    if not found:
        return "Colours are very faint, close to grey everywhere."
    strong = float(look.chroma[np.logical_or.reduce([mask for _, mask in found])].mean())
    vivid = "vivid" if strong > 0.45 else "clear" if strong > 0.25 else "muted"
    (name, mask), *rest = found
    first = f"{vivid.capitalize()} {name} covers {share(mask)} of it, {place(mask)}"
    others = " and ".join(f"{name} {place(mask)}" for name, mask in rest)
    return f"{first}, with {others}." if others else f"{first}."
