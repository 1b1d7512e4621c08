"""What a few pixels of misalignment cost: a model beside the Laplacian pyramid and the maximum.

    python benchmarks/misalignment.py --model film-small [--data FOLDER] [--pairs N]

Source B of test pairs is moved by 0 to 3 pixels to the right and down, and everything is measured against the sources
that are fused: Qabf, VIF_min, and doubled edges, the gradient magnitude of the fused image above that of both sources,
in percent of the larger of theirs.
"""

from pathlib import Path

import numpy as np
import torch
from sample_pairs import SETS, options_of, pairs_of
from tqdm import tqdm

from film.commands.evaluation.baselines import baselines
from film.commands.evaluation.luminance import luminance_levels
from film.imaging.files import read_image
from film.imaging.picture import Picture
from film.metrics.base import Pair, find_metrics
from film.pipeline import FusionPipeline

SHIFTS = (0, 1, 2, 3)
BESIDE = ("laplacian", "max")


def main() -> None:
    """Print one row for each set and method."""
    options = options_of(__doc__, pairs=10)
    pipeline = FusionPipeline.load(options.model)
    print(f"| Qabf, VIF_min, doubled | | {' | '.join(f'{shift} px' for shift in SHIFTS)} |")
    print(f"|---|---|{'--:|' * len(SHIFTS)}")
    for name in SETS:
        chosen = pairs_of(options, name)
        task = name.partition("/")[0]
        pairs = [[luminance_levels(read_image(path).pixels) for path in pair] for pair in chosen]
        values = np.mean([measure(pipeline, task, a, b) for a, b in tqdm(pairs, desc=name, leave=False)], 0)
        for method, of_shifts in zip((Path(options.model).stem, *BESIDE), values, strict=True):
            cells = [f"{qabf:.3f}, {vif_min:.3f}, {doubled:.1f} %" for qabf, vif_min, doubled in of_shifts]
            print(f"| {name} | {method} | {' | '.join(cells)} |")


def measure(pipeline: FusionPipeline, task: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(methods, shifts, 3) numbers of one pair."""
    words = pipeline.encode(task=task)
    rows: list[list[list[float]]] = [[] for _ in range(1 + len(BESIDE))]
    for shift in SHIFTS:
        height, width = (size - shift for size in a.shape)
        first, second = a[shift:, shift:], b[:height, :width]
        pictures = (Picture(np.ascontiguousarray(x).astype(np.uint8)) for x in (first, second))
        fused = [pipeline.fuse(*pictures, words=words, grey=True).pixels]
        sources = [x.astype(np.float32) for x in (first, second)]
        fused += [baselines(task)[method](*sources) for method in BESIDE]
        for row, image in zip(rows, fused, strict=True):
            row.append(numbers(image, *sources))
    return np.array(rows)


def numbers(fused: np.ndarray, a: np.ndarray, b: np.ndarray) -> list[float]:
    """Qabf, VIF_min, and doubled edges in percent."""
    pair = Pair(*(torch.from_numpy(x.astype(np.float64))[None, None] for x in (fused, a, b)))
    kept = [metric.values(pair).item() for metric in find_metrics(("Qabf", "VIF_min"))]
    edges = [np.hypot(*np.gradient(x.astype(np.float32))) for x in (fused, a, b)]
    largest = np.maximum(*edges[1:])
    return [*kept, 100 * float(np.clip(edges[0] - largest, 0, None).sum() / largest.sum())]


if __name__ == "__main__":
    main()
