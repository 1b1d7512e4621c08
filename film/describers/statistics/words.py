"""From masks and numbers to words that say no more than was measured."""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

LEAST_WORDS, MOST_WORDS = 45, 92
_SHORTEST = 7  # words of the shortest sentences
_WHOLLY, _MOSTLY = 0.92, 0.75  # shares of a mask that must lie within a place to name it

Steps = Sequence[tuple[float, str]]  # upper limits and what lies below them

# Top, bottom, left and right of each place as shares of height and width; of those that fit, the smallest is named.
_PLACES: tuple[tuple[str, tuple[float, float, float, float]], ...] = (
    ("in the centre", (0.35, 0.65, 0.35, 0.65)),
    ("in the upper middle", (0, 0.4, 0.35, 0.65)),
    ("in the lower middle", (0.6, 1, 0.35, 0.65)),
    ("on the left", (0.2, 0.8, 0, 0.3)),
    ("on the right", (0.2, 0.8, 0.7, 1)),
    ("left of the centre", (0.25, 0.75, 0.1, 0.5)),
    ("right of the centre", (0.25, 0.75, 0.5, 0.9)),
    ("in the upper left", (0, 0.5, 0, 0.5)),
    ("in the upper right", (0, 0.5, 0.5, 1)),
    ("in the lower left", (0.5, 1, 0, 0.5)),
    ("in the lower right", (0.5, 1, 0.5, 1)),
    ("around the middle", (0.25, 0.75, 0.25, 0.75)),
    ("in the upper middle", (0, 0.5, 0.24, 0.76)),
    ("in the lower middle", (0.5, 1, 0.24, 0.76)),
    ("along the top", (0, 0.3, 0, 1)),
    ("along the bottom", (0.7, 1, 0, 1)),
    ("along the left side", (0, 1, 0, 0.3)),
    ("along the right side", (0, 1, 0.7, 1)),
    ("in a band across the middle", (0.3, 0.7, 0, 1)),
    ("in a column down the middle", (0, 1, 0.3, 0.7)),
    ("in the upper half", (0, 0.5, 0, 1)),
    ("in the lower half", (0.5, 1, 0, 1)),
    ("in the left half", (0, 1, 0, 0.5)),
    ("in the right half", (0, 1, 0.5, 1)),
)
_ZONES = (
    ("in the upper left", "at the top", "in the upper right"),
    ("on the left", "in the centre", "on the right"),
    ("in the lower left", "at the bottom", "in the lower right"),
)
_SHARES: Steps = (
    (0.005, "less than a hundredth"),
    (0.014, "about a hundredth"),
    (0.032, "about a fiftieth"),
    (0.07, "about a twentieth"),
    (0.122, "about a tenth"),
    (0.173, "about a seventh"),
    (0.224, "about a fifth"),
    (0.289, "about a quarter"),
    (0.365, "about a third"),
    (0.447, "about two fifths"),
    (0.548, "about half"),
    (0.632, "about three fifths"),
    (0.707, "about two thirds"),
    (0.8, "about three quarters"),
    (0.9, "more than four fifths"),
    (0.97, "more than nine tenths"),
    (1.1, "nearly all"),
)
_SIZES: Steps = ((0.003, "tiny"), (0.02, "small"), (0.1, "fairly large"), (1.1, "large"))
_COUNTS: Steps = (
    (2, "one"),
    (3, "two"),
    (4, "three"),
    (5, "four"),
    (6, "five"),
    (7, "six"),
    (13, "several"),
    (1e9, "many"),
)


_ONES = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def grade(value: float, steps: Steps) -> str:
    """Give the word of the first step that the value lies below; the last word has no upper limit."""
    return next((word for limit, word in steps if value < limit), steps[-1][1])


