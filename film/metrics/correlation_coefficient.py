"""CC: correlation with the sources."""

from torch import Tensor

from film.metrics.base import FusionMetric, Pair, centred_fused, centred_sources, pearson


def correlation_coefficient(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """CC = mean of r(A, F) and r(B, F), Pearson's correlation over all pixels.

    Range -1 to 1; higher is better. A term with a constant image, where r is undefined, counts as 0.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255.
        a: Source A, likewise.
        b: Source B, likewise.

    Returns:
        (B,) values.
    """
    return CorrelationCoefficient.of(fused, a, b)


class CorrelationCoefficient(FusionMetric):
    """Mean of `correlation_coefficient`."""

    name = "CC"
    min_side = 1

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) values."""
        return pearson(pair.shared(centred_sources), pair.shared(centred_fused)).mean(0)
