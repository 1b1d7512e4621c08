"""The distance to the ideal image, where pairs are simulated and it is known."""

from torch import Tensor

from film.errors import FilmError
from film.losses.base import LossTerm


class Target(LossTerm):
    """Mean of |F - T| with T the ideal fused image; range 0 to 1.

    Args:
        weight: Factor in the total.
    """

    def forward(self, fused: Tensor, a: Tensor, b: Tensor, target: Tensor | None = None) -> Tensor:
        """(B, 1, H, W) images to a scalar.

        Raises:
            FilmError: The batch has no `target`.
        """
        if target is None:
            raise FilmError(
                "the loss compares with the ideal image, but the batch has no `target`: use simulated pairs, or leave "
                "the term film.losses.target.Target out"
            )
        return (fused - target).abs().mean()
