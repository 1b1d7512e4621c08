"""The decoder of FILM: three Restormer blocks (Zhao et al., ICML 2024)."""

from functools import partial

import torch
from torch import Tensor, nn

from film.decoders.base import Decoder
from film.layers.restormer import RestormerBlock


class RestormerDecoder(Decoder):
    """Restormer on the features of both sources, reduced to one source's width, two more, and a sigmoid.

    Args:
        channels: Features per source, a multiple of `heads`.
        heads: Number of attention heads.
        expansion: Width of the feed-forward networks, in multiples of their channels.
        recompute: Keep less memory in training, for a third more time.
    """

    def __init__(self, *, channels: int, heads: int = 8, expansion: int = 4, recompute: bool = False) -> None:
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

    def forward(self, a: Tensor, b: Tensor, sources: tuple[Tensor, Tensor]) -> Tensor:
        """(B, C, H, W) features of either source to (B, 1, H, W) in (0, 1); the sources themselves are not used."""
        return self.body(torch.cat((a, b), 1))

    @classmethod
    def tiny(cls, *, channels: int) -> "RestormerDecoder":
        """One head."""
        return cls(channels=channels, heads=1, expansion=2)
