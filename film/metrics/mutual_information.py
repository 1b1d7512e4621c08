"""MI: mutual information with the sources (Qu et al., 2002, https://doi.org/10.1049/el:20020212)."""

from torch import Tensor

from film.metrics.base import FusionMetric, Pair, cross_information


def mutual_information(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """MI = I(A; F) + I(B; F) with I(X; F) = Σ p(x, f) ln(p(x, f) / (p(x) p(f))) over joint histograms of 256² bins.

    In nats, 0 to 2·ln 256 = 11.1; higher is better. Copying a source gives that source's whole entropy, more than any
    blend. Tools with log₂ report 1.4427 times as much; some average over the sources; VIFB stretches each image to
    0 to 255 first. Not differentiable.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255.
        a: Source A, likewise.
        b: Source B, likewise.

    Returns:
        (B,) nats.
    """
    return MutualInformation.of(fused, a, b)


class MutualInformation(FusionMetric):
    """Mean of `mutual_information`."""

    name = "MI"
    min_side = 1
    is_differentiable = False

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) nats."""
        return pair.shared(cross_information).mutual.sum(0)
