"""MSE: mean squared difference to the sources."""

from torch import Tensor

from film.metrics.base import FusionMetric, Pair, source_error


def mean_squared_error(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """MSE = mean of (F - A)² and (F - B)², averaged over both sources.

    Range 0 to 65025; lower is better, and the plain average of the sources is the best there is. Tools that work on
    0 to 1 report 65025 times less, others the root.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255.
        a: Source A, likewise.
        b: Source B, likewise.

    Returns:
        (B,) squared grey levels.
    """
    return MeanSquaredError.of(fused, a, b)


class MeanSquaredError(FusionMetric):
    """Mean of `mean_squared_error`."""

    name = "MSE"
    min_side = 1
    higher_is_better = False

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) squared grey levels."""
        return pair.shared(source_error)
