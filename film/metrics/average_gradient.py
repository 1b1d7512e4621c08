"""AG: average gradient (Cui et al., 2015, https://doi.org/10.1016/j.optcom.2014.12.032)."""

import torch
from torch import Tensor

from film.metrics.base import FusionMetric, Pair, magnitude


def average_gradient(fused: Tensor) -> Tensor:
    """AG = mean √((gₓ² + g_y²) / 2) with central differences, one-sided at the border (as `numpy.gradient`).

    Range 0 to 255; higher is held to be better, noise raises it too. VIFB divides the same sum by (H - 1)(W - 1)
    (0.4 % more at 480x640); tools with forward differences report more.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255.

    Returns:
        (B,) grey levels a pixel.
    """
    return AverageGradient.of(fused)


class AverageGradient(FusionMetric):
    """Mean of `average_gradient`."""

    name = "AG"
    needs_sources = False

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) grey levels a pixel."""
        down, across = torch.gradient(pair.fused, dim=(-2, -1))
        return magnitude(down, across).mean((-2, -1)) / 2**0.5
