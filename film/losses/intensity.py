"""How bright the fused image should be (Zhao et al., ICML 2024, equation of the intensity loss)."""

from typing import Literal

import torch
from torch import Tensor

from film.errors import FilmError
from film.losses.base import LossTerm

_EXPOSEDNESS_SIGMA = 0.2  # Mertens et al., Pacific Graphics 2007


def intensity_target(a: Tensor, b: Tensor, rule: str, *, share: float = 0.5) -> Tensor:
    """Combine two sources pixel by pixel.

    Args:
        a: (B, 1, H, W) in [0, 1].
        b: (B, 1, H, W) in [0, 1].
        rule: `max`; `mean`; `weighted`, share · A + (1 - share) · B; or `well_exposed`, where each source counts the
            more the nearer to mid-grey it is (Mertens et al., 2007).
        share: Share of A in `weighted`.

    Returns:
        (B, 1, H, W) in [0, 1].
    """
    if rule == "max":
        return torch.maximum(a, b)
    if rule == "well_exposed":
        weight_a, weight_b = (torch.exp(-((x - 0.5) ** 2) / (2 * _EXPOSEDNESS_SIGMA**2)) + 1e-6 for x in (a, b))
        return (weight_a * a + weight_b * b) / (weight_a + weight_b)
    return torch.lerp(b, a, share if rule == "weighted" else 0.5)


class Intensity(LossTerm):
    """Mean of |F - I*|: the fused image is as bright as a simple combination of its sources.

    Range 0 to 1 for images in [0, 1].

    Args:
        target: How I* combines A and B, see `intensity_target`. FILM takes `max` for infrared-visible and multi-focus,
            `mean` for multi-exposure.
        share: Share of A in I* for `weighted`, 0 to 1.
        weight: Factor in the total.
    """

    def __init__(
        self,
        target: Literal["max", "mean", "weighted", "well_exposed"] = "max",
        *,
        share: float = 0.5,
        weight: float = 1.0,
    ) -> None:
        super().__init__(weight=weight)
        if not 0 <= share <= 1:
            raise FilmError(f"share {share:g} of source A must be between 0 and 1")
        self.target, self.share = target, share

    def forward(self, fused: Tensor, a: Tensor, b: Tensor, target: Tensor | None = None) -> Tensor:
        """(B, 1, H, W) images to a scalar; `target` is not read."""
        return (fused - intensity_target(a, b, self.target, share=self.share)).abs().mean()
