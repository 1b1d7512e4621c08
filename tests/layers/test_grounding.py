"""Whether places listen to the words about them."""

import math

import pytest
import torch

from film.layers.grounding import grounding


def place(*columns: int) -> torch.Tensor:
    """(1, 1, 16, 16), 1 in some columns of four pixels."""
    where = torch.zeros(1, 1, 16, 4)
    where[..., list(columns)] = 1.0
    return where.repeat_interleave(4, -1)


def test_it_says_how_often_the_place_is_found() -> None:
    """By chance a quarter of the attention falls into one of four columns."""
    even, found = torch.full((1, 1, 4, 4), 0.1), torch.zeros(1, 1, 4, 4)
    found[..., 2] = 0.3
    pointing = torch.ones(1, 1)
    assert grounding(even, pointing, place(2)).item() == pytest.approx(0, abs=1e-6)
    assert grounding(found, pointing, place(2)).item() == pytest.approx(-math.log(4))
    assert grounding(even + found, pointing, place(2)).item() == pytest.approx(-math.log(0.4 / 0.7 * 4))
    assert grounding(found, pointing, place(0)).item() > 5


def test_only_words_that_point_count_and_pairs_with_a_place() -> None:
    found, elsewhere = torch.zeros(2, 1, 1, 4, 4)
    found[..., 2], elsewhere[..., 0] = 0.3, 0.6
    attention = torch.cat([found, elsewhere], 1)
    assert grounding(attention, torch.tensor([[1.0, 0.0]]), place(2)).item() == pytest.approx(-math.log(4))
    half = grounding(attention, torch.tensor([[1.0, 0.5]]), place(2))
    assert half.item() == pytest.approx(-math.log(2))
    silent = torch.zeros(1, 2)
    assert grounding(attention, silent, place(2)).item() == 0
    assert grounding(attention, torch.ones(1, 2), place()).item() == 0
    both = grounding(attention.expand(2, -1, -1, -1), torch.tensor([[1.0, 0.0]] * 2), torch.cat([place(2), place()]))
    assert both.item() == pytest.approx(-math.log(4) / 2)


def test_attention_learns_from_it() -> None:
    scores = torch.zeros(1, 1, 4, 4, requires_grad=True)
    grounding(scores.sigmoid(), torch.ones(1, 1), place(1)).backward()
    assert scores.grad is not None
    assert (scores.grad[..., 1] < 0).all()
    assert (scores.grad[..., [0, 2, 3]] > 0).all()
