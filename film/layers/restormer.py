"""Restormer blocks (Zamir et al., CVPR 2022, arXiv 2111.09881), computed in strips of rows.

A block written plainly makes tensors up to eight times wider than its input at full resolution. Nothing in it needs
that: the channel attention only needs a C x C Gram matrix and the norms of q and k, both of which are sums over
pixels, and the depthwise 3x3 convolutions look one row up and down. So every step walks over strips of rows that fit
the processor's cache, in channels-last order: same weights, same numbers, less time and a fraction of the memory.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

Result = TypeVar("Result")

STRIP_PIXELS = 10_240  # wide features of a strip stay in the cache; measured by benchmarks/faithful.py


def row_strips(image: Tensor) -> Iterator[tuple[slice, slice, slice]]:
    """Cut (B, C, H, W) into strips of rows that overlap by a halo of one row.

    Yields:
        The rows of the strip, the same with its halo, and where within the latter the former lie.
    """
    batch, _, height, width = image.shape
    step = max(1, STRIP_PIXELS // (batch * width)) if image.device.type == "cpu" else height
    for top in range(0, height, step):
        bottom = min(top + step, height)
        first, last = max(top - 1, 0), min(bottom + 1, height)
        yield slice(top, bottom), slice(first, last), slice(top - first, bottom - first)


def map_strips(function: Callable[[Tensor], Tensor], image: Tensor, *, recompute: bool = False) -> Tensor:
    """Apply a function that looks one row up and down, keeps the size and pads with zeros, strip by strip.

    Args:
        function: Takes and returns (B, C, rows, W).
        image: (B, C, H, W).
        recompute: Keep no activations of the function for the backward pass, see `run_strip`.

    Returns:
        (B, C, H, W), as `function(image)`.
    """
    strips = (
        (rows, run_strip(function, image[:, :, halo], recompute=recompute)[:, :, inner])
        for rows, halo, inner in row_strips(image)
    )
    if torch.is_grad_enabled():
        return torch.cat([strip for _, strip in strips], 2)
    whole = torch.empty_like(image, memory_format=torch.channels_last)
    for rows, strip in strips:
        whole[:, :, rows] = strip
    return whole


def run_strip(function: Callable[[Tensor], Result], strip: Tensor, *, recompute: bool) -> Result:
    """Call a function; with `recompute`, its activations are not kept but computed anew in the backward pass."""
    if recompute and torch.is_grad_enabled():
        return checkpoint(function, strip, use_reentrant=False)
    return function(strip)


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each pixel, with weight and bias."""

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, H, W) to the same, channels last in memory."""
        return super().forward(image.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class TransposedAttention(nn.Module):
    """MDTA with its normalisation and residual: attention between channels instead of pixels.

    Args:
        channels: Number C of channels, a multiple of `heads`.
        heads: Number of attention heads.
        recompute: Trade time for memory in training, see `run_strip`.
    """

    def __init__(self, channels: int, heads: int, *, recompute: bool = False) -> None:
        super().__init__()
        self.channels, self.heads, self.recompute = channels, heads, recompute
        self.norm = ChannelNorm(channels)
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = nn.Conv2d(channels, 3 * channels, 1, bias=False)
        self.qkv_depthwise = nn.Conv2d(3 * channels, 3 * channels, 3, padding=1, groups=3 * channels, bias=False)
        self.project_out = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        mixing = self._mixing(image)

        def attend(strip: Tensor) -> Tensor:
            values = self._project(strip, slice(2 * self.channels, None)).permute(0, 2, 3, 1)
            mixed = values.flatten(1, 2) @ mixing.transpose(1, 2)
            return strip + mixed.view(values.shape).permute(0, 3, 1, 2)

        return map_strips(attend, image, recompute=self.recompute)

    def _project(self, strip: Tensor, part: slice) -> Tensor:
        """Channels `part` of the q, k, v of a strip."""
        wide = F.conv2d(self.norm(strip), self.qkv.weight[part])
        return F.conv2d(wide, self.qkv_depthwise.weight[part], padding=1, groups=wide.shape[1])

    def _mixing(self, image: Tensor) -> Tensor:
        """The (B, C, C) matrix that mixes the values: output projection times block-diagonal attention."""
        strips = [
            run_strip(partial(self._gram, inner=inner), image[:, :, halo], recompute=self.recompute)
            for _, halo, inner in row_strips(image)
        ]
        gram, squares = (torch.stack(parts).sum(0) for parts in zip(*strips, strict=True))
        query_norm, key_norm = squares.sqrt().clamp_min(1e-12).chunk(2, -1)
        cosine = self._heads(gram / (query_norm.unsqueeze(2) * key_norm.unsqueeze(1)))
        attention = (cosine * self.temperature).softmax(-1)  # (B, heads, C/heads, C/heads)
        project = self.project_out.weight[:, :, 0, 0].unflatten(1, (self.heads, -1))
        return torch.einsum("ihc,bhcd->bihd", project, attention.to(project.dtype)).flatten(2)

    def _gram(self, strip: Tensor, inner: slice) -> tuple[Tensor, Tensor]:
        """What the rows `inner` of a strip add to q k' (B, C, C) and to the squared norms of q and k (B, 2C)."""
        both = self._project(strip, slice(2 * self.channels))[:, :, inner]
        both = both.permute(0, 2, 3, 1).flatten(1, 2)  # (B, pixels, 2C)
        both = both.to(torch.promote_types(both.dtype, torch.float32))  # sums over all pixels overflow float16
        query, key = both.chunk(2, -1)
        return query.transpose(1, 2) @ key, both.square().sum(1)

    def _heads(self, matrix: Tensor) -> Tensor:
        """The diagonal blocks of a (B, C, C) matrix, one per head: (B, heads, C/heads, C/heads)."""
        blocks = matrix.unflatten(2, (self.heads, -1)).unflatten(1, (self.heads, -1))
        return blocks.diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2)


