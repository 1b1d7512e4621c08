"""In which order pairs are drawn: a function of seed and epoch, the same for any number of processes.

Both samplers are `DistributedSampler`s, which Lightning therefore leaves as they are.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from torch.utils.data import Dataset, DistributedSampler


class Draw(NamedTuple):
    """The index of a pair to read, and the seed of all that is random about it."""

    at: int
    seed: int


class EpochSampler(DistributedSampler[Draw]):
    """Shuffled draws of an epoch; batch k of W processes together holds what batch k of one, W times as large, holds.

    An epoch has whole batches only. A set smaller than a batch is repeated to fill it.

    Args:
        dataset: What is drawn from.
        groups: Indices of each group of pairs.
        weights: Share of each group in an epoch, summing to 1; None draws every pair once.
        batch_size: Pairs a batch in one process.
        epoch_size: Pairs an epoch in all processes; None takes as many as there are.
        seed: Of order and augmentation.
        processes: How many take part.
        rank: Number of this one.

    Attributes:
        start: Draws of this process to leave out, to go on in mid-epoch.
    """

    def __init__(
        self,
        dataset: Dataset,
        groups: Sequence[Sequence[int]],
        *,
        weights: Sequence[float] | None,
        batch_size: int,
        epoch_size: int | None,
        seed: int,
        processes: int,
        rank: int,
    ) -> None:
        super().__init__(dataset, num_replicas=processes, rank=rank, seed=seed)
        self.groups = [np.asarray(group) for group in groups]
        self.weights = weights
        together = batch_size * processes
        wanted = epoch_size or sum(map(len, self.groups))
        self.total_size = max(together, wanted // together * together)
        self.num_samples = self.total_size // processes
        self.start = 0

    def __iter__(self) -> Iterator[Draw]:
        random = np.random.default_rng([self.seed, self.epoch])
        order = self._order(random)
        seeds = random.integers(2**63, size=len(order))
        mine = slice(self.rank + self.start * self.num_replicas, None, self.num_replicas)
        return (Draw(int(index), int(seed)) for index, seed in zip(order[mine], seeds[mine], strict=True))

    def _order(self, random: np.random.Generator) -> np.ndarray:
        if self.weights is None:
            return _cycle(np.concatenate(self.groups), self.total_size, random)
        # Quotas instead of drawing with replacement: every pair of a group comes up as often as any other.
        ends = np.rint(np.cumsum(self.weights) / np.sum(self.weights) * self.total_size).astype(int)
        counts = np.diff(ends, prepend=0)
        parts = [_cycle(group, count, random) for group, count in zip(self.groups, counts, strict=True)]
        return random.permutation(np.concatenate(parts))


def _cycle(indices: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Shuffle again and again until there are enough."""
    rounds = -(-count // len(indices))
    return np.concatenate([random.permutation(indices) for _ in range(rounds)] or [indices])[:count]


class EachOnce(DistributedSampler[int]):
    """Every pair once, in order, spread over all processes without the padding that would count some pairs twice.

    Args:
        dataset: What is drawn from; at least one pair a process.
        processes: How many take part.
        rank: Number of this one.
    """

    def __init__(self, dataset: Dataset, *, processes: int, rank: int) -> None:
        super().__init__(dataset, num_replicas=processes, rank=rank, shuffle=False)
        self.mine = range(rank, len(dataset), processes)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[int]:
        return iter(self.mine)

    def __len__(self) -> int:
        return len(self.mine)
