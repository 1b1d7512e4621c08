"""Means, variances and covariances in sliding windows, fast on the CPU and exact on any device.

A window filter is a product with a banded matrix, cut into blocks of a few rows: BLAS does 17 taps at the price of
three additions, and a GPU starts two kernels instead of one a tap. Where float32 products may be rounded to fewer bits
(TF32, bfloat16) it is a sum of shifted images: variances here are small differences of large numbers and need all bits.
"""

import functools
import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

Taps = tuple[float, ...]

_BLOCK = 24  # outputs a product; smaller wastes calls, larger wastes multiplications by zero


def gaussian(size: int, sigma: float) -> Taps:
    """Weights of a Gaussian window, which sum to 1."""
    weights = [math.exp(-((i - (size - 1) / 2) ** 2) / (2 * sigma**2)) for i in range(size)]
    return tuple(weight / sum(weights) for weight in weights)


def uniform(size: int) -> Taps:
    """Weights of a square window, which sum to 1."""
    return (1 / size,) * size


def separable(images: Tensor, taps: Taps, stride: int = 1) -> Tensor:
    """Filter with the same taps down and across; only windows that lie inside the image.

    Args:
        images: (..., H, W), sides at least `len(taps)`.
        taps: Weights of the window, symmetric.
        stride: Distance between the windows' places.

    Returns:
        (..., (H - k) // stride + 1, (W - k) // stride + 1).
    """
    if not _bands_are_exact(images):
        return _shifted(_shifted(images, taps, stride, -2), taps, stride, -1)
    height, width = _counts(images, taps, stride)
    band, step = _band(taps, stride, images.dtype, images.device), _BLOCK * stride
    single = _aligned(images, taps, stride).flatten(0, -3)
    # On the CPU one image at a time: its rows stay in the cache between the two products.
    parts = single.split(1) if images.device.type == "cpu" else [single]
    filtered = torch.cat([_banded(part, band, step) for part in parts])
    return filtered.flatten(-2)[:, :height, :width].unflatten(0, images.shape[:-2])


def _bands_are_exact(images: Tensor) -> bool:
    return images.device.type in ("cpu", "cuda") and torch.get_float32_matmul_precision() == "highest"


def _counts(images: Tensor, taps: Taps, stride: int) -> tuple[int, int]:
    """How many windows fit down and across."""
    height, width = images.shape[-2:]
    return (height - len(taps)) // stride + 1, (width - len(taps)) // stride + 1


def _shifted(images: Tensor, taps: Taps, stride: int, dim: int) -> Tensor:
    count = (images.shape[dim] - len(taps)) // stride + 1
    length = (count - 1) * stride + 1
    total = images.narrow(dim, 0, length) * taps[0]
    for place, tap in enumerate(taps[1:], 1):
        total.add_(images.narrow(dim, place, length), alpha=tap)
    return total[..., ::stride, :] if dim == -2 else total[..., ::stride]


def _banded(images: Tensor, band: Tensor, step: int) -> Tensor:
    """Filter aligned images (B, H, W); columns come in blocks: (B, h, w / 24, 24)."""
    down = images.unfold(-2, band.shape[1], step).mT
    tall = (band.expand(*down.shape[:-2], -1, -1) @ down).flatten(-3, -2)
    across = tall.unfold(-1, band.shape[1], step).transpose(-3, -2)
    return (across @ band.mT.expand(*across.shape[:-2], -1, -1)).transpose(-3, -2)


def _aligned(images: Tensor, taps: Taps, stride: int = 1) -> Tensor:
    """Pad (..., H, W) at the right and the bottom, so that whole blocks cover every window."""
    blocks = [math.ceil(count / _BLOCK) for count in _counts(images, taps, stride)]
    height, width = ((count * _BLOCK - 1) * stride + len(taps) for count in blocks)
    missing = (max(0, width - images.shape[-1]), max(0, height - images.shape[-2]))
    return functional.pad(images, (0, missing[0], 0, missing[1])) if any(missing) else images


@functools.lru_cache(maxsize=64)
def _band(taps: Taps, stride: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(24, span): row i holds the taps from column i · stride on."""
    band = torch.zeros(_BLOCK, (_BLOCK - 1) * stride + len(taps), dtype=dtype)
    for row in range(_BLOCK):
        band[row, row * stride : row * stride + len(taps)] = torch.tensor(taps, dtype=dtype)
    return band.to(device)


class LocalMoments(NamedTuple):
    """Statistics in windows of the fused image F and of both sources S.

    Attributes:
        mean_f: (B, h, w).
        mean_s: (2, B, h, w).
        var_f: (B, h, w), not negative but for rounding.
        var_s: (2, B, h, w).
        cov: (2, B, h, w), of each source with F.
    """

    mean_f: Tensor
    mean_s: Tensor
    var_f: Tensor
    var_s: Tensor
    cov: Tensor


def local_moments(fused: Tensor, sources: Tensor, taps: Taps) -> LocalMoments:
    """Weighted means, variances and covariances in the windows that lie inside the images.

    Args:
        fused: (B, H, W).
        sources: (2, B, H, W).
        taps: Weights of the window down and across, which sum to 1.
    """
    height, width = _counts(fused, taps, 1)
    if _bands_are_exact(fused):  # before there are products to pad
        fused, sources = _aligned(fused, taps), _aligned(sources, taps)

    def mean(images: Tensor) -> Tensor:
        return separable(images, taps)[..., :height, :width]

    mean_f, mean_s = mean(fused), mean(sources)
    return LocalMoments(
        mean_f,
        mean_s,
        mean(fused * fused).addcmul_(mean_f, mean_f, value=-1),
        mean(sources * sources).addcmul_(mean_s, mean_s, value=-1),
        mean(sources * fused).addcmul_(mean_s, mean_f, value=-1),
    )


def universal_quality(mean_x: Tensor, mean_y: Tensor, var_x: Tensor, var_y: Tensor, cov: Tensor) -> Tensor:
    """Wang and Bovik's universal quality index (2002): SSIM without its constants.

    Where both windows are flat it is the index of their means alone, and 1 where both are black: there the formula is
    0 / 0. Windows whose variance is no more than rounding leaves behind count as flat.

    Returns:
        -1 to 1, in the shape that the arguments broadcast to.
    """
    power = mean_x * mean_x + mean_y * mean_y
    spread = var_x + var_y
    flat = spread <= 8 * torch.finfo(power.dtype).eps * (power + spread)
    structure = torch.where(flat, 1.0, 2 * cov / torch.where(flat, 1.0, spread))
    luminance = torch.where(power > 0, 2 * mean_x * mean_y / torch.where(power > 0, power, 1.0), 1.0)
    return structure * luminance


def variance_share(variances: Tensor) -> Tensor:
    """(B, h, w) the first source's share of the variances (2, B, h, w); 1/2 where both are flat."""
    first, second = variances.relu()
    total = first + second
    return torch.where(total > 1e-12, first / total.clamp_min(1e-12), 0.5)
