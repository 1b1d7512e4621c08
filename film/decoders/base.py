"""What every decoder promises."""

from abc import ABC, abstractmethod
from typing import Protocol

from torch import Tensor, nn


class Decoder(nn.Module, ABC):
    """Turns the features of both sources into the fused luminance."""

    @abstractmethod
    def forward(self, a: Tensor, b: Tensor, sources: tuple[Tensor, Tensor]) -> Tensor:
        """Decode.

        Args:
            a: (B, C, H, W) features of source A.
            b: (B, C, H, W) features of source B.
            sources: The images A and B themselves, each (B, 1, H, W) in [0, 1], for decoders that blend them.

        Returns:
            (B, 1, H, W) fused luminance, in [0, 1] in evaluation mode.
        """

    @classmethod
    def tiny(cls, *, channels: int) -> "Decoder":
        """Build an instance of a few weights, for tests."""
        return cls(channels=channels)


class DecoderFactory(Protocol):
    """Builds a decoder; the network knows the width, YAML gives the rest."""

    def __call__(self, *, channels: int) -> Decoder:
        """Build a decoder for `channels` features per source."""
        ...
