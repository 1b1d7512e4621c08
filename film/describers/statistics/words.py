"""From masks and numbers to words that say no more than was measured."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import cv2
import numpy as np

MOST_WORDS = 95
_WHOLLY, _MOSTLY = 0.92, 0.75  # shares of a mask that must lie within a place to name it

# Top, bottom, left and right of each place as shares of height and width; of those that fit, the smallest is named.
_PLACES: dict[str, tuple[float, float, float, float]] = {
    "in the centre": (0.3, 0.7, 0.3, 0.7),
    "at the top, in the middle": (0, 0.4, 0.3, 0.7),
    "at the bottom, in the middle": (0.6, 1, 0.3, 0.7),
    "at the left edge": (0.2, 0.8, 0, 0.3),
    "at the right edge": (0.2, 0.8, 0.7, 1),
    "left of the centre": (0.25, 0.75, 0.1, 0.5),
    "right of the centre": (0.25, 0.75, 0.5, 0.9),
    "in the upper left": (0, 0.5, 0, 0.5),
    "in the upper right": (0, 0.5, 0.5, 1),
    "in the lower left": (0.5, 1, 0, 0.5),
    "in the lower right": (0.5, 1, 0.5, 1),
    "around the middle": (0.25, 0.75, 0.25, 0.75),
    "along the top": (0, 0.3, 0, 1),
    "along the bottom": (0.7, 1, 0, 1),
    "along the left side": (0, 1, 0, 0.3),
    "along the right side": (0, 1, 0.7, 1),
    "in a band across the middle": (0.3, 0.7, 0, 1),
    "in a column down the middle": (0, 1, 0.3, 0.7),
    "in the upper half": (0, 0.5, 0, 1),
    "in the lower half": (0.5, 1, 0, 1),
    "in the left half": (0, 1, 0, 0.5),
    "in the right half": (0, 1, 0.5, 1),
}
_ZONES = (
    ("in the upper left", "at the top", "in the upper right"),
    ("on the left", "in the centre", "on the right"),
    ("in the lower left", "at the bottom", "in the lower right"),
)
_SHARES = (
    (0.001, "a trace"),
    (0.01, "about a hundredth"),
    (0.02, "about a fiftieth"),
    (0.05, "about a twentieth"),
    (0.1, "about a tenth"),
    (0.15, "about a seventh"),
    (0.2, "about a fifth"),
    (0.25, "about a quarter"),
    (1 / 3, "about a third"),
    (0.4, "about two fifths"),
    (0.5, "about half"),
    (0.6, "about three fifths"),
    (2 / 3, "about two thirds"),
    (0.75, "about three quarters"),
    (0.85, "more than four fifths"),
    (0.93, "more than nine tenths"),
    (1.0, "nearly all"),
)
_COUNTS = ("no", "one", "two", "three", "four", "five", "six")


def place(mask: np.ndarray) -> str:
    """Say where a mask is: the smallest place that holds it, `mostly …` one that holds three quarters, or its spread.

    Args:
        mask: (h, w) of bool, somewhere True.

    Returns:
        An adverbial such as `in the upper left`.
    """
    height, width = mask.shape
    total = np.count_nonzero(mask)
    fits: list[tuple[float, float, str]] = []
    for name, (top, bottom, left, right) in _PLACES.items():
        rows = slice(round(top * height), round(bottom * height))
        columns = slice(round(left * width), round(right * width))
        held = np.count_nonzero(mask[rows, columns]) / total
        if held >= _MOSTLY:
            fits.append(((bottom - top) * (right - left), held, name))
    wholly = [fit for fit in fits if fit[1] >= _WHOLLY]
    if wholly:
        return min(wholly, key=lambda fit: (fit[0], -fit[1]))[2]
    if fits:
        return "mostly " + min(fits, key=lambda fit: (fit[0], -fit[1]))[2]
    low, high = zone_range(mask)
    if low > 0.4 * mask.mean() and high < 2 * mask.mean():
        return "all over the picture"
    return f"in many parts, most of all {zone(mask)}"


def zone(values: np.ndarray, *, largest: bool = True) -> str:
    """Name the ninth of the picture, three by three, where values are largest or smallest on average."""
    ninths = cv2.resize(values.astype(np.float32), (3, 3), interpolation=cv2.INTER_AREA)
    index = int(ninths.argmax() if largest else ninths.argmin())
    return _ZONES[index // 3][index % 3]


def zone_range(values: np.ndarray) -> tuple[float, float]:
    """Smallest and largest mean of the ninths of a picture."""
    ninths = cv2.resize(values.astype(np.float32), (3, 3), interpolation=cv2.INTER_AREA)
    return float(ninths.min()), float(ninths.max())


def share(part: float | np.ndarray) -> str:
    """Say a share in (0, 1], or of a mask, as the nearest common fraction by ratio."""
    part = float(np.mean(part))
    middles = [(low[0] * high[0]) ** 0.5 for low, high in pairwise(_SHARES)]
    return _SHARES[sum(part > middle for middle in middles)][1]


def number(count: int) -> str:
    """Say how many: a word up to six, then `several` up to twelve, then `many`."""
    return _COUNTS[count] if count < len(_COUNTS) else "several" if count <= 12 else "many"


def pieces(mask: np.ndarray, *, smallest: float = 0.0004) -> list[np.ndarray]:
    """Split a mask into its connected parts, the largest first.

    Args:
        mask: (h, w) of bool.
        smallest: Share of the picture from which a part counts.

    Returns:
        A mask of each part.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    order = [index for index in np.argsort(-areas, kind="stable") if areas[index] >= max(2, smallest * mask.size)]
    return [labels == index + 1 for index in order[: count - 1]]


def size(part: float) -> str:
    """Say how large a region is that covers so much of the picture."""
    return "tiny" if part < 0.003 else "small" if part < 0.02 else "fairly large" if part < 0.1 else "large"


def grade(value: float, steps: Sequence[tuple[float, str]]) -> str:
    """Give the word of the first step that the value lies below; the last word has no upper limit."""
    return next((word for limit, word in steps if value < limit), steps[-1][1])


def paragraph(sentences: Iterable[str]) -> str:
    """Take the sentences in their order as long as they fit; a longer one may be left out for a shorter one."""
    return " ".join(_fitting(sentences))


def _fitting(sentences: Iterable[str]) -> Iterator[str]:
    words = 0
    for sentence in sentences:
        length = len(sentence.split())
        if words + length <= MOST_WORDS:
            words += length
            yield sentence
