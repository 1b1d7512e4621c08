"""A small convolutional image encoder on a grid of half the resolution."""

import torch.nn.functional as F
from torch import Tensor, nn

from film.image_encoders.base import ImageEncoder


class StridedEncoder(ImageEncoder):
    """Blocks of pixels become channels, then 3x3 convolutions with GELU: nothing is lost but work.

    Args:
        channels: Number of output channels.
        layers: Number of convolutions.
        stride: Side of a block in pixels.
    """

    def __init__(self, channels: int = 24, *, layers: int = 2, stride: int = 2) -> None:
        super().__init__()
        self.out_channels, self.stride = channels, stride
        widths = [stride**2, *[channels] * (layers - 1)]
        self.body = nn.Sequential(
            *(nn.Sequential(nn.Conv2d(width, channels, 3, padding=1), nn.GELU()) for width in widths)
        )

    def forward(self, image: Tensor) -> Tensor:
        """(B, 1, H, W) luminance in [0, 1] to (B, C, ⌈H/s⌉, ⌈W/s⌉) features."""
        height, width = image.shape[-2:]
        padded = F.pad(image, (0, -width % self.stride, 0, -height % self.stride), mode="replicate")
        return self.body(F.pixel_unshuffle(padded, self.stride))
