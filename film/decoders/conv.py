"""Small convolutional decoders."""

import torch
from torch import Tensor, nn

from film.decoders.base import Decoder
from film.layers.grid import to_size
from film.layers.text import TextFeatures


class ConvDecoder(Decoder):
    """Two 3x3 convolutions and a sigmoid.

    Args:
        channels: Features per source.
        text_dim: Not used: the words have done their work.
        stride: Not used: the features are brought to the size of the sources.
    """

    def __init__(self, *, channels: int, text_dim: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(2 * channels, channels, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(channels, 1, 3, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, a: Tensor, b: Tensor, sources: tuple[Tensor, Tensor], text: TextFeatures) -> Tensor:
        """(B, C, h, w) features of either source to (B, 1, H, W) in (0, 1); the sources themselves are not used."""
        return self.body(to_size(torch.cat((a, b), 1), sources[0]))


class BlendDecoder(Decoder):
    """Blends the sources themselves, with a weight per pixel, and adds what a blend cannot give.

    Args:
        channels: Features per source.
        text_dim: Not used: the words have done their work.
        stride: Not used: the features are brought to the size of the sources.
    """

    def __init__(self, *, channels: int, text_dim: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Conv2d(2 * channels, 2, 3, padding=1)

    def forward(self, a: Tensor, b: Tensor, sources: tuple[Tensor, Tensor], text: TextFeatures) -> Tensor:
        """(B, C, h, w) features of either source and the sources (B, 1, H, W) to (B, 1, H, W).

        In training the result may leave [0, 1], where clipping would stop the gradient.
        """
        weight, detail = self.body(to_size(torch.cat((a, b), 1), sources[0])).chunk(2, 1)
        fused = torch.lerp(sources[1], sources[0], weight.sigmoid().to(sources[0].dtype)) + detail
        return fused if self.training else fused.clamp(0, 1)
