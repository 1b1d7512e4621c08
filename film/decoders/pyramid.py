"""A decoder that blends the Laplacian pyramids of the sources with learned weights (idea: Burt and Adelson, 1983)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from film.decoders.base import Decoder
from film.errors import FilmError
from film.layers.pyramid import join, magnitude_around, split
from film.layers.regions import spread
from film.layers.silent import silent_linear
from film.layers.text import TextFeatures

_SILENT = 1e-3  # about a quarter of a grey level
_MAPS = 4  # preference, gain, offset and choosiness
_SAID = _MAPS + 1  # by the text as a whole: these and freedom
_SURE = 1.2  # a share above 0.92 is all of a source, below 0.08 nothing


class PyramidDecoder(Decoder):
    """Fuses level by level: D = g · (s A + (1 - s) B) + o, with share s, gain g and offset o for every coefficient.

    The share is sigmoid(p + k r): p and k come from the features, and r compares how much there is of both sources
    around, as the logarithm of the ratio of mean magnitudes in a window of 5x5. With p = 0 a large k takes the stronger
    coefficient, as pyramids are fused without learning; k = 0 leaves it to p. It is stretched by a fifth about 0.5 and
    clipped, so that a source can be taken as it is: a little of the other is some grey levels where they differ.

    The base of the pyramid is fused alike, and there the features know the mean of the whole image. Weights
    that vary slowly on coarse levels leave no halos and no seams; gains can sharpen, flatten and smooth.

    The text as a whole has its own say: it shifts all four maps of every level, in regions that it names otherwise than
    around them, so that a rule such as "take A" or "lift the base" needn't be written into features first. It also says
    how far gains may be from 1 and offsets from 0: a focus pair is to be chosen from, not added to.

    Args:
        channels: Features C per source.
        text_dim: Width of what the text says as a whole.
        stride: Pixels between neighbouring features, 1 or 2.
        hidden: Width of the layer between the text and the maps.
        levels: Number of detail levels; the base has 2^levels times fewer rows.
    """

    def __init__(self, *, channels: int, text_dim: int, stride: int = 1, hidden: int = 24, levels: int = 5) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise FilmError(f"the pyramid decoder reads features of stride 1 or 2, not {stride}")
        self.stride, self.levels = stride, levels
        width = 2 * channels
        self.finest = _head(width, stride**2)
        self.heads = nn.ModuleList(_head(width, 1) for _ in range(levels))
        self.narrow = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(levels + 1 - stride))
        self.overall = nn.Linear(width, width)
        maps = silent_linear(hidden, _SAID * (levels + 1))
        self.hear = nn.Sequential(nn.Linear(text_dim, hidden), nn.GELU(), maps)

    def forward(self, a: Tensor, b: Tensor, sources: tuple[Tensor, Tensor], text: TextFeatures) -> Tensor:
        """(B, C, h, w) features of either source, the sources (B, 1, H, W) and words (B, L, D) to (B, 1, H, W).

        In training the result may leave [0, 1], where clipping would stop the gradient.
        """
        features = torch.cat((a, b), 1)
        parts = [split(source, self.levels) for source in sources]
        said = text.summed()
        heard = self.hear(torch.stack((said.summary, said.plain)))
        shifts = heard.unflatten(-1, (self.levels + 1, _SAID)).unbind(2)
        fused = [
            _blend(of_a, of_b, maps, spread(shift[0], shift[1], said.regions, maps))
            for of_a, of_b, maps, shift in zip(*parts, self._maps(features), shifts, strict=True)
        ]
        image = join(fused)
        return image if self.training else image.clamp(0, 1)

    def _maps(self, features: Tensor) -> list[Tensor]:
        """Preference, gain, offset and choosiness of every level, finest first, each (B, 4, H', W')."""
        maps = [F.pixel_shuffle(self.finest(features), self.stride)]
        grids = [features] if self.stride == 2 else []  # of the second level, where the features already are
        for narrow in self.narrow:
            features = F.gelu(narrow(F.avg_pool2d(features, 2, ceil_mode=True)))
            grids.append(features)
        grids[-1] = features + self.overall(features.mean((2, 3)))[..., None, None]
        return maps + [head(grid) for head, grid in zip(self.heads, grids, strict=True)]


def _head(width: int, count: int) -> nn.Conv2d:
    """A convolution to the four maps of `count` coefficients; it begins with p = 0, g = 1, o = 0 and k = 1."""
    head = nn.Conv2d(width, _MAPS * count, 3, padding=1)
    nn.init.normal_(head.weight, std=1e-2)
    assert head.bias is not None
    with torch.no_grad():
        head.bias[:] = torch.tensor([0.0, 0, 0, 1]).repeat_interleave(count)
    return head


def _blend(a: Tensor, b: Tensor, maps: Tensor, said: Tensor) -> Tensor:
    heard = (maps + said[:, :_MAPS])[..., : a.shape[-2], : a.shape[-1]].to(a.dtype)
    preference, gain, offset, choosiness = heard.chunk(_MAPS, 1)
    freedom = 2 * said[:, _MAPS:, : a.shape[-2], : a.shape[-1]].to(a.dtype).sigmoid()
    share = torch.addcmul(preference, choosiness, _around(a).sub_(_around(b))).sigmoid()
    share = (_SURE * share - (_SURE - 1) / 2).clamp(0, 1)
    return 2 * (freedom * gain).sigmoid() * torch.lerp(b, a, share) + freedom * offset


def _around(part: Tensor) -> Tensor:
    """Logarithm of the mean magnitude in a window of 5x5 of (B, 1, H, W)."""
    return magnitude_around(part).add_(_SILENT).log_()
