"""Qw: weighted fusion quality index (Piella and Heijmans, 2003, https://doi.org/10.1109/ICIP.2003.1247209)."""

from torch import Tensor

from film.metrics.base import FusionMetric, Pair, local_moments, uniform, universal_quality, variance_share


def weighted_fusion_quality(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Qw = Σ c [λ Q₀(A, F) + (1 - λ) Q₀(B, F)] over 8x8 windows.

    Q₀ is the universal quality index, λ = var A / (var A + var B) (1/2 where both are flat), c the larger of the two
    variances over the sum of these. Range -1 to 1; higher is better. The paper's form: sliding uniform windows. Q_S is
    the same without c, Q_E multiplies by the same index of the edge images; the often used MATLAB toolbox takes
    Gaussian 11x11 windows and SSIM with its constants.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255, sides of at least 8.
        a: Source A, likewise.
        b: Source B, likewise.

    Returns:
        (B,) values.
    """
    return WeightedFusionQuality.of(fused, a, b)


class WeightedFusionQuality(FusionMetric):
    """Mean of `weighted_fusion_quality`."""

    name = "Qw"
    min_side = 8

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) values."""
        mean_f, mean_s, var_f, var_s, cov = local_moments(pair.fused, pair.sources, uniform(8))
        quality = universal_quality(mean_f, mean_s, var_f, var_s, cov)
        share = variance_share(var_s)
        blend = share * quality[0] + (1 - share) * quality[1]
        weight = var_s.amax(0).clamp_min(1e-12)  # all windows flat: all count alike
        return (weight * blend).sum((-2, -1)) / weight.sum((-2, -1))
