"""SD: standard deviation of the luminance (Rao, 1997, https://doi.org/10.1088/0957-0233/8/4/002)."""

from torch import Tensor

from film.metrics.base import FusionMetric, Pair, centred_fused, variance


def standard_deviation(fused: Tensor) -> Tensor:
    """SD = √(mean (F - mean F)²), contrast of the whole image.

    Range 0 to 127.5; higher is held to be better. Population form (division by N). On images scaled to 0 to 1 it is
    255 times smaller; some tools report the variance, and some take √ of the sum without dividing.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255.

    Returns:
        (B,) grey levels.
    """
    return StandardDeviation.of(fused)


class StandardDeviation(FusionMetric):
    """Mean of `standard_deviation`."""

    name = "SD"
    needs_sources = False
    min_side = 1

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) grey levels."""
        return variance(pair.shared(centred_fused)).sqrt()
