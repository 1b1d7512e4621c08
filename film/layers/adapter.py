"""Small changes of a large frozen model."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

import torch
from safetensors.torch import save
from torch import Tensor, nn

from film.errors import FilmError


class LowRankAdapter(nn.Module):
    """Adds a product of two thin matrices to some weights of a model, W + BA (LoRA: Hu et al., ICLR 2022).

    It changes nothing before it is trained. The model keeps its own weights.

    Args:
        shapes: (out, in) of each kind of linear layer; all blocks of the model have the same.
        blocks: How many there are.
        rank: Rows of A and columns of B.
        name: The name in the model of the layer of a kind in a block.

    Raises:
        FilmError: The rank isn't positive.
    """

    def __init__(
        self, shapes: Mapping[str, tuple[int, int]], *, blocks: int, rank: int, name: Callable[[int, str], str]
    ) -> None:
        super().__init__()
        if rank < 1:
            raise FilmError(f"the rank of an adapter must be at least 1, not {rank}")
        self.name = name
        self.inward = nn.ParameterDict(
            {kind: torch.randn(blocks, rank, width) / width**0.5 for kind, (_, width) in shapes.items()}
        )
        self.outward = nn.ParameterDict({kind: torch.zeros(blocks, width, rank) for kind, (width, _) in shapes.items()})

    @property
    def is_learning(self) -> bool:
        """Whether what the model computes now is computed for the adapter's training."""
        return self.training and torch.is_grad_enabled() and any(weight.requires_grad for weight in self.parameters())

    def digest(self) -> str:
        """Tell its weights from those of others: `sha256:` and their hash."""
        weights = save({name: weight.cpu() for name, weight in self.state_dict().items()})
        return f"sha256:{hashlib.sha256(weights).hexdigest()}"

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[None]:
        """Within it the model computes with the changed weights, on its device."""
        with ExitStack() as applied:
            for kind, inward in self.inward.items():
                for block, change in enumerate(zip(inward, self.outward[kind], strict=True)):
                    layer = model.get_submodule(self.name(block, kind))
                    applied.enter_context(layer.register_forward_hook(_adding(*change)))
            yield


def _adding(inward: Tensor, outward: Tensor) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
    def add(layer: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> Tensor:
        (x,) = given
        return output + x @ inward.to(x).T @ outward.to(x).T

    return add
