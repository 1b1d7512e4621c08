"""Luminance for the network and colour for the eye: full-range BT.601, as in YCbCr.

Cb and Cr are multiples of B - Y and R - Y. To give an image a new luminance and keep its chroma thus means to add the
same number to R, G and B, which needs no way back from YCbCr and loses nothing to rounded coefficients.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from film.imaging.picture import Picture, quantise

_BLOCK = 2**20  # pixels worked on at once, so that floats of a whole large picture never exist


def luminance(image: Tensor) -> Tensor:
    """Take the luminance Y = 0.299 R + 0.587 G + 0.114 B.

    Args:
        image: (B, 1, H, W) or (B, 3, H, W) in [0, 1].

    Returns:
        (B, 1, H, W) in [0, 1].
    """
    from kornia.color import rgb_to_y

    return image if image.shape[1] == 1 else rgb_to_y(image).clamp(0, 1)


def recolour(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Give the fused luminance the chroma of its sources.

    One colour source gives its own. Of two, each pixel takes the mean weighted by saturation |Cb| + |Cr|, so the one
    that shows a colour wins over the one that is burnt out, black or blurred there. Where the new luminance leaves no
    room for the whole chroma, the colour gets paler but keeps its hue and the luminance its value.

    Args:
        fused: (B, 1, H, W) luminance in [0, 1].
        a: Source A, (B, 1, H, W) or (B, 3, H, W) in [0, 1].
        b: Source B, likewise.

    Returns:
        (B, 3, H, W) in [0, 1], or `fused` itself where both sources have one channel.
    """
    chromas = [image - luminance(image) for image in (a, b) if image.shape[1] == 3]
    if not chromas:
        return fused
    weights = torch.stack([_saturation(chroma) for chroma in chromas])
    chroma = (torch.stack(chromas) * weights).sum(0) / weights.sum(0).clamp_min(_tiny(fused))
    return (fused + chroma * _room(fused, chroma)).clamp(0, 1)


def _saturation(chroma: Tensor) -> Tensor:
    red, _, blue = chroma.unbind(1)
    return (0.713 * red.abs() + 0.564 * blue.abs()).unsqueeze(1)  # |Cr| + |Cb|


def _room(fused: Tensor, chroma: Tensor) -> Tensor:
    """(B, 1, H, W) in [0, 1]: the share of the chroma that keeps R, G and B within [0, 1]."""
    above = (1 - fused) / chroma.amax(1, keepdim=True).clamp_min(_tiny(fused))
    below = fused / (-chroma.amin(1, keepdim=True)).clamp_min(_tiny(fused))
    return torch.minimum(above, below).clamp_max(1)


def _tiny(image: Tensor) -> float:
    return torch.finfo(image.dtype).tiny


def luminance_of(picture: Picture) -> Tensor:
    """Take the luminance of a picture, (1, 1, H, W) in [0, 1], in as many levels as it has.

    Where a fused image comes very near to a source, both are then rounded to the same level; from between two levels a
    small difference leads to either.
    """
    width, height = picture.size
    plane = torch.empty(1, 1, height, width)
    for rows in _blocks(height, width):
        part = luminance(_tensor(picture, rows))
        if picture.pixels.dtype.kind != "f":
            part = to_levels(part, np.iinfo(picture.pixels.dtype).max)
        plane[..., rows, :] = part
    return plane


def to_levels(image: Tensor, levels: int) -> Tensor:
    """Round values in [0, 1] to multiples of 1 / `levels`."""
    return (image * levels).round_().div_(levels)


def paint(fused: Tensor, a: Picture, b: Picture, *, grey: bool = False) -> Picture:
    """Give the fused luminance the chroma of two pictures, see `recolour`.

    Args:
        fused: (1, 1, H, W) luminance in [0, 1].
        a: Source A, of the same size.
        b: Source B, of the same size.
        grey: Leave the colour out.

    Returns:
        RGB if one of the pictures is, else grey; in the finer number format of the two.
    """
    height, width = fused.shape[-2:]
    sources = [picture for picture in (a, b) if picture.is_colour and not grey]
    shape = (height, width, 3) if sources else (height, width)
    pixels = np.empty(shape, np.result_type(a.pixels, b.pixels))
    for rows in _blocks(height, width):
        part = fused[..., rows, :]
        part = recolour(part, _tensor(a, rows), _tensor(b, rows))[0].movedim(0, -1) if sources else part[0, 0]
        pixels[rows] = part.numpy() if pixels.dtype.kind == "f" else quantise(part.numpy(), 8 * pixels.itemsize)
    profiles = {picture.profile for picture in sources}
    return Picture(pixels, profiles.pop() if len(profiles) == 1 else None)


def _tensor(picture: Picture, rows: slice) -> Tensor:
    unit = torch.from_numpy(picture.unit(rows))
    return (unit.movedim(-1, 0) if picture.is_colour else unit[None])[None]


def _blocks(height: int, width: int) -> Iterator[slice]:
    step = max(1, _BLOCK // width)
    return (slice(top, top + step) for top in range(0, height, step))
