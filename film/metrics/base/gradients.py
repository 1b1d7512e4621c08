"""Sobel gradients and their magnitude."""

import torch
from torch import Tensor
from torch.nn import functional

_TINY = 1e-24  # keeps the slope of the square root finite where an image is flat; magnitudes move by at most 1e-12


def magnitude(x: Tensor, y: Tensor) -> Tensor:
    """√(x² + y²), differentiable everywhere."""
    return torch.addcmul(x * x, y, y).add_(_TINY).sqrt_()


def sobel(images: Tensor, padding: str = "constant") -> tuple[Tensor, Tensor]:
    """3x3 Sobel gradients with weights 1, 2, 1.

    Args:
        images: (..., H, W).
        padding: Mode of the one pixel around the image, a name that `torch.nn.functional.pad` knows.

    Returns:
        Right minus left and bottom minus top, each (..., H, W).
    """
    padded = functional.pad(images.flatten(0, -3)[:, None], (1, 1, 1, 1), mode=padding)[:, 0]
    padded = padded.unflatten(0, images.shape[:-2])
    across = padded[..., 2:] - padded[..., :-2]
    down = padded[..., 2:, :] - padded[..., :-2, :]
    return (
        (across[..., :-2, :] + across[..., 2:, :]).add_(across[..., 1:-1, :], alpha=2),
        (down[..., :-2] + down[..., 2:]).add_(down[..., 1:-1], alpha=2),
    )
