"""PSNR: peak signal-to-noise ratio against the sources."""

from torch import Tensor

from film.metrics.base import FusionMetric, Pair, source_error


def peak_signal_noise_ratio(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """PSNR = 10 log₁₀(max(F)² / MSE), MSE averaged over both sources.

    In dB; higher is better, and the plain average of the sources is close to the best there is. The peak is the
    largest value of the fused image; tools with the fixed peak 255 report more for dark images. Infinite if F equals
    both sources, minus infinity for an all-black F that differs from them.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255.
        a: Source A, likewise.
        b: Source B, likewise.

    Returns:
        (B,) dB.
    """
    return PeakSignalNoiseRatio.of(fused, a, b)


class PeakSignalNoiseRatio(FusionMetric):
    """Mean of `peak_signal_noise_ratio`."""

    name = "PSNR"
    min_side = 1

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) dB."""
        error, peak = pair.shared(source_error), pair.fused.amax((-2, -1))
        ratio = (peak * peak / error).where(error > 0, float("inf"))
        return 10 * ratio.log10()
