"""What the measures of human perception share: stretched images and radial frequencies."""

import torch
from torch import Tensor


def stretched(images: Tensor) -> Tensor:
    """Stretch each image (..., H, W) from its minimum and maximum to whole levels 0 to 255; a constant one to 0."""
    images = images.detach()  # rounding has no slope
    low, high = images.amin((-2, -1), keepdim=True), images.amax((-2, -1), keepdim=True)
    return ((images - low) / torch.where(high > low, high - low, 1.0) * 255).round_()


def radial_frequency(images: Tensor, vertical: float, horizontal: float) -> Tensor:
    """(H, W // 2 + 1) distance from frequency 0, in the order of `torch.fft.rfft2`.

    Args:
        images: (..., H, W), for the size.
        vertical: Value at the highest vertical frequency.
        horizontal: Value at the highest horizontal frequency.
    """
    height, width = images.shape[-2:]
    kind = {"dtype": images.dtype, "device": images.device}
    v = torch.fft.fftfreq(height, **kind) * (2 * vertical)
    u = torch.fft.rfftfreq(width, **kind) * (2 * horizontal)
    return torch.hypot(v[:, None], u)
