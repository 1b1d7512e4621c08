"""SSIM with the sources (Wang et al., 2004, https://doi.org/10.1109/TIP.2003.819861)."""

import torch
from torch import Tensor

from film.metrics.base import FusionMetric, Pair, local_moments, uniform

_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_SAMPLE = 49 / 48  # sample instead of population covariance


def structural_similarity(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """SSIM = SSIM(A, F) + SSIM(B, F) with uniform 7x7 windows, sample covariance, valid windows, data range 255.

    Range -2 to 2; higher is better, 2 only where A, B and F are equal. Each term equals scikit-image's
    `structural_similarity(..., data_range=255)`. Gaussian windows (11x11, sigma 1.5: torchmetrics, most losses) give
    other numbers, and many papers report half the sum.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255, sides of at least 7.
        a: Source A, likewise.
        b: Source B, likewise.

    Returns:
        (B,) values.
    """
    return StructuralSimilarity.of(fused, a, b)


class StructuralSimilarity(FusionMetric):
    """Mean of `structural_similarity`."""

    name = "SSIM"
    min_side = 7

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) values."""
        mean_f, mean_s, var_f, var_s, cov = local_moments(pair.fused, pair.sources, uniform(7))
        luminance = (2 * mean_f * mean_s).add_(_C1)
        luminance = luminance / torch.addcmul(mean_f * mean_f + _C1, mean_s, mean_s)
        structure = (cov * (2 * _SAMPLE)).add_(_C2) / ((var_f + var_s) * _SAMPLE).add_(_C2)
        return (luminance * structure).mean((-2, -1)).sum(0)
