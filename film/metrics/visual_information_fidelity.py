"""VIF in the pixel domain, of both sources (Sheikh and Bovik, 2006, https://doi.org/10.1109/TIP.2005.859378)."""

import torch
from torch import Tensor
from torch.nn import functional

from film.metrics.base import (
    FusionMetric,
    LocalMoments,
    Pair,
    centred_fused,
    centred_sources,
    gaussian,
    local_moments,
    separable,
)

_WINDOWS = (17, 9, 5, 3)
_NOISE = 2.0  # variance of the eye's noise
_FLAT = 1e-10  # a variance below counts as none


def visual_information_fidelity(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """VIF = VIFp(A, F) + VIFp(B, F): information about each source that F keeps, over what the source holds.

    VIFp with four scales, Gaussian windows of 17, 9, 5, 3 (sigma a fifth of the width), noise variance 2, valid
    windows only. From 0; 1 for each source that F equals, more where F has more contrast; higher is better. **A copy
    of one source already scores above 1**, so read it with `least_visual_information_fidelity`. A source that is
    constant in every window counts as 1, as in the reference. Never on images scaled to 0 to 1: the noise belongs to
    0 to 255. VIFF (Han et al., 2013), often called VIF too, is another measure.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255, sides of at least 41.
        a: Source A, likewise.
        b: Source B, likewise.

    Returns:
        (B,) values.
    """
    return VisualInformationFidelity.of(fused, a, b)


def least_visual_information_fidelity(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """VIF_min = min(VIFp(A, F), VIFp(B, F)): near 0 where one source is missing from F, whatever VIF says.

    From 0; higher is better; see `visual_information_fidelity`.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255, sides of at least 41.
        a: Source A, likewise.
        b: Source B, likewise.

    Returns:
        (B,) values.
    """
    return LeastVisualInformationFidelity.of(fused, a, b)


class VisualInformationFidelity(FusionMetric):
    """Mean of `visual_information_fidelity`."""

    name = "VIF"
    min_side = 41

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) values."""
        return pair.shared(fidelities).sum(0)


class LeastVisualInformationFidelity(FusionMetric):
    """Mean of `least_visual_information_fidelity`."""

    name = "VIF_min"
    min_side = 41

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) values."""
        return pair.shared(fidelities).amin(0)


def fidelities(pair: Pair) -> Tensor:
    """(2, B): VIFp of each source."""
    fused, sources = pair.shared(centred_fused), pair.shared(centred_sources)
    kept = held = fused.new_zeros(2, len(fused))
    for scale, size in enumerate(_WINDOWS):
        taps = gaussian(size, size / 5)
        if scale:
            fused, sources = separable(fused, taps, stride=2), separable(sources, taps, stride=2)
        kept_here, held_here = _information(local_moments(fused, sources, taps))
        kept, held = kept + kept_here, held + held_here
    return (kept / held).where(held > 0, 1.0)


def _information(moments: LocalMoments) -> tuple[Tensor, Tensor]:
    """(2, B) information of each source that F keeps, and that the source holds, summed over windows, in nats."""
    var_s = functional.threshold(moments.var_s, _FLAT, 0.0)
    cov = moments.cov.relu()  # where F shows a source reversed it keeps nothing
    gain = cov / (var_s + _FLAT)
    rest = torch.addcmul(moments.var_f, gain, cov, value=-1).clamp_min(_FLAT)
    kept = (gain * gain * var_s / (rest + _NOISE)).log1p()
    return kept.sum((-2, -1)), (var_s / _NOISE).log1p().sum((-2, -1))
