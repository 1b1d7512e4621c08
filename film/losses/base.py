"""What every term of the loss promises, and their weighted sum."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from film.errors import FilmError
from film.tasks import TASKS

TOTAL = "loss"


class LossTerm(nn.Module, ABC):
    """One term: compares the fused image with its sources, or with the ideal image where there is one.

    A term is a mean over the batch unless it says otherwise, so that two processes with n pairs each and one with 2n
    take the same step.

    Args:
        weight: What it is multiplied with in the total; 0 only logs it.
        tasks: Of which tasks pairs count, keys of `film.tasks`; the others are 0 in the mean. Null for all.
        asked: True if only pairs count whose text asks for more than the rule of their task, False if only the others
            do. Null for all.
    """

    def __init__(self, *, weight: float = 1.0, tasks: Sequence[str] | None = None, asked: bool | None = None) -> None:
        super().__init__()
        if weight < 0:
            raise FilmError(f"weight {weight:g} of {type(self).__name__} is negative; 0 leaves a term out of the total")
        if unknown := set(tasks or ()) - set(TASKS):
            raise FilmError(f"unknown task {min(unknown)!r} of a loss term; choose from {', '.join(TASKS)}")
        self.weight, self.tasks, self.asked = weight, tasks, asked

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

    def forward(
        self,
        fused: Tensor,
        a: Tensor,
        b: Tensor,
        target: Tensor | None = None,
        *,
        tasks: Sequence[str] | None = None,
        asked: Sequence[bool] | None = None,
    ) -> dict[str, Tensor]:
        """Measure all terms, see `LossTerm.forward`.

        Args:
            fused: As there.
            a: As there.
            b: As there.
            target: As there.
            tasks: The task of each pair, for terms that count for some tasks only.
            asked: Whether the text of each pair asks for more than the rule of its task, for terms to which it matters.

        Returns:
            The terms by name, unweighted and detached, and under `loss` their weighted sum.

        Raises:
            FilmError: A term counts for some pairs only, and it isn't known for which.
        """
        with torch.autocast(fused.device.type, enabled=False):
            images = (fused.float(), a.float(), b.float(), None if target is None else target.float())
            values = {name: self._value(name, images, tasks, asked) for name in self.terms}
        total = torch.stack([cast(LossTerm, self.terms[name]).weight * value for name, value in values.items()]).sum()
        return {TOTAL: total} | {name: value.detach() for name, value in values.items()}

    def _value(
        self,
        name: str,
        images: tuple[Tensor, Tensor, Tensor, Tensor | None],
        tasks: Sequence[str] | None,
        asked: Sequence[bool] | None,
    ) -> Tensor:
        term = cast(LossTerm, self.terms[name])
        pairs = len(images[0])
        rows = list(range(pairs))
        for key, wanted, given in (
            ("task", term.tasks, tasks),
            ("asked", None if term.asked is None else (term.asked,), asked),
        ):
            if wanted is None:
                continue
            if given is None:
                raise FilmError(f"the loss term {name} counts for some pairs only, but the batch doesn't say `{key}`")
            rows = [row for row in rows if given[row] in wanted]
        if len(rows) == pairs:
            return term(*images)
        if not rows:
            return images[0].sum() * 0
        return term(*(image if image is None else image[rows] for image in images)) * len(rows) / pairs
