"""MS-SSIM with the sources (Wang et al., 2003, https://doi.org/10.1109/ACSSC.2003.1292216)."""

import torch
from torch import Tensor
from torch.nn import functional

from film.metrics.base import FusionMetric, Pair, gaussian, local_moments

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def multi_scale_structural_similarity(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """MS-SSIM = sum over both sources of lum₅^w₅ · Π csₖ^wₖ over five scales, each half the size of the one before.

    Gaussian 11x11 windows (sigma 1.5), valid windows, population covariance, 2x2 averages between scales, weights
    0.0448, 0.2856, 0.3001, 0.2363, 0.1333, negative factors cut to 0. Range 0 to 2; higher is better. torchmetrics
    takes the last scale beyond the border too (a few per cent on small images); others average the two terms.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255, sides of at least 176.
        a: Source A, likewise.
        b: Source B, likewise.

    Returns:
        (B,) values.
    """
    return MultiScaleStructuralSimilarity.of(fused, a, b)


class MultiScaleStructuralSimilarity(FusionMetric):
    """Mean of `multi_scale_structural_similarity`."""

    name = "MS-SSIM"
    min_side = 176

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) values."""
        fused, sources = pair.fused, pair.sources
        score = fused.new_ones(2, len(fused))
        for scale, weight in enumerate(_WEIGHTS):
            if scale:
                fused = functional.avg_pool2d(fused, 2)
                sources = functional.avg_pool2d(sources.flatten(0, 1), 2).unflatten(0, (2, -1))
            score = score * _similarity(fused, sources, last=scale == len(_WEIGHTS) - 1).relu() ** weight
        return score.sum(0)


def _similarity(fused: Tensor, sources: Tensor, last: bool) -> Tensor:
    """(2, B) mean contrast and structure, on the last scale with luminance."""
    mean_f, mean_s, var_f, var_s, cov = local_moments(fused, sources, gaussian(11, 1.5))
    similarity = (2 * cov + _C2) / (var_f + var_s + _C2)
    if last:
        similarity = similarity * (2 * mean_f * mean_s + _C1) / torch.addcmul(mean_f * mean_f + _C1, mean_s, mean_s)
    return similarity.mean((-2, -1))
