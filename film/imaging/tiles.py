"""Work on a large image tile by tile, with seams that can't be seen and memory that doesn't grow with it."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from film.errors import FilmError

SMALLEST_TILE = 64
_AUTO_TILE, _AUTO_FROM = 1024, 2048 * 2048  # side of a tile; pixels of an image
_OVERLAP = 64
_MARGIN = 16  # outermost pixels that hardly count: there, the network saw the edge of the tile instead of the image
_NEGLIGIBLE = 1e-6  # but not zero: at the edge of the image there is no other tile


def check_tiling(tile: int | None, overlap: int | None) -> None:
    """Refuse sides and overlaps that don't work, see `fuse_in_tiles`.

    Raises:
        FilmError: With what is allowed.
    """
    if tile and tile < SMALLEST_TILE:
        raise FilmError(f"a tile of {tile} px is too small; choose 0 (never cut) or at least {SMALLEST_TILE}")
    largest = (tile or _AUTO_TILE) // 2
    if overlap is not None and not 0 <= overlap <= largest:
        raise FilmError(f"an overlap of {overlap} px doesn't work here; choose 0 to {largest}, half a tile")


def fuse_in_tiles(
    fuse: Callable[[Tensor, Tensor], Tensor],
    a: Tensor,
    b: Tensor,
    *,
    tile: int | None,
    overlap: int | None,
) -> Tensor:
    """Fuse two images tile by tile and blend the tiles with linear ramps over the inner part of their overlap.

    The weights of all tiles sum to one in every pixel. A network that looks only at its neighbourhood gives what it
    gives for the whole image; one whose attention looks at all of its input may differ in brightness between tiles,
    which a larger overlap hides.

    Args:
        fuse: Gets (B, 1, h, w) of both sources and returns (B, 1, h, w), on any device.
        a: (B, 1, H, W).
        b: (B, 1, H, W).
        tile: Largest side of a tile; 0 never cuts, None cuts an image of more than 4 megapixels into 1024.
        overlap: Least number of rows or columns that neighbours share; None for 64, or a quarter of a smaller tile.

    Returns:
        (B, 1, H, W) in [0, 1], with the device and number format of `a`.
    """
    height, width = a.shape[-2:]
    if tile is None:
        tile = _AUTO_TILE if height * width > _AUTO_FROM else 0
    if tile == 0 or max(height, width) <= tile:
        return fuse(a, b).to(a).clamp(0, 1)
    overlap = min(_OVERLAP, tile // 4) if overlap is None else overlap
    fused = torch.zeros_like(a)
    for rows, row_weights in _spans(height, tile, overlap):
        for columns, column_weights in _spans(width, tile, overlap):
            part = fuse(a[..., rows, columns], b[..., rows, columns]).to(a)
            fused[..., rows, columns] += part * row_weights.to(a)[:, None] * column_weights.to(a)
    return fused.clamp_(0, 1)


def _spans(length: int, tile: int, overlap: int) -> Iterator[tuple[slice, Tensor]]:
    """Spread tiles of equal side evenly along one axis, each with the weights of its pixels."""
    count = max(1, -(-(length - overlap) // (tile - overlap)))
    side = -(-(length + (count - 1) * overlap) // count)
    starts = [round(i * (length - side) / max(1, count - 1)) for i in range(count)]
    margin = min(_MARGIN, overlap // 4)
    ramp = (torch.arange(1, side + 1, dtype=torch.float64) - margin).clamp(_NEGLIGIBLE, overlap - 2 * margin + 1)
    window = torch.minimum(ramp, ramp.flip(0))
    total = torch.zeros(length, dtype=torch.float64)
    for start in starts:
        total[start : start + side] += window
    for start in starts:
        span = slice(start, start + side)
        yield span, window / total[span]
