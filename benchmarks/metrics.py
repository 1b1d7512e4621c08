"""Time the twelve metrics of the field against plain NumPy and SciPy forms of the same formulas.

`python benchmarks/metrics.py [--pairs N] [--size WxH] [--data FOLDER]` prints the time of a pair for each way, one
process, two threads for film, and how much faster film is, in float64 and in float32. FOLDER holds `VLFDataset`; by
default FILM_DATA, else the pairs are synthetic.
"""

import argparse
import math
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from scipy.signal import convolve2d

from film.metrics.base import FusionMetrics, find_metrics

Image = np.ndarray


def histogram(x: Image) -> Image:
    """Shares of the 256 levels."""
    return np.bincount(x.astype(int).ravel(), minlength=256) / x.size


def entropy(f: Image) -> float:
    """EN."""
    p = histogram(f)
    p = p[p > 0]
    return float(-(p * np.log2(p)).sum())


def spatial_frequency(f: Image) -> float:
    """SF."""
    return math.sqrt(np.mean(np.diff(f, axis=1) ** 2) + np.mean(np.diff(f, axis=0) ** 2))


def average_gradient(f: Image) -> float:
    """AG."""
    down, across = np.gradient(f)
    return float(np.mean(np.sqrt((down**2 + across**2) / 2)))


def mutual_information(x: Image, f: Image) -> float:
    """Information of one source in nats."""
    joint = np.histogram2d(x.ravel(), f.ravel(), bins=256, range=[[0, 256], [0, 256]])[0] / x.size
    independent = np.outer(joint.sum(1), joint.sum(0))
    here = joint > 0
    return float((joint[here] * np.log(joint[here] / independent[here])).sum())


def squared_error(f: Image, a: Image, b: Image) -> float:
    """MSE."""
    return float((np.mean((f - a) ** 2) + np.mean((f - b) ** 2)) / 2)


def correlation(x: Image, y: Image) -> float:
    """Pearson's r."""
    return float(np.corrcoef(x.ravel(), y.ravel())[0, 1])


def window(size: int, sigma: float) -> Image:
    """Gaussian weights (size, size) that sum to 1."""
    place = np.arange(size) - (size - 1) / 2
    weights = np.exp(-(place[:, None] ** 2 + place**2) / (2 * sigma**2))
    return weights / weights.sum()


def moments(x: Image, y: Image, weights: Image) -> tuple[Image, Image, Image, Image, Image]:
    """Local means, variances and covariance, by dense convolution."""

    def mean(image: Image) -> Image:
        return convolve2d(image, weights, mode="valid")

    mean_x, mean_y = mean(x), mean(y)
    return mean_x, mean_y, mean(x * x) - mean_x**2, mean(y * y) - mean_y**2, mean(x * y) - mean_x * mean_y


def visual_information_fidelity(x: Image, f: Image) -> float:
    """VIFp of one source."""
    kept = held = 0.0
    for scale, size in enumerate((17, 9, 5, 3)):
        weights = window(size, size / 5)
        if scale:
            x, f = (convolve2d(image, weights, mode="valid")[::2, ::2] for image in (x, f))
        _, _, var_x, var_f, cov = moments(x, f, weights)
        var_x, var_f = np.maximum(var_x, 0), np.maximum(var_f, 0)
        gain = cov / (var_x + 1e-10)
        rest = var_f - gain * cov
        flat = var_x < 1e-10
        gain[flat], rest[flat], var_x[flat] = 0, var_f[flat], 0
        flat = var_f < 1e-10
        gain[flat] = rest[flat] = 0
        rest[gain < 0] = var_f[gain < 0]
        gain[gain < 0] = 0
        rest = np.maximum(rest, 1e-10)
        kept += np.log10(1 + gain**2 * var_x / (rest + 2)).sum()
        held += np.log10(1 + var_x / 2).sum()
    return kept / held if held else 1.0


def structural_similarity(x: Image, f: Image) -> float:
    """SSIM with one source."""
    mean_x, mean_f, var_x, var_f, cov = moments(x, f, np.full((7, 7), 1 / 49))
    var_x, var_f, cov = (49 / 48 * part for part in (var_x, var_f, cov))
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similarity = (2 * mean_x * mean_f + c1) * (2 * cov + c2)
    return float(np.mean(similarity / ((mean_x**2 + mean_f**2 + c1) * (var_x + var_f + c2))))


def edges(x: Image) -> tuple[Image, Image]:
    """Sobel magnitude and angle."""
    across = convolve2d(x, np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]]), mode="same")
    down = convolve2d(x, np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]]), mode="same")
    safe = np.where(across == 0, 1, across)
    return np.hypot(across, down), np.where(across == 0, math.pi / 2, np.arctan(-down / safe))


