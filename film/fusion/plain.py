"""A fusion stage without text, for ablations."""

from torch import Tensor

from film.fusion.base import FusionStage
from film.layers.exchange import Exchange
from film.layers.text import TextFeatures


class PlainStage(FusionStage):
    """Dilated convolution over both sources; the text is not read.

    Args:
        channels: Features per source.
        text_dim: Not used.
        index: Number of the stage, 0 first; picks its dilation.
        dilations: Dilation of each stage, in turn.
    """

    def __init__(
        self, *, channels: int, text_dim: int, index: int, dilations: tuple[int, ...] = (1, 2, 4, 8, 4, 1)
    ) -> None:
        super().__init__()
        self.exchange = Exchange(channels, dilations[index % len(dilations)])

    def forward(self, a: Tensor, b: Tensor, text: TextFeatures) -> tuple[Tensor, Tensor]:
        """Features (B, C, H, W) of both sources to the new ones."""
        return self.exchange(a, b)
