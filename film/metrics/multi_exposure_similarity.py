"""MEF-SSIM: structure of the exposures kept by the fused image (Ma et al., 2015, https://doi.org/10.1109/TIP.2015.2442920)."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from film.metrics.base import FusionMetric, Pair, gaussian, separable, uniform

_WINDOW = 11
_PIXELS = _WINDOW**2
_C = (0.03 * 255) ** 2
_WEIGHTS = (0.0448, 0.2856, 0.3001)
_STEEPEST = 2 / math.pi * math.atan(10)  # consistency at which the exponent reaches its cap of 10


def multi_exposure_similarity(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """MEF-SSIM = Π Qₖ^wₖ over three scales, Q the mean of (2 cov(R, F) + C) / (var R + var F + C), C = (0.03 · 255)².

    R is the structure that an ideal fusion of a window would have: the mean-free windows of A and B, each of unit norm,
    weighted by (norm / 11)^p with p = tan(π/2 · consistency) up to 10, at the norm of the stronger. Windows of 11x11,
    Gaussian (sigma 1.5) for R and F; 2x2 averages between scales; weights 0.0448, 0.2856, 0.3001 over their sum. Range
    0 to 1; higher is better. The authors' release, on luminance; mean brightness is ignored by design.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255, sides of at least 44.
        a: Source A, likewise.
        b: Source B, likewise.

    Returns:
        (B,) values.
    """
    return MultiExposureSimilarity.of(fused, a, b)


class MultiExposureSimilarity(FusionMetric):
    """Mean of `multi_exposure_similarity`."""

    name = "MEF-SSIM"
    min_side = 44

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) values."""
        images = torch.cat([pair.fused[None], pair.sources])
        score = pair.fused.new_ones(len(pair.fused))
        for scale, weight in enumerate(_WEIGHTS):
            if scale:
                images = _halved(images)
            score = score * _similarity(*images).relu() ** (weight / sum(_WEIGHTS))
        return score


def _halved(images: Tensor) -> Tensor:
    """Means of 2x2 pixels; an odd last row or column is doubled."""
    height, width = images.shape[-2:]
    padded = functional.pad(images, (0, width % 2, 0, height % 2), mode="replicate")
    return functional.avg_pool2d(padded, 2)


def _similarity(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """(B,) similarity of one scale."""
    own = [a, b, a * a, b * b, a * b]
    share_a, share_b = _shares(*separable(torch.stack(own), uniform(_WINDOW)))
    with_fused = [*own, fused, fused * fused, a * fused, b * fused]
    mean_a, mean_b, aa, bb, ab, mean_f, ff, af, bf = separable(torch.stack(with_fused), gaussian(_WINDOW, 1.5))
    var_a, var_b, cov_ab = aa - mean_a * mean_a, bb - mean_b * mean_b, ab - mean_a * mean_b
    ideal = share_a**2 * var_a + share_b**2 * var_b + 2 * share_a * share_b * cov_ab
    cov = share_a * (af - mean_a * mean_f) + share_b * (bf - mean_b * mean_f)
    return ((2 * cov + _C) / (ideal + ff - mean_f * mean_f + _C)).mean((-2, -1))


def _shares(mean_a: Tensor, mean_b: Tensor, aa: Tensor, bb: Tensor, ab: Tensor) -> tuple[Tensor, Tensor]:
    """How much of the mean-free windows of A and of B the ideal structure is made of."""
    power_a, power_b = (_PIXELS * (square - mean * mean).relu() for square, mean in ((aa, mean_a), (bb, mean_b)))
    product = _PIXELS * (ab - mean_a * mean_b)
    norm_a, norm_b = _root(power_a), _root(power_b)
    eps = torch.finfo(aa.dtype).eps
    consistency = (_root(power_a + power_b + 2 * product) + eps) / (norm_a + norm_b + eps)
    exponent = torch.tan(math.pi / 2 * consistency.clamp(eps, _STEEPEST))
    norm_a, norm_b = norm_a + 0.001, norm_b + 0.001
    weight_a, weight_b = (norm_a / _WINDOW) ** exponent + eps, (norm_b / _WINDOW) ** exponent + eps
    share_a = weight_a / (weight_a + weight_b) / norm_a
    share_b = weight_b / (weight_a + weight_b) / norm_b
    length = _root(share_a**2 * power_a + share_b**2 * power_b + 2 * share_a * share_b * product)
    scale = torch.maximum(norm_a, norm_b) / torch.where(length > 0, length, torch.inf)
    return share_a * scale, share_b * scale


def _root(square: Tensor) -> Tensor:
    """Square root with a finite slope at 0."""
    return (square.relu() + 1e-24).sqrt()
