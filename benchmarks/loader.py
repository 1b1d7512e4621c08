"""How fast pairs are fed: from one HDF5 file reopened for each pair, as FILM's release does, and in our ways.

    python benchmarks/loader.py

Draws pairs with text features, writes them as HDF5 (float images), as PNG with `.npy` features and as
`film data prepare` does. All ways give whole batches of the same pairs; they take turns, and of each the best of
several epochs counts, after one that fills the page cache and starts the workers.
"""

import argparse
import tempfile
import time
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from film.data.infrared_visible import InfraredVisibleDataModule
from film.data.packed import pack
from film.data.sets import open_set
from film.data.source import Reading


class ReopenedHDF5(Dataset[tuple[Any, ...]]):
    """One HDF5 file, opened for every pair.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with h5py.File(path, "r") as file:
            self.names = list(file["imageA"])

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        with h5py.File(self.path, "r") as file:
            name = self.names[index]
            return (*(np.array(file[group][name]) for group in ("imageA", "imageB", "text")), name)


def draw(folder: Path, pairs: int, size: tuple[int, int], tokens: int) -> None:
    """Write the same pairs as HDF5 and in the VLF layout."""
    random = np.random.default_rng(0)
    places = {side: folder / "Image" / "IVF" / "Drawn" / side for side in ("IR", "VI")}
    features = folder / "TextFeature" / "IVF" / "Drawn"
    for place in (*places.values(), features):
        place.mkdir(parents=True)
    names = [f"{index:05d}" for index in range(pairs)]
    for split, listed in (("train", names), ("val", names[:1])):
        (places["IR"].parent / f"{split}.txt").write_text("\n".join(f"{name}.png" for name in listed))
    with h5py.File(folder / "Drawn_train.h5", "w") as file:
        for name in names:
            for group, place in zip(("imageA", "imageB"), places.values(), strict=True):
                image = cv2.resize(random.integers(0, 256, (36, 48), dtype=np.uint8), size[::-1])
                image = cv2.add(image, random.integers(0, 8, size, dtype=np.uint8))
                cv2.imwrite(str(place / f"{name}.png"), image)
                file.create_dataset(f"{group}/{name}", data=image[None].astype(np.float32) / 255)
            text = random.standard_normal((1, tokens, 768), dtype=np.float32)
            np.save(features / f"{name}.npy", text)
            file.create_dataset(f"text/{name}", data=text)


def prepare(folder: Path) -> Path:
    """Write the train list as `film data prepare` does."""
    source = open_set(folder, "IVF", name="Drawn", split="train", reading=Reading(words="features"))
    for _ in pack(source, folder / "prepared" / "IVF" / "Drawn" / "train"):
        pass
    return folder / "prepared"


def ours(root: Path, name: str, *, workers: int, crop: int | None = None) -> Iterable[Any]:
    """Our loader of the train list."""
    module = InfraredVisibleDataModule(
        str(root), [name], words="features", val_share=0.0, crop=crop, batch_size=8, num_workers=workers, compact=True
    )
    return module.train_dataloader()


def best_times(loaders: dict[str, Iterable[Any]], rounds: int) -> dict[str, float]:
    """Seconds of the best epoch of each loader; they take turns, so that a busy machine is busy for all."""
    best = dict.fromkeys(loaders, float("inf"))
    for _ in range(rounds + 1):
        for title, loader in loaders.items():
            start = time.perf_counter()
            for _batch in loader:
                pass
            best[title] = min(best[title], time.perf_counter() - start)
    return best


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--size", type=int, nargs=2, default=(288, 384), metavar=("H", "W"))
    parser.add_argument("--tokens", type=int, default=149, help="tokens of each text, 768 wide")
    parser.add_argument("--crop", type=int, default=128)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        draw(root, options.pairs, tuple(options.size), options.tokens)
        prepared = prepare(root)
        loaders: dict[str, Iterable[Any]] = {
            "HDF5 reopened for each pair": DataLoader(ReopenedHDF5(root / "Drawn_train.h5"), batch_size=8, shuffle=True)
        }
        ways = {
            "HDF5 opened once": (root, "Drawn_train.h5"),
            "PNG and .npy": (root, "Drawn"),
            "prepared": (prepared, "Drawn"),
        }
        for (title, (place, name)), crop, workers in product(ways.items(), (None, options.crop), options.workers):
            what = f"{title}, {f'crops of {crop}' if crop else 'whole images'}, {workers} workers"
            loaders[what] = ours(place, name, workers=workers, crop=crop)
        times = best_times(loaders, options.rounds)
    height, width = options.size
    print(
        f"{options.pairs} pairs of {width}x{height}, texts of {options.tokens} x 768, best of {options.rounds} epochs"
    )
    for title, seconds in times.items():
        ratio = times["HDF5 reopened for each pair"] / seconds
        print(f"{title:44} {options.pairs / seconds:8.0f} pairs/s {ratio:6.1f} x")


if __name__ == "__main__":
    main()
