"""A small convolutional image encoder."""

from itertools import pairwise

from torch import Tensor, nn

from film.image_encoders.base import ImageEncoder


class ConvEncoder(ImageEncoder):
    """3x3 convolutions with GELU at full resolution.

    Args:
        channels: Number of output channels.
        layers: Number of convolutions.
    """

    def __init__(self, channels: int = 16, *, layers: int = 2) -> None:
        super().__init__()
        self.out_channels = channels
        widths = [1, *[channels] * layers]
        self.body = nn.Sequential(
            *(nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.GELU()) for before, after in pairwise(widths))
        )

    def forward(self, image: Tensor) -> Tensor:
        """(B, 1, H, W) luminance in [0, 1] to (B, C, H, W) features."""
        return self.body(image)
