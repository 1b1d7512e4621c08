"""Luminance for the network and colour for the eye: full-range BT.601, as in YCbCr.

Cb and Cr are multiples of B - Y and R - Y. To give an image a new luminance and keep its chroma thus means to add the
same number to R, G and B, which needs no way back from YCbCr and loses nothing to rounded coefficients.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from film.imaging.picture import Picture, quantise

_NEAR = 0.005  # luminances so close are as good as equal
_CLEAR, _LOST = 0.05, 0.1  # how far from its ends a channel says all it has to, and what is left of its say there
_MOST = 2.0  # times, that chroma grows with luminance: what is dark is noisy
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

    One colour source gives its own. Of two, each pixel takes a weighted mean: by saturation |Cb| + |Cr|, so the one
    that shows a colour wins over the one that is burnt out, black or blurred there; by how near its luminance is to
    the fused one, so a pixel that comes from one source has that one's colour; and by less where a channel is all but
    full or empty, since what it should have been is lost, and the hue with it. Another exposure of a colour has another
    chroma: it grows with the luminance, here by 2/3 of it, since what cameras darken they also saturate
    (`benchmarks/colour.py`). Where the new luminance leaves no room for the whole chroma, the colour gets paler but
    keeps its hue and the luminance its value.

    Args:
        fused: (B, 1, H, W) luminance in [0, 1].
        a: Source A, (B, 1, H, W) or (B, 3, H, W) in [0, 1].
        b: Source B, likewise.

    Returns:
        (B, 3, H, W) in [0, 1], or `fused` itself where both sources have one channel.
    """
    coloured = [image for image in (a, b) if image.shape[1] == 3]
    if not coloured:
        return fused
    if len(coloured) == 1:
        chroma = coloured[0] - luminance(coloured[0])
    else:
        chromas, weights = zip(*(_seen_as(fused, image) for image in coloured), strict=True)
        weight = torch.stack(weights)
        chroma = (torch.stack(chromas) * weight).sum(0) / weight.sum(0).clamp_min(_tiny(fused))
    return (fused + chroma * _room(fused, chroma)).clamp(0, 1)


def _seen_as(fused: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
    """Chroma (B, 3, H, W) of one of two colour sources at the fused luminance, and its weight (B, 1, H, W)."""
    own = luminance(image)
    chroma = image - own
    room = torch.minimum(1 - image.amax(1, keepdim=True), image.amin(1, keepdim=True))
    clear = (room / _CLEAR).clamp(_LOST, 1)
    weight = _saturation(chroma) * clear / ((fused - own).abs() + _NEAR)
    ratio = fused / own.clamp_min(_tiny(fused))
    return chroma * (ratio ** (2 / 3)).clamp_max(_MOST), weight


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
