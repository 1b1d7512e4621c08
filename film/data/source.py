"""What every source of pairs promises: names, two images and words, one pair at a time."""

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from film.errors import FilmError
from film.layers.text import TextFeatures
from film.tasks import SENTENCES, TASKS

Pixels = np.ndarray
Simulation = Literal["focus", "exposure"]
Words = Literal["words", "features", "task"]


@dataclass(frozen=True)
class Reading:
    """How sets are split and which words are read.

    Attributes:
        words: What stands for the text of a pair.
        text_dim: Width of text features; None takes that of the first.
        texts: Folder that holds `Text/{TASK}/{SET}/{side}` and `TextFeature/{TASK}/{SET}`; None for that of the images.
        seed: Of the splits that no list makes.
        val_share: How much of the train list validates if no list says so.
        test_share: How much is test if there is no list at all.
    """

    words: Words = "words"
    text_dim: int | None = None
    texts: str | None = None
    seed: int = 0
    val_share: float = 0.05
    test_share: float = 0.1


class Images(NamedTuple):
    """The two images of a pair, as they are stored.

    Attributes:
        a: (H, W) grey or (H, W, 3) RGB; uint8, uint16, or float32 in [0, 1].
        b: Of the same height and width.
    """

    a: Pixels
    b: Pixels


class PairSource(ABC):
    """Pairs of images of one task, read when they are asked for.

    Making a source opens no image; it is copied into every worker of a loader, and each opens its own files.

    Args:
        names: Name of each pair, no two alike.
        task: Key of `film.tasks`.

    Attributes:
        simulate: What turns the one photo that `read` gives twice into a pair; None for real pairs.
    """

    simulate: Simulation | None = None

    def __init__(self, names: Sequence[str], task: str) -> None:
        if task not in TASKS:
            raise FilmError(f"unknown task {task!r}; choose from {', '.join(TASKS)}")
        self.names = names
        self.task = task

    def __len__(self) -> int:
        return len(self.names)

    def task_of(self, index: int) -> str:
        """Task of one pair; sources of several tasks override it."""
        return self.task

    def simulation_of(self, index: int) -> Simulation | None:
        """What makes a pair of this photo; None if it is one already."""
        return self.simulate

    @abstractmethod
    def read(self, index: int) -> Images:
        """Read the images of one pair.

        Raises:
            FilmError: A file is missing or broken, or the two differ in size; with its path.
        """

    def text(self, index: int) -> str | TextFeatures:
        """Give the words of one pair, or their features (1, L, D); by default the sentence of the task."""
        return SENTENCES[self.task]


class OncePerProcess:
    """Something that each process must open for itself, such as an HDF5 file.

    Copies for workers, forked or pickled, start closed.
    """

    def __init__(self) -> None:
        self._owner = 0
        self._opened: dict[Any, Any] = {}

    def get(self, key: Any, opener: Any) -> Any:
        """Return what `opener(key)` gave when this process first asked for it."""
        if self._owner != os.getpid():
            self._owner, self._opened = os.getpid(), {}
        if key not in self._opened:
            self._opened[key] = opener(key)
        return self._opened[key]

    def __getstate__(self) -> dict[str, Any]:
        return {"_owner": 0, "_opened": {}}


def check_sizes(images: Images, name: str) -> Images:
    """Hand two images on if they have the same size.

    Raises:
        FilmError: They haven't.
    """
    (height, width), (height_b, width_b) = images.a.shape[:2], images.b.shape[:2]
    if (height, width) != (height_b, width_b):
        raise FilmError(
            f"sizes differ: A of {name} is {width}x{height}, B is {width_b}x{height_b}; "
            "the two images of a pair must be registered to each other"
        )
    return images
