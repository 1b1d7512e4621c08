"""Means, and correlations over whole images."""

import torch
from torch import Tensor

from film.metrics.base.pair import Pair


def image_mean(images: Tensor) -> Tensor:
    """Mean over the last two dimensions, which are kept with length 1."""
    return images.mean((-2, -1), keepdim=True)


def centred_fused(pair: Pair) -> Tensor:
    """(B, H, W) fused images less their means."""
    return pair.fused - image_mean(pair.fused)


def centred_sources(pair: Pair) -> Tensor:
    """(2, B, H, W) sources less their means."""
    return pair.sources - image_mean(pair.sources)


def residuals(pair: Pair) -> Tensor:
    """(2, B, H, W) fused image minus each source."""
    return pair.fused - pair.sources


def source_error(pair: Pair) -> Tensor:
    """(B,) mean squared difference to the sources, averaged over both."""
    difference = pair.shared(residuals)
    return _inner(difference, difference).mean(0) / difference[0, 0].numel()


def pearson(x: Tensor, y: Tensor) -> Tensor:
    """Correlation over the last two dimensions of images that have mean 0; 0 where either is constant."""
    scale = (_inner(x, x) * _inner(y, y)).sqrt()
    return _inner(x, y) / scale.where(scale > 0, torch.inf)


def variance(centred: Tensor) -> Tensor:
    """Population variance over the last two dimensions of images that have mean 0."""
    return _inner(centred, centred) / centred.shape[-1] / centred.shape[-2]


def _inner(x: Tensor, y: Tensor) -> Tensor:
    return (x * y).sum((-2, -1))
