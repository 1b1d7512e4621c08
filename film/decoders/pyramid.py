"""A decoder that blends the Laplacian pyramids of the sources with learned weights (idea: Burt and Adelson, 1983)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from film.decoders.base import Decoder
from film.errors import FilmError
from film.layers.pyramid import join, split


class PyramidDecoder(Decoder):
    """Fuses level by level: D = g · (s A + (1 - s) B) + o, with share s, gain g and offset o for every coefficient.

    The base of the pyramid is fused alike, and there the features know the mean of the whole image. Weights that vary
    slowly on coarse levels leave no halos and no seams; gains can sharpen, flatten and smooth.

    Args:
        channels: Features C per source.
        stride: Pixels between neighbouring features, 1 or 2.
        levels: Number of detail levels; the base has 2^levels times fewer rows.
    """

    def __init__(self, *, channels: int, stride: int = 1, levels: int = 5) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise FilmError(f"the pyramid decoder reads features of stride 1 or 2, not {stride}")
        self.stride, self.levels = stride, levels
        width = 2 * channels
        self.finest = _head(width, 3 * stride**2)
        self.heads = nn.ModuleList(_head(width, 3) for _ in range(levels))
        self.narrow = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(levels + 1 - stride))
        self.overall = nn.Linear(width, width)

    def forward(self, a: Tensor, b: Tensor, sources: tuple[Tensor, Tensor]) -> Tensor:
        """(B, C, h, w) features of either source and the sources (B, 1, H, W) to (B, 1, H, W).

        In training the result may leave [0, 1], where clipping would stop the gradient.
        """
        features = torch.cat((a, b), 1)
        parts = [split(source, self.levels) for source in sources]
        maps = self._maps(features)
        fused = [_blend(of_a, of_b, level) for of_a, of_b, level in zip(*parts, maps, strict=True)]
        image = join(fused)
        return image if self.training else image.clamp(0, 1)

    def _maps(self, features: Tensor) -> list[Tensor]:
        """Share, gain and offset of every level, finest first, each (B, 3, H', W')."""
        maps = [F.pixel_shuffle(self.finest(features), self.stride)]
        grids = [features] if self.stride == 2 else []  # of the second level, where the features already are
        for narrow in self.narrow:
            features = F.gelu(narrow(F.avg_pool2d(features, 2, ceil_mode=True)))
            grids.append(features)
        grids[-1] = features + self.overall(features.mean((2, 3)))[..., None, None]
        return maps + [head(grid) for head, grid in zip(self.heads, grids, strict=True)]


def _head(width: int, channels: int) -> nn.Conv2d:
    """A convolution that begins with equal shares, gain one and no offset."""
    head = nn.Conv2d(width, channels, 3, padding=1)
    nn.init.normal_(head.weight, std=1e-2)
    nn.init.zeros_(head.bias)  # type: ignore[arg-type]
    return head


def _blend(a: Tensor, b: Tensor, maps: Tensor) -> Tensor:
    share, gain, offset = maps[..., : a.shape[-2], : a.shape[-1]].to(a.dtype).chunk(3, 1)
    return 2 * gain.sigmoid() * torch.lerp(b, a, share.sigmoid()) + offset
