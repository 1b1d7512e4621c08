"""Structure of both sources in the fused image: SSIM (Wang et al., 2004) and the similarity term of FILM's release."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from film.losses.base import LossTerm

_SIZE, _SIGMA = 5, 1.5
_C1, _C2 = 0.01**2, 0.03**2


def ssim(x: Tensor, y: Tensor) -> Tensor:
    """Mean SSIM in 5x5 Gaussian windows of deviation 1.5 with zero padding, for images in [0, 1].

    Other windows and borders give other numbers: this is the one of the training loss, not of the metric in tables.

    Args:
        x: (B, 1, H, W).
        y: (B, 1, H, W).

    Returns:
        A scalar in [-1, 1], 1 where both are equal.
    """
    maps = torch.cat((x, y, x * x, y * y, x * y))
    mean_x, mean_y, xx, yy, xy = _blur(maps).chunk(5)
    var_x, var_y, cov = xx - mean_x**2, yy - mean_y**2, xy - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    return (luminance * (2 * cov + _C2) / (var_x + var_y + _C2)).mean()


def _blur(images: Tensor) -> Tensor:
    places = torch.arange(_SIZE, dtype=torch.float32, device=images.device) - _SIZE // 2
    taps = torch.exp(-(places**2) / (2 * _SIGMA**2))
    taps = (taps / taps.sum()).to(images.dtype)
    return F.conv2d(images, torch.outer(taps, taps)[None, None], padding=_SIZE // 2)


def released_similarity(source: Tensor, fused: Tensor) -> Tensor:
    """‖I - F‖₂ + ⌊√(H·W)⌋ · (1 - SSIM(I, F)), the norm over the whole batch and not normalised.

    Args:
        source: (B, 1, H, W) in [0, 1].
        fused: (B, 1, H, W).

    Returns:
        A scalar, 0 where both are equal.
    """
    scale = math.isqrt(source.shape[-2] * source.shape[-1])
    return torch.linalg.vector_norm(source - fused) + scale * (1 - ssim(source, fused))


class Ssim(LossTerm):
    """1 - mean of SSIM(A, F) and SSIM(B, F); range 0 to 2.

    Args:
        weight: Factor in the total.
    """

    def forward(self, fused: Tensor, a: Tensor, b: Tensor, target: Tensor | None = None) -> Tensor:
        """(B, 1, H, W) images to a scalar; `target` is not read."""
        return 1 - (ssim(a, fused) + ssim(b, fused)) / 2


class ReleasedSimilarity(LossTerm):
    """S(A, F) + S(B, F) as FILM's release trains it for multi-exposure and multi-focus, see `released_similarity`.

    It grows with the side of the image and with the root of the batch size, so it is no mean over the batch: two
    processes with n pairs each don't take the step of one with 2n, and its weight belongs to one image size. `Ssim` is
    the form without these faults.

    Args:
        weight: Factor in the total.
    """

    def forward(self, fused: Tensor, a: Tensor, b: Tensor, target: Tensor | None = None) -> Tensor:
        """(B, 1, H, W) images to a scalar; `target` is not read."""
        return released_similarity(a, fused) + released_similarity(b, fused)
