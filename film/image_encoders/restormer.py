"""The image encoder of FILM: a convolution and one Restormer block (Zhao et al., ICML 2024)."""

from torch import Tensor

from film.image_encoders.base import ImageEncoder
from film.layers.restormer import ConvRestormer


class RestormerEncoder(ImageEncoder):
    """A 3x3 convolution, PReLU and a Restormer block at full resolution.

    Args:
        channels: Number of output channels, a multiple of `heads`.
        heads: Number of attention heads.
        expansion: Width of the feed-forward network, in multiples of `channels`.
        recompute: Keep less memory in training, for a third more time.
    """

    def __init__(self, channels: int = 32, *, heads: int = 8, expansion: int = 4, recompute: bool = False) -> None:
        super().__init__()
        self.out_channels = channels
        self.body = ConvRestormer(1, channels, heads=heads, expansion=expansion, recompute=recompute)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 1, H, W) luminance in [0, 1] to (B, C, H, W) features."""
        return self.body(image)

    @classmethod
    def tiny(cls) -> "RestormerEncoder":
        """Eight channels in two heads."""
        return cls(8, heads=2, expansion=2)
