"""SCD: sum of the correlations of differences (Aslantas and Bendes, 2015, https://doi.org/10.1016/j.aeue.2015.09.004)."""

from torch import Tensor

from film.metrics.base import FusionMetric, Pair, centred_fused, centred_sources, pearson


def sum_of_correlations_of_differences(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """SCD = r(F - B, A) + r(F - A, B): what is left of F without one source should be the other.

    Range -2 to 2; higher is better, A + B would be ideal. A term with a constant image, as F - B for a copy of B,
    counts as 0.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255.
        a: Source A, likewise.
        b: Source B, likewise.

    Returns:
        (B,) values.
    """
    return SumOfCorrelationsOfDifferences.of(fused, a, b)


class SumOfCorrelationsOfDifferences(FusionMetric):
    """Mean of `sum_of_correlations_of_differences`."""

    name = "SCD"
    min_side = 1

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) values."""
        sources = pair.shared(centred_sources)
        return pearson(pair.shared(centred_fused) - sources.flip(0), sources).sum(0)
