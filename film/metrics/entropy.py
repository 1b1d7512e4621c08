"""EN: entropy of the grey levels (Roberts et al., 2008, https://doi.org/10.1117/1.2945910)."""

import math

from torch import Tensor

from film.metrics.base import FusionMetric, Pair, entropy_of, fused_histogram


def entropy(fused: Tensor) -> Tensor:
    """EN = -Σ pᵢ log₂ pᵢ over the 256-bin histogram of the fused image.

    Range 0 (constant) to 8 bits (all levels equally often); higher is held to be better, noise raises it too. Levels
    are rounded to integers first. Tools that stretch an image to its own minimum and maximum before, as the release of
    FILM does when saving, report more. Not differentiable.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255.

    Returns:
        (B,) bits.
    """
    return Entropy.of(fused)


class Entropy(FusionMetric):
    """Mean of `entropy`."""

    name = "EN"
    needs_sources = False
    min_side = 1
    is_differentiable = False

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) bits."""
        return entropy_of(pair.shared(fused_histogram)) / math.log(2)
