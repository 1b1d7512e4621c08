"""Qcb: contrast preservation as the eye sees it (Chen and Blum, 2009, https://doi.org/10.1016/j.imavis.2007.12.002)."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from film.metrics.base import FusionMetric, Pair, radial_frequency, separable, stretched

_RADIUS = 15


def contrast_preservation(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Qcb = mean of λ_A Q_AF + λ_B Q_BF, Q the smaller over the larger of two masked contrasts.

    Images stretched to 0 to 255 and filtered with the contrast sensitivity e^(-(r / 15.387)²) - 0.7622 e^(-(r /
    1.3456)²); contrast C = |G₂ / G₄ - 1| (Gaussians of sigma 2 and 4), masked to C³ / (C² + 0.0001); λ the squared
    masked contrast's share. Range 0 to 1; higher is better. Constants as in the field's MATLAB toolbox; where the
    toolbox divides 0 by 0 (flat parts) Q is 1 and λ is 1/2, and a constant image counts as black. Not differentiable.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255.
        a: Source A, likewise.
        b: Source B, likewise.

    Returns:
        (B,) values.
    """
    return ContrastPreservation.of(fused, a, b)


class ContrastPreservation(FusionMetric):
    """Mean of `contrast_preservation`."""

    name = "Qcb"
    is_differentiable = False

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) values."""
        contrast = _masked_contrast(stretched(torch.cat([pair.fused[None], pair.sources])))
        fused, sources = contrast[0], contrast[1:]
        larger = torch.maximum(fused, sources)
        kept = torch.where(larger > 0, torch.minimum(fused, sources) / torch.where(larger > 0, larger, 1.0), 1.0)
        power = sources * sources
        total = power.sum(0)
        share = torch.where(total > 0, power / torch.where(total > 0, total, 1.0), 0.5)
        return (share * kept).sum(0).mean((-2, -1))


def _masked_contrast(images: Tensor) -> Tensor:
    height, width = images.shape[-2:]
    radius = radial_frequency(images, height / 30, width / 30)
    sensitivity = torch.exp(-((radius / 15.3870) ** 2)) - 0.7622 * torch.exp(-((radius / 1.3456) ** 2))
    seen = torch.fft.irfft2(torch.fft.rfft2(images) * sensitivity, s=(height, width))
    padded = functional.pad(seen, (_RADIUS,) * 4)
    near, wide = (separable(padded, _bell(sigma)) for sigma in (2, 4))
    contrast = torch.where(wide != 0, near / torch.where(wide != 0, wide, 1.0) - 1, 0.0).abs()
    return contrast**3 / (contrast**2 + 0.0001)


def _bell(sigma: float) -> tuple[float, ...]:
    """31 values of a normal density; they sum to a little less than 1, as in the toolbox."""
    scale = sigma * math.sqrt(2 * math.pi)
    return tuple(math.exp(-(i**2) / (2 * sigma**2)) / scale for i in range(-_RADIUS, _RADIUS + 1))
