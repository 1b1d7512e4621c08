"""The decoder of FILM: three Restormer blocks (Zhao et al., ICML 2024)."""

from functools import partial

import torch
from torch import Tensor, nn

from film.decoders.base import Decoder
from film.layers.grid import to_size
from film.layers.restormer import RestormerBlock
from film.layers.text import TextFeatures


class RestormerDecoder(Decoder):
    """Restormer on the features of both sources, reduced to one source's width, two more, and a sigmoid.

    Args:
        channels: Features per source, a multiple of `heads`.
        text_dim: Not used: the words have done their work.
        stride: Not used: the features are brought to the size of the sources.
        heads: Number of attention heads.
        expansion: Width of the feed-forward networks, in multiples of their channels.
        recompute: Keep less memory in training, for a third more time.
    """

    def __init__(
        self,
        *,
        channels: int,
        text_dim: int,
        stride: int = 1,
        heads: int = 8,
        expansion: int = 4,
        recompute: bool = False,
    ) -> None:
        super().__init__()
        block = partial(RestormerBlock, heads=heads, expansion=expansion, recompute=recompute)
        self.body = nn.Sequential(
            block(2 * channels),
            nn.Conv2d(2 * channels, channels, 1),
            block(channels),
            block(channels),
            nn.Conv2d(channels, 1, 1),
            nn.Sigmoid(),
        )

    def forward(self, a: Tensor, b: Tensor, sources: tuple[Tensor, Tensor], text: TextFeatures) -> Tensor:
        """(B, C, h, w) features of either source to (B, 1, H, W) in (0, 1); the sources themselves are not used."""
        return self.body(to_size(torch.cat((a, b), 1), sources[0]))

    @classmethod
    def tiny(cls, *, channels: int, text_dim: int, stride: int = 1) -> "RestormerDecoder":
        """One head."""
        return cls(channels=channels, text_dim=text_dim, stride=stride, heads=1, expansion=2)
