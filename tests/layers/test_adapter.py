"""Low-rank adapters: nothing at first, then a change that belongs to the adapter alone."""

import pytest
import torch
from torch import nn

from film.errors import FilmError
from film.layers.adapter import LowRankAdapter
from film.text_encoders.minilm import MiniLM


def adapter() -> LowRankAdapter:
    return LowRankAdapter({"linear": (6, 6)}, blocks=2, rank=2, name=lambda block, kind: f"{2 * block}")


def model() -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6)).requires_grad_(requires_grad=False)


def test_a_rank_is_positive() -> None:
    with pytest.raises(FilmError, match="at least 1, not -3"):
        MiniLM(adapter_rank=-3)


def test_it_begins_as_the_model_is_and_goes_when_it_is_done() -> None:
    frozen, small, x = model(), adapter(), torch.randn(3, 6)
    plain = frozen(x)
    with small.applied(frozen):
        torch.testing.assert_close(frozen(x), plain)
    nn.init.normal_(small.outward["linear"])
    with small.applied(frozen):
        assert not torch.allclose(frozen(x), plain, atol=1e-3)
    assert torch.equal(frozen(x), plain)


def test_it_is_a_change_of_the_weights_learnt_by_the_adapter_alone() -> None:
    frozen, small, x = model(), adapter(), torch.randn(3, 6)
    nn.init.normal_(small.outward["linear"])
    with small.applied(frozen):
        adapted = frozen(x)
    adapted.sum().backward()
    assert all(weight.grad is not None for weight in small.parameters())
    for place, change in zip((0, 2), small.outward["linear"] @ small.inward["linear"], strict=True):
        frozen.get_submodule(str(place)).weight.data += change.detach()
    torch.testing.assert_close(frozen(x), adapted.detach())


def test_it_learns_only_in_training() -> None:
    small = adapter()
    assert small.is_learning
    with torch.no_grad():
        assert not small.is_learning
    assert not small.eval().is_learning
    assert not small.train().requires_grad_(requires_grad=False).is_learning
