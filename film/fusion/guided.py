"""A fusion stage that the text guides twice: as a whole, and place by place."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from film.fusion.base import FusionStage
from film.layers.attention import TextAttention
from film.layers.exchange import Exchange
from film.layers.regions import inside, positions, spread
from film.layers.silent import silent_linear
from film.layers.text import Said, TextFeatures


class GuidedStage(FusionStage):
    """Dilated convolution over both sources, scaled and shifted by what the words say.

    The summary of the text scales and shifts each channel (FiLM layers: Perez et al., AAAI 2018), in regions that the
    text names otherwise than around them. In some stages the mean features of the image have a say in that, so that
    "bright" can mean bright for this image; and every cell of the image asks the words, with its features and its
    position, and the answer shifts the channels there: image-to-text cross-attention, with no grid that would fix the
    size of the image. The mean of the words is the summary of a text that no `film.layers.reader.TextReader` has read.

    Args:
        channels: Features C per source.
        text_dim: Width of the summary and of the words, see `film.layers.reader.TextReader`.
        index: Number of the stage, 0 first; picks its dilation.
        dilations: Dilation of each stage, in turn.
        hidden: Width of the layer between summary and scales.
        places: Numbers of the stages in which the image has a say, as a whole and place by place.
        cell: Side of a place, in features.
        width: Width of the attention to words.
        heads: Its heads.
    """

    def __init__(
        self,
        *,
        channels: int,
        text_dim: int,
        index: int,
        dilations: tuple[int, ...] = (1, 2, 4, 8, 4, 1),
        hidden: int = 64,
        places: tuple[int, ...] = (1, 3),
        cell: int = 4,
        width: int = 32,
        heads: int = 4,
    ) -> None:
        super().__init__()
        self.exchange = Exchange(channels, dilations[index % len(dilations)])
        self.hear = nn.Linear(text_dim, hidden)
        self.modulate = silent_linear(hidden, 4 * channels)
        asks = index in places
        self.overall = silent_linear(2 * channels, hidden) if asks else None
        self.places = Places(2 * channels, text_dim, cell=cell, width=width, heads=heads) if asks else None

    def forward(self, a: Tensor, b: Tensor, text: TextFeatures) -> tuple[Tensor, Tensor]:
        """Features (B, C, H, W) of both sources and a text of words (B, L, D) to the new features."""
        both = torch.cat((a, b), 1)
        scale, shift = self._modulation(both, text.summed())
        if self.places is not None:
            shift = shift + self.places(both, text)
            self.seen = self.places.weights(both, text) if self.watched else None
        return self.exchange(a, b, (scale, shift))

    def _modulation(self, both: Tensor, said: Said) -> tuple[Tensor, Tensor]:
        """Scale and shift of the channels, (B, 2C, 1, 1), or (B, 2C, H, W) if the text names regions."""
        heard = self.hear(torch.stack((said.summary, said.plain)))
        if self.overall is not None:
            heard = heard + self.overall(both.mean((2, 3)))
        asked, plain = self.modulate(F.gelu(heard))
        scale, shift = spread(asked, plain, said.regions, both).chunk(2, 1)
        return scale, shift


class Places(nn.Module):
    """Every cell of the image asks the text, with its features and its position, how to shift its channels.

    A sentence that asks for something in a region is heard there.

    Args:
        channels: Channels C of the features.
        text_dim: Width of the words.
        cell: Side of a cell, in features.
        width: Width of the attention.
        heads: Its heads.
    """

    def __init__(self, channels: int, text_dim: int, *, cell: int, width: int, heads: int) -> None:
        super().__init__()
        self.cell = cell
        self.look = TextAttention(channels + 2, text_dim, width=width, heads=heads)
        self.shift = silent_linear(width, channels)

    def forward(self, features: Tensor, text: TextFeatures) -> Tensor:
        """Features (B, C, H, W) and words (B, L, D) to the shift of each feature, (B, C, H, W)."""
        asked = self._questions(features)
        answers = self.shift(self.look(asked.flatten(2).mT, text, _reach(text, asked)))
        grid = answers.mT.unflatten(2, asked.shape[-2:])
        return F.interpolate(grid, features.shape[-2:], mode="bilinear", align_corners=False)

    def weights(self, features: Tensor, text: TextFeatures) -> Tensor:
        """How much each cell listens to each word, the mean of the heads: (B, L, h, w)."""
        asked = self._questions(features)
        weights = self.look.weights(asked.flatten(2).mT, text, _reach(text, asked))
        return weights.mean(1).mT.unflatten(2, asked.shape[-2:])

    def _questions(self, features: Tensor) -> Tensor:
        cells = F.avg_pool2d(features, self.cell, ceil_mode=True)
        return torch.cat([cells, positions(cells)], 1)


def _reach(text: TextFeatures, cells: Tensor) -> Tensor | None:
    """How far words (B, L, D) are meant for each of the cells (B, C, h, w), (B, h·w, L); None if all are for all."""
    where = text.summed().where
    return None if where is None else inside(where, cells).flatten(2).mT
