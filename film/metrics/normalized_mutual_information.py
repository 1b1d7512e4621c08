"""NMI: normalised mutual information (Hossny et al., 2008, https://doi.org/10.1049/el:20081754)."""

from torch import Tensor

from film.metrics.base import FusionMetric, Pair, cross_information


def normalized_mutual_information(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """NMI = 2 [I(A; F) / (H(A) + H(F)) + I(B; F) / (H(B) + H(F))], also called Q_MI.

    Range 0 to 2; higher is better. Cures MI of favouring the source of higher entropy. Each half equals scikit-learn's
    `normalized_mutual_info_score`; a term is 0 where source and fused image are both constant. Not differentiable.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255.
        a: Source A, likewise.
        b: Source B, likewise.

    Returns:
        (B,) values.
    """
    return NormalizedMutualInformation.of(fused, a, b)


class NormalizedMutualInformation(FusionMetric):
    """Mean of `normalized_mutual_information`."""

    name = "NMI"
    min_side = 1
    is_differentiable = False

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) values."""
        information = pair.shared(cross_information)
        both = information.sources + information.fused
        return 2 * (information.mutual / both.clamp_min(1e-12)).sum(0)
