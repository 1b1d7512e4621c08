"""Histograms of 256 grey levels, joint ones of each source with the fused image, and what information they share."""

from typing import NamedTuple

import torch
from torch import Tensor

from film.metrics.base.pair import Pair

LEVELS = 256


class Information(NamedTuple):
    """Entropies in nats.

    Attributes:
        fused: (B,) of the fused image.
        sources: (2, B) of the sources.
        mutual: (2, B) between each source and the fused image.
    """

    fused: Tensor
    sources: Tensor
    mutual: Tensor


def joint_histograms(pair: Pair) -> Tensor:
    """(2, B, 256, 256) shares of pixels with a level of the source (row) and a level of the fused image (column)."""
    fused, sources = _levels(pair.fused), _levels(pair.sources)
    return _histogram(sources * LEVELS + fused, LEVELS**2, pair.fused.dtype).unflatten(-1, (LEVELS, LEVELS))


def fused_histogram(pair: Pair) -> Tensor:
    """(B, 256) shares of pixels at each level of the fused image."""
    if pair.has_sources:
        return pair.shared(joint_histograms)[0].sum(-2)
    return _histogram(_levels(pair.fused), LEVELS, pair.fused.dtype)


def entropy_of(shares: Tensor) -> Tensor:
    """Entropy in nats of distributions in the last dimension."""
    return torch.special.entr(shares).sum(-1)


def cross_information(pair: Pair) -> Information:
    """Entropies of the three images and what each source shares with the fused image."""
    joint = pair.shared(joint_histograms)
    sources, fused = entropy_of(joint.sum(-1)), entropy_of(joint[0].sum(-2))
    return Information(fused, sources, sources + fused - entropy_of(joint.flatten(-2)))


def _levels(images: Tensor) -> Tensor:
    """Grey levels 0 to 255, rounded half to even; NaN counts as 0 here and is handled by whoever reports the value."""
    return images.detach().nan_to_num(0).round_().clamp_(0, LEVELS - 1).to(torch.int32)


def _histogram(index: Tensor, size: int, dtype: torch.dtype) -> Tensor:
    """(..., size) shares of each value of `index` (..., H, W)."""
    images = index.flatten(0, -3).flatten(1)
    offset = torch.arange(len(images), device=index.device, dtype=torch.int32) * size
    counts = torch.bincount((images + offset[:, None]).flatten(), minlength=len(images) * size)
    return (counts.to(dtype) / images.shape[1]).reshape(*index.shape[:-2], size)
