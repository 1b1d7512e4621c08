"""EI: edge intensity (Rajalingam and Priya, 2018), as VIFB and MEFB compute it."""

from torch import Tensor

from film.metrics.base import FusionMetric, Pair, magnitude, sobel


def edge_intensity(fused: Tensor) -> Tensor:
    """EI = mean of the Sobel magnitude √(gₓ² + g_y²), border replicated.

    Range 0 to about 1140; higher is held to be better, noise raises it too. Some tools divide the Sobel filter by 8 or
    4 and report that much less.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255.

    Returns:
        (B,) values.
    """
    return EdgeIntensity.of(fused)


class EdgeIntensity(FusionMetric):
    """Mean of `edge_intensity`."""

    name = "EI"
    needs_sources = False

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) values."""
        return magnitude(*sobel(pair.fused, "replicate")).mean((-2, -1))
