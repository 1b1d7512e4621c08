"""What every decoder promises."""

from abc import ABC, abstractmethod
from typing import Protocol

from torch import Tensor, nn

from film.layers.text import TextFeatures


class Decoder(nn.Module, ABC):
    """Turns the features of both sources into the fused luminance."""

    @abstractmethod
    def forward(self, a: Tensor, b: Tensor, sources: tuple[Tensor, Tensor], text: TextFeatures) -> Tensor:
        """Decode.

        Args:
            a: (B, C, h, w) features of source A, h = ⌈H / stride⌉ and w alike.
            b: (B, C, h, w) features of source B.
            sources: The images A and B themselves, each (B, 1, H, W) in [0, 1], for decoders that blend them.
            text: The words (B, L, D), as the fusion stages hear them, for decoders that listen to them.

        Returns:
            (B, 1, H, W) fused luminance, in [0, 1] in evaluation mode.
        """

    @classmethod
    def tiny(cls, *, channels: int, text_dim: int, stride: int = 1) -> "Decoder":
        """Build an instance of a few weights, for tests."""
        return cls(channels=channels, text_dim=text_dim, stride=stride)


class DecoderFactory(Protocol):
    """Builds a decoder; the network knows widths and stride, YAML gives the rest."""

    def __call__(self, *, channels: int, text_dim: int, stride: int) -> Decoder:
        """Build a decoder for `channels` features per source, `stride` pixels from one to the next."""
        ...
