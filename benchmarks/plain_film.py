"""The released FILM network written plainly: PyTorch eager, NCHW, full attention projections, released names.

It is what `film.network` with `configs/network/film.yaml` is measured against, in speed and memory by
`benchmarks/faithful.py` and in gradients by the tests. Its module names are those of the released checkpoint.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Norm(nn.Module):
    """Layer normalisation over channels; `body` as in the checkpoint."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.body = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        batch, channels, height, width = x.shape
        x = self.body(x.flatten(2).transpose(1, 2))
        return x.transpose(1, 2).reshape(batch, channels, height, width)


class Attention(nn.Module):
    """MDTA."""

    def __init__(self, dim: int, heads: int = 8) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = nn.Conv2d(dim, dim * 3, 1, bias=False)
        self.qkv_dwconv = nn.Conv2d(dim * 3, dim * 3, 3, padding=1, groups=dim * 3, bias=False)
        self.project_out = nn.Conv2d(dim, dim, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        heads = len(self.temperature)
        q, k, v = (y.unflatten(1, (heads, -1)).flatten(3) for y in self.qkv_dwconv(self.qkv(x)).chunk(3, 1))
        q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
        out = ((q @ k.transpose(-2, -1)) * self.temperature).softmax(-1) @ v
        return self.project_out(out.reshape(x.shape))


class FeedForward(nn.Module):
    """GDFN."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.project_in = nn.Conv2d(dim, dim * 8, 1, bias=False)
        self.dwconv = nn.Conv2d(dim * 8, dim * 8, 3, padding=1, groups=dim * 8, bias=False)
        self.project_out = nn.Conv2d(dim * 4, dim, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        x1, x2 = self.dwconv(self.project_in(x)).chunk(2, 1)
        return self.project_out(F.gelu(x1) * x2)


class Restormer(nn.Module):
    """One block."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm1, self.attn, self.norm2, self.ffn = Norm(dim), Attention(dim), Norm(dim), FeedForward(dim)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        x = x + self.attn(self.norm1(x))
        return x + self.ffn(self.norm2(x))


class CrossAttention(nn.Module):
    """Text asks, image answers."""

    def __init__(self) -> None:
        super().__init__()
        self.multihead_attn = nn.MultiheadAttention(256, 8, batch_first=True)

    def forward(self, text: Tensor, tokens: Tensor) -> Tensor:
        """(B, L, 256) and (B, N, 256) to (B, L, 256)."""
        return self.multihead_attn(text, tokens, tokens)[0]


class Wrapped(nn.Module):
    """A convolution under the name `conv`."""

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        return self.conv(x)


class Level(nn.Module):
    """One of the three levels, both sources."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        for number, source in enumerate("AB", start=1):
            self.add_module(f"conv{source}1", nn.Conv2d(inputs, 32, 3, padding=1, bias=False))
            self.add_module(f"conv{source}2", nn.Conv2d(32, 32, 1))
            self.add_module(f"conv{source}3", nn.Conv2d(64, 32, 1))
            for i in (1, 2, 3):
                self.add_module(f"prelu{source}{i}", nn.PReLU())
            self.add_module(f"restormer{source}1", Restormer(32))
            self.add_module(f"cross_attentionA{number}", CrossAttention())
            self.add_module(f"imagef2textf{source}1", Wrapped(nn.Conv2d(32, 32, 1)))

    def forward(self, a: Tensor, b: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
        """Features of both sources to the next."""
        return self._source(a, text, "A", 1), self._source(b, text, "B", 2)

    def _source(self, x: Tensor, text: Tensor, source: str, number: int) -> Tensor:
        part = dict(self.named_children())
        f = part[f"restormer{source}1"](part[f"prelu{source}1"](part[f"conv{source}1"](x)))
        tokens = F.interpolate(part[f"imagef2textf{source}1"](f), (288, 384), mode="nearest")
        tokens = tokens.contiguous().view(len(x), -1, 256)
        guide = part[f"cross_attentionA{number}"](text, tokens).mean(1, keepdim=True)
        g = (tokens * F.normalize(guide, p=1, dim=-1)).view(len(x), 32, 288, 384)
        g = F.interpolate(g, x.shape[-2:], mode="nearest")
        g = part[f"prelu{source}2"](part[f"conv{source}2"](g)) + f
        return part[f"prelu{source}3"](part[f"conv{source}3"](torch.cat((f, g), 1)))


class PlainFilm(nn.Module):
    """The whole network; load the `model` of a released checkpoint without the prefix `module.`."""

    def __init__(self) -> None:
        super().__init__()
        self.text_process = Wrapped(nn.Conv1d(768, 256, 1))
        self.restormerca1, self.restormerca2, self.restormerca3 = Level(1), Level(32), Level(32)
        self.restormer1, self.restormer2, self.restormer3 = Restormer(64), Restormer(32), Restormer(32)
        self.conv1, self.conv2 = nn.Conv2d(64, 32, 1), nn.Conv2d(32, 1, 1)

    def forward(self, a: Tensor, b: Tensor, text: Tensor) -> Tensor:
        """(B, 1, H, W) twice and (B, L, 768) to (B, 1, H, W)."""
        text = self.text_process(text.transpose(1, 2)).transpose(1, 2)
        for level in (self.restormerca1, self.restormerca2, self.restormerca3):
            a, b = level(a, b, text)
        x = self.conv1(self.restormer1(torch.cat((a, b), 1)))
        return self.conv2(self.restormer3(self.restormer2(x))).sigmoid()
