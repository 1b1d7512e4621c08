"""Endless drawn pairs of all four tasks, for tests, notebooks and trying out: no camera took them.

The scenes stand in `film.data.scenes`; the same seed and index give the same pair on every machine with the same
numpy and torch.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from film.data.scenes.canvas import Canvas, Field
from film.data.scenes.head import head
from film.data.scenes.layers import focused_layers
from film.data.scenes.room import exposed_room
from film.data.scenes.street import street
from film.errors import FilmError
from film.tasks import TASKS, TITLES

SCENES: dict[str, Callable[[Canvas], tuple[Field, Field, str]]] = {
    "IVF": street,
    "MIF": head,
    "MEF": exposed_room,
    "MFF": focused_layers,
}


class Drawing(NamedTuple):
    """A drawn pair in colour.

    Attributes:
        a: Source A, (H, W) grey or (H, W, 3) sRGB, float32 in [0, 1].
        b: Source B, likewise.
        text: What is in it; begins with "Synthetic".
    """

    a: Field
    b: Field
    text: str


def draw_pair(task: str, size: int | tuple[int, int], *, seed: int = 0, index: int = 0) -> Drawing:
    """Draw one pair in colour.

    Args:
        task: IVF, MIF, MEF or MFF.
        size: Height and width in pixels, or the side of a square; at least 16.
        seed: Names a series of pairs.
        index: Which pair of the series.

    Raises:
        FilmError: Unknown task, or a size below 16.
    """
    height, width = _check(task, size)
    rng = np.random.default_rng([seed, TASKS.index(task), index])
    a, b, words = SCENES[task](Canvas((height, width), rng))
    return Drawing(a, b, f"Synthetic pair, {TITLES[task]}: {words}.")


class SyntheticPairs(Dataset[dict[str, Tensor | str]]):
    """Drawn pairs as a data set.

    An item has the keys `a` and `b`, luminance (1, H, W) float32 in [0, 1], `text`, and `name`, which begins with
    "synthetic".

    Args:
        task: IVF, MIF, MEF or MFF.
        size: Height and width in pixels, or the side of a square; at least 16.
        length: Number of pairs.
        seed: Names a series of pairs.

    Raises:
        FilmError: Unknown task, a size below 16, or a negative length.
    """

    def __init__(self, task: str, size: int | tuple[int, int] = 128, *, length: int = 1000, seed: int = 0) -> None:
        self.size = _check(task, size)
        if length < 0:
            raise FilmError(f"length must be 0 or more, got {length}")
        self.task, self.length, self.seed = task, length, seed

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Tensor | str]:
        if not -self.length <= index < self.length:
            raise IndexError(f"pair {index} of {self.length}")
        index %= self.length
        a, b, text = draw_pair(self.task, self.size, seed=self.seed, index=index)
        name = f"synthetic_{self.task.lower()}_{self.seed}_{index:06d}"
        return {"a": _luminance(a), "b": _luminance(b), "text": text, "name": name}


def _check(task: str, size: int | tuple[int, int]) -> tuple[int, int]:
    if task not in TASKS:
        raise FilmError(f"unknown task {task!r}; choose one of {', '.join(TASKS)}")
    height, width = (size, size) if isinstance(size, int) else size
    if min(height, width) < 16:
        raise FilmError(f"size must be at least 16 pixels a side, got {height}x{width}")
    return height, width


def _luminance(image: Field) -> Tensor:
    grey = image if image.ndim == 2 else image @ np.array((0.299, 0.587, 0.114), np.float32)  # ITU-R BT.601
    return torch.from_numpy(np.ascontiguousarray(grey, np.float32))[None]
