"""What every term of the loss promises, and their weighted sum."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from film.errors import FilmError

TOTAL = "loss"


class LossTerm(nn.Module, ABC):
    """One term: compares the fused image with its sources, or with the ideal image where there is one.

    A term is a mean over the batch unless it says otherwise, so that two processes with n pairs each and one with 2n
    take the same step.

    Args:
        weight: What it is multiplied with in the total; 0 only logs it.
    """

    def __init__(self, *, weight: float = 1.0) -> None:
        super().__init__()
        if weight < 0:
            raise FilmError(f"weight {weight:g} of {type(self).__name__} is negative; 0 leaves a term out of the total")
        self.weight = weight

    @abstractmethod
    def forward(self, fused: Tensor, a: Tensor, b: Tensor, target: Tensor | None = None) -> Tensor:
        """Measure.

        Args:
            fused: (B, 1, H, W) fused luminance, about [0, 1].
            a: (B, 1, H, W) source A in [0, 1].
            b: (B, 1, H, W) source B in [0, 1].
            target: (B, 1, H, W) the ideal fused image, for simulated pairs.

        Returns:
            A scalar, not yet multiplied with `weight`.
        """

    @classmethod
    def tiny(cls) -> "LossTerm":
        """Build an instance for tests."""
        return cls()


class TotalLoss(nn.Module):
    """The weighted sum of named terms, always in float32.

    Args:
        terms: The terms by the names they have in logs.

    Raises:
        FilmError: There is no term, or one has a name that can't be logged.
    """

    def __init__(self, terms: Mapping[str, LossTerm]) -> None:
        super().__init__()
        if not terms:
            raise FilmError("the loss has no term; extend one of loss/{ivf,mif,mef,mff}.yaml, or name terms under loss")
        for name in terms:
            if not name.isidentifier() or name == TOTAL:
                raise FilmError(f"a loss term can't be called {name!r}; take a word of letters, digits and _")
        self.terms = nn.ModuleDict(terms)

    def forward(self, fused: Tensor, a: Tensor, b: Tensor, target: Tensor | None = None) -> dict[str, Tensor]:
        """Measure all terms, see `LossTerm.forward`.

        Returns:
            The terms by name, unweighted and detached, and under `loss` their weighted sum.
        """
        with torch.autocast(fused.device.type, enabled=False):
            images = (fused.float(), a.float(), b.float(), None if target is None else target.float())
            values = {name: term(*images) for name, term in self.terms.items()}
        total = torch.stack([self.terms[name].weight * value for name, value in values.items()]).sum()
        return {TOTAL: total} | {name: value.detach() for name, value in values.items()}
