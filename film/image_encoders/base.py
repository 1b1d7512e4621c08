"""What every image encoder promises."""

from abc import ABC, abstractmethod
from typing import Protocol

from torch import Tensor, nn


class ImageEncoder(nn.Module, ABC):
    """Turns one luminance image into features, one for each pixel or each block of pixels.

    Any size from 16x16 up must work, odd ones too; an incomplete block counts as one. Every subclass sets
    `out_channels`; the network reads it and `stride`, so neither is written twice.

    Attributes:
        out_channels: Number C of feature channels.
        stride: Side s of a block in pixels.
    """

    out_channels: int
    stride: int = 1

    @abstractmethod
    def forward(self, image: Tensor) -> Tensor:
        """Encode.

        Args:
            image: (B, 1, H, W) luminance in [0, 1].

        Returns:
            (B, C, ⌈H/s⌉, ⌈W/s⌉) features.
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
