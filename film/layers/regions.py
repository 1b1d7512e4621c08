"""Where in an image a region is that a text names."""

import torch
from torch import Tensor

from film.concepts import REGIONS

_STEEPNESS = 12  # a mask rises from a tenth to nine tenths over a fifth of the image


def positions(grid: Tensor) -> Tensor:
    """Column and row of every cell of (B, C, H, W), from -1 (left, top) to 1, as (B, 2, H, W)."""
    batch, _, height, width = grid.shape
    x, y = (torch.linspace(-1 + 1 / n, 1 - 1 / n, n, device=grid.device, dtype=grid.dtype) for n in (width, height))
    return torch.stack(torch.meshgrid(x, y, indexing="xy")).expand(batch, -1, -1, -1)


def region_masks(grid: Tensor) -> Tensor:
    """Masks of `film.concepts.REGIONS` for (B, C, H, W), soft at their borders: (1, 5, H, W) in [0, 1]."""
    x, y = positions(grid[:1])[0]
    within = {"left": -x, "right": x, "top": -y, "bottom": y, "centre": 0.6 - torch.hypot(x, y)}
    return torch.sigmoid(_STEEPNESS * torch.stack([within[region] for region in REGIONS])).unsqueeze(0)


def spread(asked: Tensor, plain: Tensor, regions: Tensor | None, grid: Tensor) -> Tensor:
    """Numbers for a whole image, in the regions that a text names others than around them.

    Args:
        asked: (B, N) numbers for the regions, or for everywhere if none is named.
        plain: (B, N) numbers for around them.
        regions: (B, R) in [0, 1], how much each is named; None for none.
        grid: (B, C, H, W), an image or its features.

    Returns:
        (B, N, 1, 1), or (B, N, H, W) if regions are given.
    """
    asked, plain = asked[..., None, None], plain[..., None, None]
    if regions is None:
        return asked
    return torch.lerp(plain, asked, inside(regions.unsqueeze(1), grid))


def inside(regions: Tensor, grid: Tensor) -> Tensor:
    """How far every cell of a grid lies in regions, of which some are named.

    Args:
        regions: (B, N, R) in [0, 1], how much each is named, for N things that are said.
        grid: (B, C, H, W).

    Returns:
        (B, N, H, W) in [0, 1]; 1 everywhere where no region is named.
    """
    named = regions[..., None, None]
    return (named * region_masks(grid).unsqueeze(1)).amax(2) + 1 - named.amax(2)


def region_mask(region: str, image: Tensor) -> Tensor:
    """Mask of one region of an image (1, 1, H, W): (1, 1, H, W) in [0, 1]."""
    return region_masks(image)[:, [REGIONS.index(region)]]
