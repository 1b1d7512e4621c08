"""How many images a second the statistics describer describes, beside merely decoding their files.

    python benchmarks/describing.py [--height 480 --width 640 --images 100 --rounds 5]

Draws photo-like PNG files and describes them with one thread, each read from its file as `film describe` does. Time is
that of the process, which is what one free core takes; the ways take turns, and of each the median round counts. `as a
pair` means that the other source is read and compared too.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from film.describers.base import Description, Subject
from film.describers.statistics import StatisticsDescriber
from film.imaging.files import read_image


def draw(folder: Path, count: int, size: tuple[int, int]) -> list[Path]:
    """Write colour images with smooth areas, edges and some noise."""
    random = np.random.default_rng(0)
    paths = []
    for index in range(count):
        coarse, fine = (random.integers(0, 256, (rows, 4 * rows // 3, 3), dtype=np.uint8) for rows in (6, 60))
        image = cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)
        image = cv2.addWeighted(image, 0.8, cv2.resize(fine, size[::-1], interpolation=cv2.INTER_NEAREST), 0.2, 0)
        paths.append(folder / f"{index:04d}.png")
        cv2.imwrite(str(paths[-1]), cv2.add(image, random.integers(0, 6, image.shape, dtype=np.uint8)))
    return paths


def decode(paths: list[Path]) -> None:
    """Read the files and do nothing else."""
    for path in paths:
        read_image(path)


def describe(subjects: Iterator[Subject]) -> None:
    """Describe all of them."""
    for _, made in StatisticsDescriber().describe(subjects):
        assert isinstance(made, Description)


def ways(paths: list[Path]) -> dict[str, Callable[[], None]]:
    """What is timed."""

    def pairs() -> Iterator[Subject]:
        for path, other in zip(paths, paths[1:] + paths[:1], strict=True):
            yield Subject(path.name, read_image(path), "IVF", "b", read_image(other))

    return {
        "decode the file": lambda: decode(paths),
        "describe a photo": lambda: describe(Subject(path.name, read_image(path)) for path in paths),
        "describe as a pair": lambda: describe(pairs()),
    }


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("height", 480), ("width", 640), ("images", 100), ("rounds", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        timed = ways(draw(Path(folder), options.images, (options.height, options.width)))
        seconds: dict[str, list[float]] = {title: [] for title in timed}
        for _ in range(options.rounds + 1):  # the first warms up
            for title, work in timed.items():
                start = time.process_time()
                work()
                seconds[title].append(time.process_time() - start)
    print(f"{options.images} PNG files of {options.width}x{options.height}, one thread, median of {options.rounds}")
    baseline = statistics.median(seconds["decode the file"][1:])
    for title, times in seconds.items():
        median = statistics.median(times[1:])
        print(f"{title:20} {options.images / median:7.1f} images/s {median / baseline:5.1f} x the time of decoding")


if __name__ == "__main__":
    main()
