"""CE: cross entropy of the grey levels (Bulanon et al., 2009, https://doi.org/10.1016/j.biosystemseng.2009.02.009)."""

import math

import torch
from torch import Tensor

from film.metrics.base import FusionMetric, Pair, fused_histogram, joint_histograms


def cross_entropy(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """CE = mean over both sources X of Σ p_X log₂(p_X / p_F) over levels that occur in X and in F.

    In fact a relative entropy (Kullback-Leibler) cut to the levels that both images have, as VIFB and MEFB compute it:
    with levels missing from F it can be slightly negative. In bits; lower is better. A second form takes the root mean
    square over the sources. Not differentiable.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255.
        a: Source A, likewise.
        b: Source B, likewise.

    Returns:
        (B,) bits.
    """
    return CrossEntropy.of(fused, a, b)


class CrossEntropy(FusionMetric):
    """Mean of `cross_entropy`."""

    name = "CE"
    min_side = 1
    higher_is_better = False
    is_differentiable = False

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) bits."""
        source = pair.shared(joint_histograms).sum(-1)
        fused = pair.shared(fused_histogram)
        common = source * (fused > 0)
        return (torch.xlogy(common, source) - torch.xlogy(common, fused)).sum(-1).mean(0) / math.log(2)