class GatedFeedForward(nn.Module):
    """GDFN with its normalisation and residual: one half of the wide features gates the other.

    Args:
        channels: Number C of channels.
        expansion: Width of either half, in multiples of C.
        recompute: Trade time for memory in training, see `run_strip`.
    """

    def __init__(self, channels: int, expansion: int, *, recompute: bool = False) -> None:
        super().__init__()
        self.recompute = recompute
        wide = channels * expansion
        self.norm = ChannelNorm(channels)
        self.project_in = nn.Conv2d(channels, 2 * wide, 1, bias=False)
        self.depthwise = nn.Conv2d(2 * wide, 2 * wide, 3, padding=1, groups=2 * wide, bias=False)
        self.project_out = nn.Conv2d(wide, channels, 1, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        return map_strips(self._strip, image, recompute=self.recompute)

    def _strip(self, strip: Tensor) -> Tensor:
        gate, content = self.depthwise(self.project_in(self.norm(strip))).chunk(2, 1)
        return strip + self.project_out(F.gelu(gate) * content)


class RestormerBlock(nn.Sequential):
    """One transformer block: channel attention, then the gated feed-forward network.

    Args:
        channels: Number C of channels, a multiple of `heads`.
        heads: Number of attention heads.
        expansion: Width of the feed-forward network, in multiples of C.
        recompute: Trade time for memory in training: activations are computed anew in the backward pass.
    """

    def __init__(self, channels: int, *, heads: int = 8, expansion: int = 4, recompute: bool = False) -> None:
        super().__init__(
            TransposedAttention(channels, heads, recompute=recompute),
            GatedFeedForward(channels, expansion, recompute=recompute),
        )


class ConvRestormer(nn.Sequential):
    """3x3 convolution, PReLU and a Restormer block: (B, in_channels, H, W) to (B, out_channels, H, W).

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output, a multiple of `heads`.
        heads: Number of attention heads.
        expansion: Width of the feed-forward network, in multiples of `out_channels`.
        recompute: Trade time for memory in training, see `RestormerBlock`.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, heads: int = 8, expansion: int = 4, recompute: bool = False
    ) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
            nn.PReLU(),
            RestormerBlock(out_channels, heads=heads, expansion=expansion, recompute=recompute),
        )
