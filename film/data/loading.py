"""Samples to batches, and the loader that hands them out: it can go on in mid-epoch and tells of what it left out."""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from film.data.buffers import Buffers
from film.data.reading import unit
from film.data.sampling import EpochSampler
from film.data.source import Images, Simulation
from film.errors import FilmError
from film.layers.text import TextFeatures

Batch = dict[str, Any]
_FLOAT = np.dtype(np.float32)

_log = logging.getLogger("film")


class Sample(NamedTuple):
    """One pair, or what kept it from being read.

    Attributes:
        images: (H, W) luminance of both, uint8, uint16, or float32 in [0, 1]; None if the pair is left out.
        text: Words, or features (1, L, D).
        name: Name of the pair.
        task: Key of `film.tasks`.
        seed: Of all that is random about it.
        simulation: What makes a pair of a photo that stands in for both images; None for a real pair.
        problems: What was wrong with the pairs that were left out before this one was found.
    """

    images: Images | None
    text: str | TextFeatures
    name: str
    task: str
    seed: int
    simulation: Simulation | None
    problems: tuple[str, ...]


class Collate:
    """Makes batches of samples, in arrays that it uses again when a batch is no longer held.

    Args:
        compact: Leave integers and float16 as they are, a quarter of the bytes to move; `finish_batch` makes float32
            of them on the device.
        finish: What is done with the batch at last.
    """

    def __init__(self, *, compact: bool = False, finish: Callable[[Batch], Batch] | None = None) -> None:
        self.compact, self.finish = compact, finish
        self._buffers = Buffers()

    def __call__(self, samples: Sequence[Sample]) -> Batch:
        """Make a batch.

        Returns:
            `a` and `b` (B, 1, H, W), float32 in [0, 1] or, if compact, integers; `text` (B strings, or TextFeatures),
            `name`, `task`, `seed` and `simulation` (B each), and `problems`, or what `finish` makes of it. A batch of
            which no pair is left has `problems` only.

        Raises:
            FilmError: The pairs differ in size, or some have words and others features.
        """
        batch: Batch = {"problems": [problem for sample in samples for problem in sample.problems]}
        samples = [sample for sample in samples if sample.images is not None]
        if not samples:
            return batch
        batch["a"] = self._stack([(sample.name, sample.images.a) for sample in samples if sample.images])
        batch["b"] = self._stack([(sample.name, sample.images.b) for sample in samples if sample.images])
        batch["text"] = self._texts(samples)
        for key in ("name", "task", "seed", "simulation"):
            batch[key] = [getattr(sample, key) for sample in samples]
        return self.finish(batch) if self.finish else batch

    def _stack(self, planes: list[tuple[str, np.ndarray]]) -> Tensor:
        (first, plane), *_ = planes
        kinds = {plane.dtype for _, plane in planes}
        keep = self.compact and len(kinds) == 1
        stacked = self._buffers.take((len(planes), 1, *plane.shape), plane.dtype if keep else _FLOAT)
        for target, (name, plane) in zip(stacked, planes, strict=True):
            if plane.shape != target.shape[1:]:
                sizes = f"{first} is {_size(target[0])}, {name} is {_size(plane)}"
                raise FilmError(f"pairs of one batch differ in size: {sizes}; set crop or resize, or batch size 1")
            if keep:
                target[0] = plane
            else:
                unit(plane, out=target[0])
        return torch.from_numpy(stacked)

    def _texts(self, samples: Sequence[Sample]) -> list[str] | TextFeatures:
        words = [sample.text for sample in samples if isinstance(sample.text, str)]
        features = [sample.text for sample in samples if isinstance(sample.text, TextFeatures)]
        if words and features:
            raise FilmError("some pairs of one batch have words, others text features; choose one kind for all")
        return words or self._features(features)

    def _features(self, texts: Sequence[TextFeatures]) -> TextFeatures:
        """Pad as `TextFeatures.stack` does."""
        widths = sorted({text.tokens.shape[-1] for text in texts})
        if len(widths) > 1:
            raise FilmError(f"text features of one batch are {widths} wide; encode all texts with one encoder")
        length = max(text.tokens.shape[1] for text in texts)
        half = self.compact and all(text.tokens.dtype == torch.float16 for text in texts)
        tokens = self._buffers.take((len(texts), length, widths[0]), np.dtype(np.float16) if half else _FLOAT)
        mask = torch.zeros(len(texts), length, dtype=torch.bool)
        for index, text in enumerate(texts):
            words = text.tokens.shape[1]
            tokens[index, :words] = text.tokens[0].numpy()
            tokens[index, words:] = 0
            mask[index, :words] = text.mask[0]
        return TextFeatures(torch.from_numpy(tokens), mask)


def _size(plane: np.ndarray) -> str:
    return f"{plane.shape[1]}x{plane.shape[0]}"


class PairLoader(DataLoader):
    """A DataLoader whose training order can be taken up in mid-epoch, and which reports pairs that were left out.

    Attributes:
        problems: What was wrong with each pair left out so far.
    """

    _given = 0
    _resumed: dict[str, int] | None = None

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]
        # A generator starts at its first batch: Lightning asks for the iterator of a resumed run before it tells the
        # sampler which epoch that is.
        self._given = self._first_batch()
        if isinstance(self.sampler, EpochSampler):
            self.sampler.start = self._given * (self.batch_size or 1)
        yield from self._readable(super().__iter__())

    def _first_batch(self) -> int:
        resumed, self._resumed = self._resumed, None
        return resumed["batches"] if resumed and resumed["epoch"] == getattr(self.sampler, "epoch", 0) else 0

    def _readable(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        empty = 0
        try:
            for batch in batches:
                self._report(batch.pop("problems"))
                self._given += 1
                empty += not batch
                if batch:
                    yield batch
        except FilmError as error:
            # A worker's error arrives with its traceback in the message; the last line is what it said.
            raise FilmError(str(error).rstrip().rpartition("FilmError: ")[2]) from None
        if empty == len(self) > 0:
            raise FilmError(f"none of the pairs could be read; the first: {min(self.problems)}")

    def _report(self, problems: list[str]) -> None:
        for problem in problems:
            if problem not in self.problems:
                self.problems.add(problem)
                _log.warning("left out: %s (%d so far)", problem, len(self.problems))

    @property
    def problems(self) -> set[str]:
        """What was wrong with each pair left out so far."""
        return self.__dict__.setdefault("_problems", set())

    def state_dict(self) -> dict[str, int]:
        """Say how far this epoch has come."""
        return {"epoch": getattr(self.sampler, "epoch", 0), "batches": self._given}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on after the batches that `state` has counted, if the next epoch asked for is its epoch."""
        self._resumed = state
