"""Edges of the sources must stand in the fused image (Zhao et al., ICML 2024, equation of the gradient loss)."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from film.losses.base import LossTerm
from film.metrics.base import sobel


def slope(image: Tensor) -> Tensor:
    """|Sobel_x| + |Sobel_y| of (B, 1, H, W), as (B, 1, H, W)."""
    across, down = sobel(image)
    return across.abs() + down.abs()


class Gradient(LossTerm):
    """Mean distance between the fused image's gradient and the stronger one of the sources.

    Args:
        compare: `magnitude` as released, | |∇F| - max(|∇A|, |∇B|) | with |∇x| = |Sobel_x| + |Sobel_y|, zeros around
            the images; or `vector`, |∇F - ∇S| with S the source of longer gradient at each place, which also fixes
            which side of an edge is bright, and leaves out the outermost pixels, where zeros would ask for a bright
            line along the border.
        weight: Factor in the total; FILM: 20 for infrared-visible, 300 for multi-exposure, 500 for multi-focus.
        tasks: Of which tasks pairs count, see `LossTerm`; null for all.
        asked: Whether pairs count whose text asks for something, see `LossTerm`; null for all.
    """

    def __init__(
        self,
        compare: Literal["magnitude", "vector"] = "magnitude",
        *,
        weight: float = 1.0,
        tasks: Sequence[str] | None = None,
        asked: bool | None = None,
    ) -> None:
        super().__init__(weight=weight, tasks=tasks, asked=asked)
        self.compare = compare

    def forward(self, fused: Tensor, a: Tensor, b: Tensor, target: Tensor | None = None) -> Tensor:
        """(B, 1, H, W) images to a scalar; `target` is not read."""
        if self.compare == "magnitude":
            return (slope(fused) - torch.maximum(slope(a), slope(b))).abs().mean()
        of_fused, of_a, of_b = (torch.cat(sobel(image), 1)[..., 1:-1, 1:-1] for image in (fused, a, b))
        stronger = torch.where(of_a.square().sum(1, keepdim=True) >= of_b.square().sum(1, keepdim=True), of_a, of_b)
        return (of_fused - stronger).abs().mean()
