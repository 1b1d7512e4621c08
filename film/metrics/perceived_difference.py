"""Qcv: difference as the eye sees it (Chen and Varshney, 2007, https://doi.org/10.1016/j.inffus.2005.10.001)."""

import torch
from torch import Tensor
from torch.nn import functional

from film.metrics.base import FusionMetric, Pair, magnitude, radial_frequency, sobel, stretched

_BLOCK = 16
_SALIENCE = 5


def perceived_difference(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Qcv = Σ (λ_A D_A + λ_B D_B) / Σ (λ_A + λ_B) over blocks of 16x16.

    D is the mean square of the difference of source and fused image after the Mannos-Sakrison contrast sensitivity
    2.6 (0.0192 + 0.144 r) e^(-(0.144 r)^1.1), λ the sum of the fifth power of the source's Sobel magnitude; images
    stretched to 0 to 255. From 0; lower is better. Constants as in the field's MATLAB toolbox; blocks cut by the border
    are filled with zeros, a constant image counts as black, and without an edge in either source all blocks count
    alike. Not differentiable.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255.
        a: Source A, likewise.
        b: Source B, likewise.

    Returns:
        (B,) values.
    """
    return PerceivedDifference.of(fused, a, b)


class PerceivedDifference(FusionMetric):
    """Mean of `perceived_difference`."""

    name = "Qcv"
    higher_is_better = False
    is_differentiable = False

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) values."""
        height, width = pair.fused.shape[-2:]
        images = stretched(torch.cat([pair.fused[None], pair.sources]))
        radius = radial_frequency(images, height / 8, width / 8)
        sensitivity = 2.6 * (0.0192 + 0.144 * radius) * torch.exp(-((0.144 * radius) ** 1.1))
        seen = torch.fft.irfft2(torch.fft.rfft2(images[1:] - images[0]) * sensitivity, s=(height, width))
        edges = (
            magnitude(*sobel(images[1:])) / 1024
        )  # the scale cancels; the fifth power would overflow half of float32
        weight = _block_means(edges**_SALIENCE).clamp_min(1e-30)
        return (weight * _block_means(seen * seen)).sum((0, -2, -1)) / weight.sum((0, -2, -1))


def _block_means(images: Tensor) -> Tensor:
    height, width = images.shape[-2:]
    padded = functional.pad(images, (0, -width % _BLOCK, 0, -height % _BLOCK))
    return functional.avg_pool2d(padded, _BLOCK)