def kept_edges(x: tuple[Image, Image], f: tuple[Image, Image]) -> Image:
    """How much of a source's edges the fused image keeps."""
    larger = np.maximum(x[0], f[0])
    ratio = np.minimum(x[0], f[0]) / np.where(larger == 0, 1, larger)
    strength = np.where(x[0] == f[0], f[0], ratio)
    orientation = 1 - np.abs(x[1] - f[1]) / (math.pi / 2)
    of_strength = 0.9994 / (1 + np.exp(-15 * (strength - 0.5)))
    return of_strength * 0.9879 / (1 + np.exp(-22 * (orientation - 0.8)))


def edge_preservation(f: Image, a: Image, b: Image) -> float:
    """Qabf."""
    of_f, of_a, of_b = edges(f), edges(a), edges(b)
    kept = kept_edges(of_a, of_f) * of_a[0] + kept_edges(of_b, of_f) * of_b[0]
    return float(kept.sum() / (of_a[0] + of_b[0]).sum())


PLAIN: dict[str, Callable[[Image, Image, Image], float]] = {
    "EN": lambda f, a, b: entropy(f),
    "SD": lambda f, a, b: float(f.std()),
    "SF": lambda f, a, b: spatial_frequency(f),
    "AG": lambda f, a, b: average_gradient(f),
    "MI": lambda f, a, b: mutual_information(a, f) + mutual_information(b, f),
    "MSE": squared_error,
    "CC": lambda f, a, b: (correlation(a, f) + correlation(b, f)) / 2,
    "PSNR": lambda f, a, b: 10 * math.log10(f.max() ** 2 / squared_error(f, a, b)),
    "SCD": lambda f, a, b: correlation(f - b, a) + correlation(f - a, b),
    "VIF": lambda f, a, b: visual_information_fidelity(a, f) + visual_information_fidelity(b, f),
    "Qabf": edge_preservation,
    "SSIM": lambda f, a, b: structural_similarity(a, f) + structural_similarity(b, f),
}


def load_pairs(folder: Path | None, count: int, size: tuple[int, int]) -> list[tuple[Image, Image, Image]]:
    """Fused image (the mean of the sources), A and B, whole levels in float64."""
    if folder:
        import cv2

        a_dir = (folder if folder.name == "VLFDataset" else folder / "VLFDataset") / "Image/IVF/MSRS/IR"
        files = [path for path in sorted(a_dir.glob("*.png")) if cv2.imread(str(path), 0).shape == size[::-1]][:count]
        sources = [[cv2.imread(str(side / path.name), 0) for side in (a_dir, a_dir.parent / "VI")] for path in files]
    else:
        random = np.random.default_rng(0)
        smooth = window(31, 6)
        noise = random.normal(0, 600, (count, 2, *size[::-1]))
        sources = [[128 + convolve2d(side, smooth, mode="same") + side / 60 for side in pair] for pair in noise]
    return [tuple(np.clip(np.round(x), 0, 255).astype(float) for x in ((a / 2.0 + b / 2.0), a, b)) for a, b in sources]


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median time of a call."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=9, help="of film; the plain forms run a third as often")
    parser.add_argument("--size", default="640x480", help="WIDTHxHEIGHT")
    parser.add_argument("--data", type=Path, default=os.environ.get("FILM_DATA"))
    options = parser.parse_args()
    torch.set_num_threads(2)
    width, height = map(int, options.size.split("x"))
    pairs = load_pairs(options.data and Path(options.data), options.pairs, (width, height))
    plain = statistics.mean(
        seconds(lambda pair=pair: [form(*pair) for form in PLAIN.values()], max(1, options.repeats // 3))
        for pair in pairs
    )
    print(f"{len(pairs)} pairs of {width}x{height}, all twelve metrics of a pair")
    print(f"plain NumPy and SciPy, float64    {plain * 1e3:8.1f} ms")
    for dtype in (torch.float64, torch.float32):
        triples = [[torch.from_numpy(image)[None, None].to(dtype) for image in pair] for pair in pairs]
        for way, measure in (("one collection", together(dtype)), ("one by one", singly)):
            taken = statistics.mean(seconds(partial(measure, *triple), options.repeats) for triple in triples)
            name = f"film, {str(dtype).removeprefix('torch.')}, {way}"
            print(f"{name:33} {taken * 1e3:8.1f} ms {plain / taken:8.1f}x faster")


def together(dtype: torch.dtype) -> Callable[..., object]:
    """All metrics of a pair by a collection, which shares what they have in common."""
    return FusionMetrics(list(PLAIN), double=dtype == torch.float64).per_image


def singly(*triple: torch.Tensor) -> object:
    """All metrics of a pair by one call each."""
    return [cls.of(*triple) for cls in find_metrics(PLAIN)]


if __name__ == "__main__":
    main()
