"""Qy: similarity-based quality (Yang et al., 2008, https://doi.org/10.1016/j.inffus.2006.09.001)."""

import torch
from torch import Tensor

from film.metrics.base import FusionMetric, Pair, gaussian, local_moments, universal_quality, variance_share

_ALIKE = 0.75


def similarity_based_quality(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Qy = mean over windows of λ S(A, F) + (1 - λ) S(B, F) where S(A, B) ≥ 0.75, else of the larger of the two.

    S is SSIM with constants of 0 (2e-16 in the field's implementation), λ = var A / (var A + var B), 1/2 where both
    are flat; Gaussian 7x7 windows, sigma 1.5, valid windows. Range -1 to 1; higher is better. Windows that are flat to
    rounding count as flat; the published code lets the rounding decide there.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255, sides of at least 7.
        a: Source A, likewise.
        b: Source B, likewise.

    Returns:
        (B,) values.
    """
    return SimilarityBasedQuality.of(fused, a, b)


class SimilarityBasedQuality(FusionMetric):
    """Mean of `similarity_based_quality`."""

    name = "Qy"
    min_side = 7

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) values."""
        a, b = pair.sources
        moments = local_moments(a, torch.stack([b, pair.fused]), gaussian(7, 1.5))
        alike = universal_quality(moments.mean_f, moments.mean_s[0], moments.var_f, moments.var_s[0], moments.cov[0])
        mean_f, mean_s, var_f, var_s, cov = local_moments(pair.fused, pair.sources, gaussian(7, 1.5))
        similarity = universal_quality(mean_f, mean_s, var_f, var_s, cov)
        share = variance_share(var_s)
        blend = share * similarity[0] + (1 - share) * similarity[1]
        return torch.where(alike >= _ALIKE, blend, similarity.amax(0)).mean((-2, -1))
