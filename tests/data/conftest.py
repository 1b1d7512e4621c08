"""Small data sets in the real layouts."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from film.data.source import Images, PairSource
from film.tasks import SOURCES

MakeVLF = Callable[..., Path]


def image(seed: int, size: tuple[int, int] = (24, 32), *, colour: bool = False) -> np.ndarray:
    """Smooth 8-bit noise (H, W), or (H, W, 3)."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (4, 6, 3) if colour else (4, 6), dtype=np.uint8)
    return cv2.resize(small, size[::-1], interpolation=cv2.INTER_LINEAR)


@pytest.fixture
def make_vlf(tmp_path: Path) -> MakeVLF:
    """Write a set in the VLF layout: A grey, B in colour; every image of its own content."""

    def make(
        lists: Mapping[str, Sequence[str]],
        *,
        task: str = "IVF",
        name: str = "Tiny",
        size: tuple[int, int] = (24, 32),
        first_seed: int = 0,
    ) -> Path:
        folder = tmp_path / "VLFDataset" / "Image" / task / name
        names = [file for files in lists.values() for file in files]
        for number, side in enumerate(SOURCES[task]):
            (folder / side).mkdir(parents=True)
            for index, file in enumerate(names):
                pixels = image(first_seed + 2 * index + number, size, colour=number == 1)
                cv2.imwrite(str(folder / side / file), pixels)
        for split, files in lists.items():
            if split != "unlisted":
                (folder / f"{split}.txt").write_text("".join(f"{file}\n" for file in files))
        return tmp_path

    return make


class CountedPairs(PairSource):
    """Pairs that show their own number, so that a test sees which one it got."""

    def __init__(self, count: int, task: str = "IVF", size: tuple[int, int] = (8, 8)) -> None:
        super().__init__([f"pair{index}" for index in range(count)], task)
        self.size = size

    def read(self, index: int) -> Images:
        plane = np.full(self.size, index, np.uint8)
        return Images(plane, 255 - plane)


@pytest.fixture
def counted() -> type[CountedPairs]:
    return CountedPairs