def place(mask: np.ndarray) -> str:
    """Say where a mask is: the smallest place that holds it, or `mostly …` one that holds three quarters.

    Args:
        mask: (h, w) of bool, somewhere True.

    Returns:
        An adverbial such as `in the upper left`; of what fits no place, how it is spread.
    """
    height, width = mask.shape
    sums = cv2.integral(mask.view(np.uint8))  # of what lies above and to the left
    best: tuple[bool, float, float, str] | None = None
    for name, (top, bottom, left, right) in _PLACES:
        (first, last), (start, stop) = (
            (round(top * height), round(bottom * height)),
            (round(left * width), round(right * width)),
        )
        inside = int(sums[last, stop]) - int(sums[first, stop]) - int(sums[last, start]) + int(sums[first, start])
        held = inside / int(sums[-1, -1])
        fit = (held < _WHOLLY, (bottom - top) * (right - left), -held, name)
        if held >= _MOSTLY and (best is None or fit < best):
            best = fit
    if best:
        return f"mostly {best[3]}" if best[0] else best[3]
    low, high = ninths(mask)[1:]
    if low > 0.4 * mask.mean() and high < 2 * mask.mean():
        return "in all parts"
    return f"in many parts, most of all {zone(mask)}"


def ninths(values: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Means of the ninths of a picture, three by three, and the smallest and the largest of them."""
    means = cv2.resize(values.astype(np.float32), (3, 3), interpolation=cv2.INTER_AREA)
    return means, float(means.min()), float(means.max())


def zone(values: np.ndarray, *, largest: bool = True) -> str:
    """Name the ninth of the picture where values are largest or smallest on average."""
    means = ninths(values)[0]
    index = int(means.argmax() if largest else means.argmin())
    return _ZONES[index // 3][index % 3]


def share(mask: np.ndarray) -> str:
    """Say which share of the picture a mask covers, as a common fraction that is a fifth off at most."""
    return grade(float(mask.mean()), _SHARES)


def hundredths(mask: np.ndarray) -> str:
    """Say more exactly which share a mask covers: `thirty-seven hundredths`; what is less than one counts as one."""
    tens, ones = divmod(min(99, max(1, round(100 * float(mask.mean())))), 10)
    number = _TEENS[ones] if tens == 1 else "-".join(filter(None, (_TENS[tens], _ONES[ones])))
    return f"{number} hundredth{'' if (tens, ones) == (0, 1) else 's'}"


def extent(mask: np.ndarray) -> str:
    """Say how much of the picture a mask covers, and where: `about a third of the picture, in the lower half`."""
    where = f", {place(mask)}" if mask.mean() < 0.8 else ""
    return f"{share(mask)} of the picture{where}"


def size(mask: np.ndarray) -> str:
    """Say how large a region is: tiny, small, fairly large, large."""
    return grade(float(mask.mean()), _SIZES)


def pieces(mask: np.ndarray, *, most: int, smallest: float = 0.0004) -> tuple[int, list[np.ndarray]]:
    """Split a mask into its connected parts.

    Args:
        mask: (h, w) of bool.
        most: How many parts to give.
        smallest: Share of the picture from which a part counts.

    Returns:
        How many parts there are, and a mask of each of the largest, the largest first.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    order = np.argsort(-areas, kind="stable")[: np.count_nonzero(areas >= max(2, smallest * mask.size))]
    return len(order), [labels == index + 1 for index in order[:most]]


def spots(mask: np.ndarray, kind: str) -> str:
    """Count the pieces of a mask and say where the largest two are; nothing of a mask without pieces."""
    count, parts = pieces(mask, most=2)
    if not parts:
        return ""
    if count == 1:
        return f"One {size(parts[0])} {kind} region stands out {place(parts[0])}."
    largest, second = (f"{size(part)} one {place(part)}" for part in parts[:2])
    return (
        f"{grade(count, _COUNTS).capitalize()} {kind} regions stand out, the largest a {largest}, the next a {second}."
    )


def paragraph(sentences: Iterable[str], fillers: Iterable[str] = ()) -> str:
    """Put sentences together to a paragraph of a good length.

    Args:
        sentences: What is to be said, in its order; what is too long for what is left makes room for something
            shorter. Empty ones say nothing.
        fillers: What else is true, taken as long as the paragraph is too short.

    Returns:
        One line.
    """
    said: list[str] = []
    words = 0
    for sentence in sentences:
        if sentence and words + len(sentence.split()) <= MOST_WORDS:
            said.append(sentence)
            words += len(sentence.split())
        if words > MOST_WORDS - _SHORTEST:
            break  # what comes next would be measured in vain
    for sentence in fillers if words < LEAST_WORDS else ():
        if words < LEAST_WORDS and sentence not in said:
            said.append(sentence)
            words += len(sentence.split())
    return " ".join(said)
