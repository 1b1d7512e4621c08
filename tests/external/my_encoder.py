"""An image encoder in a file of one's own."""

from torch import Tensor, nn

from film.image_encoders.base import ImageEncoder


class MyEncoder(ImageEncoder):
    """Two dilated convolutions.

    Args:
        channels: Number of output channels.
        dilation: Distance between the taps of the second convolution, in pixels.
    """

    def __init__(self, channels: int = 16, *, dilation: int = 2) -> None:
        super().__init__()
        self.out_channels = channels
        self.body = nn.Sequential(
            nn.Conv2d(1, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation),
        )

    def forward(self, image: Tensor) -> Tensor:
        """(B, 1, H, W) luminance in [0, 1] to (B, C, H, W) features."""
        return self.body(image)
