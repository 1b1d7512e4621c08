"""Texts that say the same as another pair's, word for word or in other words."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from film.commands.proofreading.rules import words_of

_FEWEST = 8  # texts; among fewer, no word is rare
_ALIKE = 0.2  # share of the rare words that two texts have in common; independent ones about the like share up to 0.15
_TIMES = 3  # how much more than the usual closest neighbour, as all texts of a template are alike
_BLOCK = 2000  # texts compared with each other at once, neighbours by name


def near_copies(names: Sequence[str], texts: Sequence[str]) -> Iterator[tuple[str, str, float]]:
    """Find texts that share far more rare words with another's than texts of this folder usually do.

    Two texts share the weight of their common words, over that of all their words; a word weighs log(n / texts that
    have it), so what every text says counts for nothing.

    Args:
        names: Of the texts of one folder, sorted; of many, each is compared with some thousand neighbours.
        texts: As they stand in the files.

    Yields:
        Name, name of the other, and the share in [0, 1]; each pair of texts once.
    """
    for start in range(0, len(names), _BLOCK):
        block = slice(start, start + _BLOCK)
        if len(names[block]) >= _FEWEST:
            yield from _of_block(names[block], _shares(texts[block]))


def _of_block(names: Sequence[str], shares: np.ndarray) -> Iterator[tuple[str, str, float]]:
    closest = shares.argmax(1)
    highest = shares.max(1)
    least = max(_ALIKE, _TIMES * float(np.median(highest)))
    for index in np.flatnonzero(highest >= least).tolist():
        other = int(closest[index])
        if index < other or closest[other] != index:
            yield names[index], names[other], float(highest[index])


def _shares(texts: Sequence[str]) -> np.ndarray:
    """(n, n) weighted Jaccard similarity, zero on the diagonal."""
    words = [{word for word in words_of(text) if len(word) > 2} for text in texts]
    counts = Counter(word for found in words for word in found)
    columns = {word: column for column, word in enumerate(word for word, count in counts.items() if count > 1)}
    weights = {word: math.log(len(texts) / count) for word, count in counts.items()}
    table = np.zeros((len(texts), len(columns)), np.float32)
    for row, found in enumerate(words):
        for word in found & columns.keys():
            table[row, columns[word]] = math.sqrt(weights[word])
    common = table @ table.T
    whole = np.array([sum(weights[word] for word in found) for found in words], np.float32)
    shares = common / np.maximum(whole[:, None] + whole - common, 1e-6)
    np.fill_diagonal(shares, 0)
    return shares
