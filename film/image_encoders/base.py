"""What every image encoder promises."""

from abc import ABC, abstractmethod
from typing import Protocol

from torch import Tensor, nn


class ImageEncoder(nn.Module, ABC):
    """Turns one luminance image into features of the same height and width.

    Any size from 16x16 up must work, odd ones too; an encoder that works on a coarser grid brings its features
    back to full resolution. Every subclass sets `out_channels`; the network reads it, so no width is written twice.

    Attributes:
        out_channels: Number C of feature channels.
    """

    out_channels: int

    @abstractmethod
    def forward(self, image: Tensor) -> Tensor:
        """Encode.

        Args:
            image: (B, 1, H, W) luminance in [0, 1].

        Returns:
            (B, C, H, W) features.
        """

    @classmethod
    def tiny(cls) -> "ImageEncoder":
        """Build an instance of a few weights, for tests."""
        return cls()


class ImageEncoderFactory(Protocol):
    """Builds an image encoder; called once if both sources share it and twice if not."""

    def __call__(self) -> ImageEncoder:
        """Build an encoder."""
        ...
