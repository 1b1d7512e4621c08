"""Drawn pairs that need no data at all: for tests, notebooks and trying out."""

from collections.abc import Sequence

from film.data.augment import Augmentation
from film.data.base import FusionDataModule
from film.data.source import Images, PairSource, Words
from film.data.splits import Split
from film.data.synthetic import draw_pair
from film.errors import FilmError
from film.tasks import SENTENCES

_SERIES: dict[Split, int] = {"train": 0, "val": 1, "test": 2}


class DrawnPairs(PairSource):
    """Pairs of `film.data.synthetic`, drawn once in each process.

    Args:
        task: Key of `film.tasks`.
        size: Height and width in pixels; at least 16.
        length: Number of pairs.
        seed: Names a series of pairs.
        words: `words` for what is in a pair, `task` for the sentence of the task.
    """

    def __init__(self, task: str, size: tuple[int, int], *, length: int, seed: int, words: Words = "words") -> None:
        super().__init__([f"synthetic_{task.lower()}_{seed}_{index:06d}" for index in range(length)], task)
        if words == "features":
            raise FilmError("drawn pairs have no text features; choose words: words or words: task")
        self.size, self.seed, self.words = size, seed, words
        self._drawn: dict[int, tuple[Images, str]] = {}

    def read(self, index: int) -> Images:
        """Give both images."""
        return self._draw(index)[0]

    def text(self, index: int) -> str:
        """Say what is in the pair, or give the sentence of the task."""
        return SENTENCES[self.task] if self.words == "task" else self._draw(index)[1]

    def _draw(self, index: int) -> tuple[Images, str]:
        if index not in self._drawn:
            a, b, text = draw_pair(self.task, self.size, seed=self.seed, index=index)
            self._drawn[index] = Images(a, b), text
        return self._drawn[index]


class SyntheticDataModule(FusionDataModule):
    """Drawn pairs of one task or several; no data are needed.

    Args:
        tasks: Keys of `film.tasks`; pairs of each are drawn in turn.
        size: Height and width in pixels; at least 16.
        train_pairs: Number of training pairs of each task.
        val_pairs: Number of validation pairs of each task.
        test_pairs: Number of test pairs of each task.
        words: `words` for what is in a pair, `task` for the sentence of the task.
        crop: Side of the random squares to train on; null for whole images.
        augment: How training pairs vary; null for not at all.
        batch_size: Training pairs a batch, in each process.
        eval_batch_size: Pairs a batch otherwise.
        epoch_size: Training pairs an epoch, in all processes; null for as many as there are.
        num_workers: Processes that draw; 0 draws in this one.
        seed: Of pairs, order and augmentation; null takes that of `seed_everything`, or 0.
    """

    def __init__(
        self,
        tasks: Sequence[str] = ("IVF",),
        size: tuple[int, int] = (64, 64),
        *,
        train_pairs: int = 64,
        val_pairs: int = 8,
        test_pairs: int = 8,
        words: Words = "words",
        crop: int | None = None,
        augment: Augmentation | None = None,
        batch_size: int = 8,
        eval_batch_size: int = 1,
        epoch_size: int | None = None,
        num_workers: int = 0,
        seed: int | None = None,
    ) -> None:
        super().__init__(
            words=words,
            crop=crop,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            epoch_size=epoch_size,
            num_workers=num_workers,
            seed=seed,
        )
        self.tasks, self.size = tasks, size
        self.lengths: dict[Split, int] = {"train": train_pairs, "val": val_pairs, "test": test_pairs}
        self.augmentations = dict.fromkeys(tasks, augment) if augment else {}

    def sources(self, split: Split) -> dict[str, PairSource]:
        """Name a series of drawings for each task; nothing is drawn yet."""
        # Another split is another series: validation never shows what was trained on.
        options = {"length": self.lengths[split], "seed": 3 * self.seed + _SERIES[split]}
        return {task: DrawnPairs(task, self.size, words=self.reading.words, **options) for task in self.tasks}
