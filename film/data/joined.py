"""Several sources of pairs as one."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from film.data.source import Images, PairSource, Simulation
from film.layers.text import TextFeatures


class JoinedPairs(PairSource):
    """The pairs of several sources, one source after the other.

    Args:
        sources: At least one; their tasks may differ.
        prefixes: What makes the names of each source its own: `<prefix>/<name>`.

    Attributes:
        groups: Indices of the pairs of each source.
    """

    def __init__(self, sources: Sequence[PairSource], prefixes: Sequence[str]) -> None:
        pairs = zip(sources, prefixes, strict=True)
        super().__init__([f"{prefix}/{name}" for source, prefix in pairs for name in source.names], sources[0].task)
        self.sources = sources
        self._ends = list(accumulate(map(len, sources)))
        self.groups = [range(end - len(source), end) for source, end in zip(sources, self._ends, strict=True)]

    def _locate(self, index: int) -> tuple[PairSource, int]:
        number = bisect_right(self._ends, index)
        return self.sources[number], index - self.groups[number].start

    def task_of(self, index: int) -> str:
        """Task of the source of this pair."""
        source, at = self._locate(index)
        return source.task_of(at)

    def simulation_of(self, index: int) -> Simulation | None:
        """Simulation of the source of this pair."""
        source, at = self._locate(index)
        return source.simulation_of(at)

    def read(self, index: int) -> Images:
        """Read the images of this pair."""
        source, at = self._locate(index)
        return source.read(at)

    def text(self, index: int) -> str | TextFeatures:
        """Give the words of this pair."""
        source, at = self._locate(index)
        return source.text(at)
