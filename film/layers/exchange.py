"""A convolution over the features of both sources at once."""

import torch
from torch import Tensor, nn


class Exchange(nn.Module):
    """Residual dilated 3x3 convolution that sees both sources, each keeping its own half of the channels.

    Args:
        channels: Features C per source.
        dilation: Pixels between the taps of the convolution.
    """

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2 * channels, 2 * channels, 3, padding=dilation, dilation=dilation)
        self.activation = nn.GELU()

    def forward(self, a: Tensor, b: Tensor, modulation: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Features of A and B, each (B, C, H, W), to the new ones.

        Args:
            a: Features of source A.
            b: Features of source B.
            modulation: Scale and shift of the 2C convolved channels, each (B, 2C, 1, 1).
        """
        both = torch.cat((a, b), 1)
        mixed = self.conv(both)
        in_place = not torch.is_grad_enabled()  # of large images, allocating is what takes the time
        if modulation is not None:
            scale, shift = modulation
            mixed = mixed.mul_(1 + scale).add_(shift) if in_place else torch.addcmul(shift, mixed, 1 + scale)
        change = self.activation(mixed)
        both = both.add_(change) if in_place else both + change
        new_a, new_b = both.chunk(2, 1)
        return new_a, new_b
