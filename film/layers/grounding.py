"""Whether places listen to the words about them."""

import torch.nn.functional as F
from torch import Tensor

_LEAST = 1e-4


def grounding(attention: Tensor, pointing: Tensor, place: Tensor) -> Tensor:
    """How far attention misses what words speak of: minus the logarithm of how often it finds it, by chance 0.

    Of all attention to words that speak of what is bright in a source, the share that falls inside it, over the share
    of the image that this is.

    Args:
        attention: (B, L, h, w) of places to words, see `film.network.FusionNetwork.watch`.
        pointing: (B, L) in [0, 1], how far each word speaks of it, see `film.layers.text.Said`.
        place: (B, 1, H, W) in [0, 1], where it is; 0 everywhere for nowhere.

    Returns:
        A scalar, the mean over the batch, in which pairs without words or a place for them are 0.
    """
    height, width = attention.shape[-2:]
    where = F.adaptive_avg_pool2d(place.float(), (height, width)).squeeze(1)
    heard = (attention.float() * pointing.float()[..., None, None]).sum(1)
    total, share = heard.sum((1, 2)), where.mean((1, 2))
    ratio = (heard * where).sum((1, 2)) / total.clamp_min(_LEAST) / share.clamp_min(_LEAST)
    return -(ratio.clamp_min(_LEAST).log() * ((share > _LEAST) & (total > _LEAST))).mean()
