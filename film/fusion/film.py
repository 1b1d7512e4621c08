"""The text-guided fusion stage of FILM as released (Zhao et al., ICML 2024, github.com/Zhaozixiang1228/IF-FILM).

The guide it computes is one vector of unit L1 norm whose entries line up with runs of consecutive pixels, so words
hardly reach the image: see docs of the text-guided stages for others. It is kept to the number because the released
weights need it and comparisons do.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from film.errors import FilmError
from film.fusion.base import FusionStage
from film.layers.restormer import ConvRestormer
from film.layers.text import TextFeatures


class PooledCrossAttention(nn.Module):
    """Multi-head attention from words to image tokens, averaged over the words.

    Equal to `nn.MultiheadAttention(dim, heads)(query=text, key=tokens, value=tokens)` followed by the mean over the
    words, but the mean is taken on the attention weights: it commutes with the value and output projections, which
    then act on one vector per head instead of on every token.

    Args:
        dim: Width of words and image tokens.
        heads: Number of attention heads.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        if dim % heads:
            raise FilmError(f"text width {dim} is not a multiple of {heads} heads")
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(dim, dim) for _ in range(4))

    def forward(self, text: TextFeatures, tokens: Tensor) -> Tensor:
        """Words (B, L, D) and image tokens (B, N, D) to one vector (B, D); zero where a text has no words."""
        share = text.mask.to(tokens.dtype)
        count = share.sum(1, keepdim=True)
        share = (share / count.clamp_min(1)).unsqueeze(1)  # (B, 1, L), sums to 1
        query = self.query(text.tokens).unflatten(-1, (self.heads, -1)).unbind(2)
        key = self.key(tokens).unflatten(-1, (self.heads, -1)).unbind(2)
        scale = query[0].shape[-1] ** -0.5
        # head by head: L x N weights of one head at a time are a tenth of the memory and no slower
        weights = [share @ ((q * scale) @ k.transpose(1, 2)).softmax(-1) for q, k in zip(query, key, strict=True)]
        pooled = torch.cat(weights, 1) @ tokens  # (B, heads, D)
        value = self.value.weight.unflatten(0, (self.heads, -1))
        attended = torch.einsum("bhd,hcd->bhc", pooled, value).flatten(1) + self.value.bias
        return self.out(attended) * (count > 0)


class TextGate(nn.Module):
    """Weights the image tokens of one source by the text and mixes the result into its features.

    Args:
        channels: Features C of a source.
        text_dim: Width D of a word and of an image token.
        heads: Number of attention heads.
        grid: Height and width of the fixed token grid; C x height x width must be a multiple of D.
    """

    def __init__(self, channels: int, text_dim: int, heads: int, grid: tuple[int, int]) -> None:
        super().__init__()
        if channels * grid[0] * grid[1] % text_dim:
            raise FilmError(
                f"{channels} channels on a grid of {grid[0]}x{grid[1]} don't cut into tokens {text_dim} wide"
            )
        self.text_dim, self.grid = text_dim, grid
        self.to_tokens = nn.Conv2d(channels, channels, 1)
        self.attention = PooledCrossAttention(text_dim, heads)
        self.from_tokens = nn.Conv2d(channels, channels, 1)
        self.from_tokens_activation = nn.PReLU()
        self.merge = nn.Conv2d(2 * channels, channels, 1)
        self.activation = nn.PReLU()

    def forward(self, features: Tensor, text: TextFeatures) -> Tensor:
        """(B, C, H, W) to the same."""
        tokens = self.to_tokens(F.interpolate(features, self.grid, mode="nearest")).contiguous()
        tokens = tokens.view(len(features), -1, self.text_dim)  # a token is D consecutive pixels of one channel
        guide = F.normalize(self.attention(text, tokens), p=1, dim=-1)
        guided = (tokens * guide.unsqueeze(1)).view(len(features), -1, *self.grid)
        return self._merge(features, guided)

    def _merge(self, features: Tensor, guided: Tensor) -> Tensor:
        """PReLU(merge[f, PReLU(from_tokens(guided)) + f]), the guided part computed on its own coarse grid.

        Convolutions of one pixel commute with nearest-neighbour resizing, and merge[f, g + f] is
        (left + right) f + right g for the two halves of its weight.
        """
        left, right = self.merge.weight.chunk(2, 1)
        coarse = F.conv2d(self.from_tokens_activation(self.from_tokens(guided)), right)
        fine = F.conv2d(features, left + right, self.merge.bias)
        return self.activation(fine + F.interpolate(coarse, features.shape[-2:], mode="nearest"))


class FilmStage(FusionStage):
    """One level of the released network: refine each source, then gate it by the text; no weights are shared.

    The first stage has no refinement: its convolution and Restormer block are the image encoder.

    Args:
        channels: Features per source.
        text_dim: Width of the words.
        index: Number of the stage, 0 first.
        heads: Attention heads of words and of the Restormer blocks.
        expansion: Width of the feed-forward networks, in multiples of `channels`.
        grid: Height and width of the token grid to which every image is resized.
        recompute: Keep less memory in training, for a third more time.
    """

    def __init__(
        self,
        *,
        channels: int,
        text_dim: int,
        index: int,
        heads: int = 8,
        expansion: int = 4,
        grid: tuple[int, int] = (288, 384),
        recompute: bool = False,
    ) -> None:
        super().__init__()
        self.refine_a, self.refine_b = (
            ConvRestormer(channels, channels, heads=heads, expansion=expansion, recompute=recompute)
            if index
            else nn.Identity()
            for _ in "ab"
        )
        self.gate_a, self.gate_b = (TextGate(channels, text_dim, heads, grid) for _ in "ab")

    def forward(self, a: Tensor, b: Tensor, text: TextFeatures) -> tuple[Tensor, Tensor]:
        """Features (B, C, H, W) of both sources and words (B, L, D) to the new features."""
        return self.gate_a(self.refine_a(a), text), self.gate_b(self.refine_b(b), text)

    @classmethod
    def tiny(cls, *, channels: int, text_dim: int, index: int) -> "FilmStage":
        """One head and a grid of a few tokens, as wide as the text."""
        return cls(channels=channels, text_dim=text_dim, index=index, heads=1, expansion=2, grid=(4, text_dim))
