"""A fusion stage modulated by the text as a whole (FiLM layers: Perez et al., AAAI 2018, arXiv 1709.07871)."""

from torch import Tensor, nn

from film.fusion.base import FusionStage
from film.layers.exchange import Exchange
from film.layers.text import TextFeatures


class ModulationStage(FusionStage):
    """Dilated convolution over both sources; the mean of the words scales and shifts each of its channels.

    Args:
        channels: Features per source.
        text_dim: Width of the words.
        index: Number of the stage, 0 first; picks its dilation.
        dilations: Dilation of each stage, in turn.
        hidden: Width of the layer between words and scales.
    """

    def __init__(
        self,
        *,
        channels: int,
        text_dim: int,
        index: int,
        dilations: tuple[int, ...] = (1, 2, 4, 8, 4, 1),
        hidden: int = 64,
    ) -> None:
        super().__init__()
        self.exchange = Exchange(channels, dilations[index % len(dilations)])
        self.modulate = nn.Sequential(
            nn.LayerNorm(text_dim), nn.Linear(text_dim, hidden), nn.GELU(), nn.Linear(hidden, 4 * channels)
        )

    def forward(self, a: Tensor, b: Tensor, text: TextFeatures) -> tuple[Tensor, Tensor]:
        """Features (B, C, H, W) of both sources and words (B, L, D) to the new features."""
        scale, shift = self.modulate(text.mean())[..., None, None].chunk(2, 1)
        return self.exchange(a, b, (scale, shift))
