"""Every metric against an independent computation: another package, or the formula written out in NumPy."""

import math
from collections.abc import Callable

import metrics as plain
import numpy as np
import pytest
import torch
from scipy.ndimage import correlate, gaussian_filter, sobel
from scipy.signal import convolve2d
from skimage.measure import block_reduce
from skimage.metrics import structural_similarity
from sklearn.metrics import mutual_info_score, normalized_mutual_info_score
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    visual_information_fidelity,
)

from film.metrics.base import FusionMetrics, Pair, find_metrics
from film.metrics.visual_information_fidelity import fidelities

Image = np.ndarray


def triple(height: int = 60, width: int = 75, seed: int = 0) -> tuple[Image, Image, Image]:
    """Fused image, A and B: whole levels, with a saturated and a black part."""
    random = np.random.default_rng(seed)
    a, b = (128 + 900 * gaussian_filter(random.normal(size=(height, width)), 4) for _ in range(2))
    a[: height // 4, : width // 4] = 300
    b[-height // 4 :, -width // 4 :] = -50
    a[-height // 4 :, -width // 4 :] = -50
    fused = 0.6 * a + 0.4 * b + random.normal(scale=4, size=a.shape)
    return tuple(np.clip(np.round(image), 0, 255) for image in (fused, a, b))


def tensors(*images: Image) -> list[torch.Tensor]:
    return [torch.from_numpy(image)[None, None] for image in images]


def value(name: str, fused: Image, a: Image, b: Image) -> float:
    return find_metrics([name])[0].of(*tensors(fused, a, b)).item()


@pytest.mark.parametrize("name", plain.PLAIN)
@pytest.mark.parametrize("size", [(60, 75), (41, 41), (97, 64)])
def test_twelve_equal_plain_scipy(name: str, size: tuple[int, int]) -> None:
    images = triple(*size)
    assert value(name, *images) == pytest.approx(plain.PLAIN[name](*images), rel=1e-9)


def test_vif_terms_equal_torchmetrics() -> None:
    fused, a, b = triple()
    terms = fidelities(Pair(*tensors(fused, a, b)))[:, 0]
    for term, source in zip(terms, (a, b), strict=True):
        (target, preds) = tensors(source, fused)
        expected = visual_information_fidelity(preds, target, sigma_n_sq=2.0)
        assert term.item() == pytest.approx(expected.item(), rel=1e-9)
    assert value("VIF_min", fused, a, b) == terms.min().item()


def test_vif_of_copies() -> None:
    """Why VIF_min stands beside VIF."""
    _, a, b = triple()
    assert value("VIF", a, a, b) > 1
    assert value("VIF_min", a, a, b) < 0.2
    assert value("VIF", a, a, a) == pytest.approx(2, rel=1e-6)
    assert value("VIF", a, np.full_like(a, 7), a) == pytest.approx(2, rel=1e-6)  # a constant source counts as 1


def test_ssim_equals_scikit_image() -> None:
    fused, a, b = triple()
    expected = sum(structural_similarity(source, fused, data_range=255) for source in (a, b))
    assert value("SSIM", fused, a, b) == pytest.approx(expected, rel=1e-10)


def multi_scale(x: Image, f: Image) -> float:
    weights = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    score = 1.0
    for scale, weight in enumerate(weights):
        mean_x, mean_f, var_x, var_f, cov = plain.moments(x, f, plain.window(11, 1.5))
        similarity = (2 * cov + c2) / (var_x + var_f + c2)
        if scale == 4:
            similarity *= (2 * mean_x * mean_f + c1) / (mean_x**2 + mean_f**2 + c1)
        score *= max(similarity.mean(), 0) ** weight
        x, f = (block_reduce(z[: z.shape[0] // 2 * 2, : z.shape[1] // 2 * 2], (2, 2), np.mean) for z in (x, f))
    return score


def test_ms_ssim_equals_dense_scipy() -> None:
    fused, a, b = triple(190, 211)
    assert value("MS-SSIM", fused, a, b) == pytest.approx(multi_scale(a, fused) + multi_scale(b, fused), rel=1e-9)


def test_ms_ssim_is_near_torchmetrics() -> None:
    """They differ in the last scale's border only."""
    fused, a, b = triple(440, 400)
    terms = [multiscale_structural_similarity_index_measure(*tensors(fused, x), data_range=255.0) for x in (a, b)]
    assert value("MS-SSIM", fused, a, b) == pytest.approx(sum(terms).item(), rel=1e-2)


def test_information_equals_scikit_learn() -> None:
    fused, a, b = triple()
    flat = [image.ravel().astype(int) for image in (fused, a, b)]
    mutual = mutual_info_score(flat[1], flat[0]) + mutual_info_score(flat[2], flat[0])
    assert value("MI", fused, a, b) == pytest.approx(mutual, rel=1e-10)
    normalized = normalized_mutual_info_score(flat[1], flat[0]) + normalized_mutual_info_score(flat[2], flat[0])
    assert value("NMI", fused, a, b) == pytest.approx(normalized, rel=1e-10)
    assert value("NMI", a, a, a) == pytest.approx(2, rel=1e-12)


def test_cross_entropy_of_four_pixels() -> None:
    """A: half 0, half 10; F: a quarter 0, three quarters 10; B: level 20, which F has not."""
    a, fused, b = (np.array([levels], float) for levels in ([0, 0, 10, 10], [0, 10, 10, 10], [20, 20, 20, 20]))
    expected = 0.5 * math.log2(0.5 / 0.25) + 0.5 * math.log2(0.5 / 0.75)
    assert value("CE", fused, a, b) == pytest.approx(expected / 2, rel=1e-12)
    assert value("CE", a, a, a) == 0


def test_entropy_of_known_histograms() -> None:
    levels = np.arange(256, dtype=float).reshape(16, 16)
    assert value("EN", levels, levels, levels) == pytest.approx(8)
    assert value("EN", levels * 0 + 3, levels, levels) == 0
    assert value("EN", np.where(levels < 64, 0.4, 200), levels, levels) == pytest.approx(0.811278124459, rel=1e-10)


def test_edge_intensity_equals_scipy() -> None:
    fused, a, b = triple()
    magnitude = np.hypot(sobel(fused, 0, mode="nearest"), sobel(fused, 1, mode="nearest"))
    assert value("EI", fused, a, b) == pytest.approx(magnitude.mean(), rel=1e-10)


def test_undefined_correlations_count_as_zero() -> None:
    _, a, b = triple()
    flat = np.full_like(a, 9)
    assert value("CC", flat, a, b) == 0
    assert value("CC", a, a, flat) == pytest.approx(0.5, rel=1e-12)
    assert value("SCD", b, a, b) == pytest.approx(np.corrcoef((b - a).ravel(), b.ravel())[0, 1], rel=1e-10)


def test_peak_signal_of_perfect_and_of_black_images() -> None:
    _, a, b = triple()
    assert value("PSNR", a, a, a) == math.inf
    assert value("PSNR", a * 0, a, b) == -math.inf


def kept_by_kumar(x: tuple[float, float], f: tuple[float, float]) -> float:
    g_x, g_f = math.hypot(*x), math.hypot(*f)
    ratio = 0.0 if min(g_x, g_f) == 0 else min(g_x, g_f) / max(g_x, g_f)
    # vertical edge over horizontal edge, infinite slopes included
    angles = [
        0.0 if edge == (0, 0) else math.atan(edge[0] / edge[1]) if edge[1] else math.copysign(math.pi / 2, edge[0])
        for edge in (x, f)
    ]
    orientation = abs(abs(angles[0] - angles[1]) - math.pi / 2) * 2 / math.pi
    strength = 0.9999 / (1 + math.exp(-19 * (ratio - 0.5)))
    return math.sqrt(strength * 0.9995 / (1 + math.exp(-22 * (orientation - 0.5))))


def test_artifacts_and_loss_pixel_by_pixel() -> None:
    images = triple(20, 25, seed=2)
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    (f_x, a_x, b_x), (f_y, a_y, b_y) = (
        [correlate(image, weights, mode="mirror") for image in images] for weights in (kernel, kernel.T)
    )
    kept = added = lost = total = 0.0
    for place in np.ndindex(images[0].shape):
        f = (f_x[place], f_y[place])
        strongest = True
        missed = 0.0
        for x in ((a_x[place], a_y[place]), (b_x[place], b_y[place])):
            weight = math.hypot(*x) ** 1.5 if math.hypot(*x) >= 2 else 0.001
            kept += kept_by_kumar(x, f) * weight
            missed += (1 - kept_by_kumar(x, f)) * weight
            total += weight
            strongest &= math.hypot(*f) > math.hypot(*x)
        added, lost = added + missed * strongest, lost + missed * (not strongest)
    assert value("Nabf", *images) == pytest.approx(added / total, rel=1e-6)
    assert value("Labf", *images) == pytest.approx(lost / total, rel=1e-6)
    assert value("Nabf", *images) + value("Labf", *images) + kept / total == pytest.approx(1, rel=1e-6)


def windows(image: Image, size: int) -> Image:
    return np.lib.stride_tricks.sliding_window_view(image, (size, size)).reshape(-1, size * size)


def universal(x: Image, y: Image, weights: Image) -> float:
    mean_x, mean_y = (weights * x).sum(), (weights * y).sum()
    var_x, var_y = (weights * (x - mean_x) ** 2).sum(), (weights * (y - mean_y) ** 2).sum()
    cov = (weights * (x - mean_x) * (y - mean_y)).sum()
    structure = 2 * cov / (var_x + var_y) if var_x + var_y > 1e-9 else 1.0
    return structure * (2 * mean_x * mean_y / (mean_x**2 + mean_y**2) if mean_x + mean_y > 0 else 1.0)


def share(x: Image, y: Image, weights: Image) -> float:
    var_x, var_y = (float((weights * (z - (weights * z).sum()) ** 2).sum()) for z in (x, y))
    return var_x / (var_x + var_y) if var_x + var_y > 1e-9 else 0.5


def test_weighted_quality_window_by_window() -> None:
    fused, a, b = triple(24, 30)
    weights = np.full(64, 1 / 64)
    total = weight = 0.0
    for f, x, y in zip(*(windows(image, 8) for image in (fused, a, b)), strict=True):
        part = share(x, y, weights)
        importance = max(x.var(), y.var())
        total += importance * (part * universal(x, f, weights) + (1 - part) * universal(y, f, weights))
        weight += importance
    assert value("Qw", fused, a, b) == pytest.approx(total / weight, rel=1e-8)
    assert value("Qw", a, a, a) == pytest.approx(1, rel=1e-9)


def test_similarity_based_quality_window_by_window() -> None:
    fused, a, b = triple(24, 30)
    weights = plain.window(7, 1.5).ravel()
    qualities = []
    for f, x, y in zip(*(windows(image, 7) for image in (fused, a, b)), strict=True):
        of_a, of_b, part = universal(x, f, weights), universal(y, f, weights), share(x, y, weights)
        alike = universal(x, y, weights) >= 0.75
        qualities.append(part * of_a + (1 - part) * of_b if alike else max(of_a, of_b))
    assert value("Qy", fused, a, b) == pytest.approx(np.mean(qualities), rel=1e-8)
    assert value("Qy", a, a, a) == pytest.approx(1, rel=1e-9)


def stretch(image: Image) -> Image:
    return np.round((image - image.min()) / (image.max() - image.min()) * 255)


def frequency(shape: tuple[int, int], vertical: float, horizontal: float) -> Image:
    """Radii with frequency 0 in the middle, -1 to 1 along each axis."""
    v, u = ((np.arange(size) - size // 2) * 2 / size for size in shape)
    return np.hypot(v[:, None] * vertical, u[None] * horizontal)


def filtered(image: Image, response: Image) -> Image:
    return np.real(np.fft.ifft2(np.fft.ifftshift(np.fft.fftshift(np.fft.fft2(image)) * response)))


@pytest.mark.parametrize("size", [(48, 64), (45, 61)])
def test_contrast_preservation_step_by_step(size: tuple[int, int]) -> None:
    radius = frequency(size, size[0] / 30, size[1] / 30)
    response = np.exp(-((radius / 15.3870) ** 2)) - 0.7622 * np.exp(-((radius / 1.3456) ** 2))
    place = np.arange(-15, 16)
    bells = [np.exp(-(place[:, None] ** 2 + place**2) / (2 * s * s)) / (2 * np.pi * s * s) for s in (2, 4)]
    masked = []
    for image in triple(*size):
        near, wide = (convolve2d(filtered(stretch(image), response), bell, mode="same") for bell in bells)
        contrast = np.abs(near / wide - 1)
        masked.append(contrast**3 / (contrast**2 + 0.0001))
    fused, a, b = masked
    kept_a, kept_b = (np.minimum(fused, x) / np.maximum(fused, x) for x in (a, b))
    expected = np.mean((a**2 * kept_a + b**2 * kept_b) / (a**2 + b**2))
    assert value("Qcb", *triple(*size)) == pytest.approx(expected, rel=1e-7)
    assert value("Qcb", *(triple(*size)[1],) * 3) == pytest.approx(1)


@pytest.mark.parametrize("size", [(48, 64), (45, 61)])
def test_perceived_difference_block_by_block(size: tuple[int, int]) -> None:
    images = triple(*size)
    fused, a, b = (stretch(image) for image in images)
    radius = frequency(size, size[0] / 8, size[1] / 8)
    response = 2.6 * (0.0192 + 0.144 * radius) * np.exp(-((0.144 * radius) ** 1.1))
    total = weight = 0.0
    for source in (a, b):
        power = np.hypot(sobel(source, 0, mode="constant"), sobel(source, 1, mode="constant")) ** 5
        seen = filtered(source - fused, response) ** 2
        for top in range(0, size[0], 16):
            for left in range(0, size[1], 16):
                block = (slice(top, top + 16), slice(left, left + 16))
                total += power[block].sum() * seen[block].sum() / 256
                weight += power[block].sum()
    assert value("Qcv", *images) == pytest.approx(total / weight, rel=1e-8)
    assert value("Qcv", images[1], images[1], images[1]) == pytest.approx(0, abs=1e-12)


def shared_information(f: Image, x: Image) -> float:
    """Haghighat's estimate for one window, in its scalar form."""
    if (f == x).all():
        return 1.0
    p, q = ((w - w.min()) / (w.max() - w.min()) if w.max() > w.min() else np.ones(9) for w in (f, x))
    p, q = p / p.sum(), q / q.sum()
    cdf_p, cdf_q = np.concatenate([[0], np.cumsum(p)]), np.concatenate([[0], np.cumsum(q)])
    constant = np.allclose(p, p[0]) or np.allclose(q, q[0])
    c = 0.0 if constant else np.corrcoef(p, q)[0, 1]
    bound: Callable[[float, float], float] = min if c >= 0 else lambda s, t: max(s + t - 1, 0)
    place = np.arange(9)
    deviation = math.sqrt((p @ place**2 - (p @ place) ** 2) * (q @ place**2 - (q @ place) ** 2))
    cov = sum(bound(s, t) - s * t for s in cdf_p[1:] for t in cdf_q[1:])
    phi = c / (cov / deviation) if c and deviation > 1e-12 else 0.0
    joint = 0.0
    for i in range(1, 10):
        for j in range(1, 10):
            corner = [bound(cdf_p[m], cdf_q[n]) for m, n in ((i, j), (i - 1, j), (i, j - 1), (i - 1, j - 1))]
            share_here = phi * (corner[0] - corner[1] - corner[2] + corner[3]) + (1 - phi) * p[i - 1] * q[j - 1]
            joint -= share_here * math.log(abs(share_here)) if share_here else 0.0
    entropies = -sum(s * math.log(s) for w in (p, q) for s in w if s)
    return 2 * (entropies - joint) / entropies if entropies else 0.0


def test_feature_information_window_by_window() -> None:
    fused, a, b = triple(12, 14, seed=4)
    columns = [windows(image.T, 3) for image in (fused, a, b)]
    expected = np.mean(
        [(shared_information(f, x) + shared_information(f, y)) / 2 for f, x, y in zip(*columns, strict=True)]
    )
    assert value("FMI", fused, a, b) == pytest.approx(expected, rel=1e-6)
    assert value("FMI", a, a, a) == pytest.approx(1)


def ideal_structure(x: Image, y: Image) -> Image:
    """The desired window of Ma et al. from the windows of two exposures."""
    x, y = x - x.mean(), y - y.mean()
    eps = np.finfo(float).eps
    consistency = min((np.linalg.norm(x + y) + eps) / (np.linalg.norm(x) + np.linalg.norm(y) + eps), 1 - eps)
    exponent = min(math.tan(math.pi / 2 * consistency), 10)
    norms = np.array([np.linalg.norm(x), np.linalg.norm(y)]) + 0.001
    weights = (norms / 11) ** exponent + eps
    weights /= weights.sum()
    structure = weights[0] * x / norms[0] + weights[1] * y / norms[1]
    length = np.linalg.norm(structure)
    return structure / length * norms.max() if length > 0 else structure


def multi_exposure(fused: Image, a: Image, b: Image) -> float:
    weights = plain.window(11, 1.5).ravel()
    constant = (0.03 * 255) ** 2
    scores = []
    for f, x, y in zip(*(windows(image, 11) for image in (fused, a, b)), strict=True):
        r = ideal_structure(x, y)
        r, f = r - weights @ r, f - weights @ f
        scores.append((2 * weights @ (r * f) + constant) / (weights @ (r * r) + weights @ (f * f) + constant))
    return float(np.mean(scores))


def test_multi_exposure_window_by_window() -> None:
    images = triple(46, 49)
    expected = 1.0
    level = images
    for scale, weight in enumerate((0.0448, 0.2856, 0.3001)):
        if scale:
            padded = [np.pad(image, [(0, size % 2) for size in image.shape], mode="edge") for image in level]
            level = [(p[::2, ::2] + p[1::2, ::2] + p[::2, 1::2] + p[1::2, 1::2]) / 4 for p in padded]
        expected *= multi_exposure(*level) ** (weight / 0.6305)
    assert value("MEF-SSIM", *images) == pytest.approx(expected, rel=1e-6)
    assert value("MEF-SSIM", images[1], images[1], images[1]) == pytest.approx(1, abs=1e-4)


def test_sixteen_bits_scaled_to_255_change_little() -> None:
    images = triple(180, 180)
    fine = [image + np.random.default_rng(1).uniform(-0.4, 0.4, image.shape) for image in images]
    names = ["EN", "SD", "VIF", "SSIM", "Qabf", "MI"]
    coarse_values = FusionMetrics(names, double=True).per_image(*tensors(*images))
    fine_values = FusionMetrics(names, double=True).per_image(*tensors(*fine))
    for name in ("SD", "VIF", "SSIM"):
        assert fine_values[name].item() == pytest.approx(coarse_values[name].item(), rel=0.05)
    assert fine_values["EN"].item() == pytest.approx(coarse_values["EN"].item(), rel=1e-12)  # levels are rounded
