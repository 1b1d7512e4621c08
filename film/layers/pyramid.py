"""Laplacian pyramids of luminance images (Burt and Adelson, 1983, https://doi.org/10.1109/TCOM.1983.1095851)."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def halve(image: Tensor) -> Tensor:
    """Blur with 1, 3, 3, 1 in both directions and keep every second pixel.

    An even filter keeps the grid centred, so that `enlarge` is its counterpart.

    Args:
        image: (B, C, H, W).

    Returns:
        (B, C, ⌈H/2⌉, ⌈W/2⌉).
    """
    channels, (height, width) = image.shape[1], image.shape[-2:]
    padded = F.pad(image, (1, 1 + width % 2, 1, 1 + height % 2), mode="replicate")
    taps = image.new_tensor([1, 3, 3, 1]) / 8
    rows = F.conv2d(padded, taps.view(1, 1, 4, 1).expand(channels, 1, 4, 1), stride=(2, 1), groups=channels)
    return F.conv2d(rows, taps.view(1, 1, 1, 4).expand(channels, 1, 1, 4), stride=(1, 2), groups=channels)


def enlarge(image: Tensor, like: Tensor) -> Tensor:
    """Bring an image (B, C, h, w), half the size of (B, C', H, W), up to that size: (B, C, H, W)."""
    height, width = like.shape[-2:]
    doubled = F.interpolate(image, scale_factor=2, mode="bilinear", align_corners=False)
    return doubled[..., :height, :width]


def split(image: Tensor, levels: int) -> list[Tensor]:
    """Take an image apart.

    Args:
        image: (B, C, H, W).
        levels: Number of detail levels.

    Returns:
        The details, finest first, and last the base: `levels` + 1 images, each of half the size of the one before.
    """
    parts = []
    for _ in range(levels):
        smaller = halve(image)
        parts.append(image - enlarge(smaller, image))
        image = smaller
    return [*parts, image]


def join(parts: list[Tensor]) -> Tensor:
    """Put together what `split` took apart: (B, C, H, W)."""
    image = parts[-1]
    for detail in reversed(parts[:-1]):
        image = detail + enlarge(image, detail)
    return image


def magnitude_around(detail: Tensor) -> Tensor:
    """Mean magnitude in a window of 5x5 of (B, C, H, W), the same shape; what lies outside doesn't count."""
    return F.avg_pool2d(detail.abs(), 5, 1, 2, count_include_pad=False)


def _mean(a: Tensor, b: Tensor) -> Tensor:
    return (a + b) / 2


def sharper(a: Tensor, b: Tensor, *, levels: int = 5, base: Callable[[Tensor, Tensor], Tensor] = _mean) -> Tensor:
    """Fuse without learning: of every detail the one that is stronger around, of the base the mean.

    Args:
        a: (B, 1, H, W) in [0, 1].
        b: Likewise.
        levels: Number of detail levels.
        base: What becomes of the bases.

    Returns:
        (B, 1, H, W), clipped to [0, 1].
    """
    *details, bases = zip(split(a, levels), split(b, levels), strict=True)
    chosen = [torch.where(magnitude_around(x) >= magnitude_around(y), x, y) for x, y in details]
    return join([*chosen, base(*bases)]).clamp(0, 1)
