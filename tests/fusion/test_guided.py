"""The guided stage: words change it as a whole and place by place, and it shows who listened to what."""

import pytest
import torch
from torch import nn

from film.checkpoint import build_network
from film.config import compose
from film.fusion.guided import GuidedStage, positions
from film.layers.text import TextFeatures


def stage(index: int) -> GuidedStage:
    torch.manual_seed(0)
    built = GuidedStage(channels=4, text_dim=6, index=index, hidden=16, places=(1,), cell=2, width=8, heads=2)
    for module in built.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.5)
    return built.eval()


@pytest.mark.parametrize("index", [0, 1])
def test_words_count_and_padding_does_not(index: int) -> None:
    a, b = torch.randn(2, 1, 4, 20, 24)
    text, other = (TextFeatures.unpadded(torch.randn(1, 3, 6)) for _ in range(2))
    first = stage(index)(a, b, text)[0]
    assert (first - stage(index)(a, b, other)[0]).abs().mean() > 1e-3
    torch.testing.assert_close(stage(index)(a, b, text.pad(7))[0], first)


def test_only_where_places_ask_does_the_effect_depend_on_the_place() -> None:
    """On flat features a text as a whole shifts every place alike; where places ask, by their position."""
    a, b = torch.ones(2, 1, 4, 20, 24)
    text, other = (TextFeatures.unpadded(torch.randn(1, 3, 6)) for _ in range(2))

    def spread(index: int) -> float:
        change = stage(index)(a, b, text)[0] - stage(index)(a, b, other)[0]
        return change[..., 2:-2, 2:-2].std((-2, -1)).mean().item()

    assert spread(0) < 1e-6 < 1e-3 < spread(1)


def test_positions_run_from_left_top_to_right_bottom() -> None:
    x, y = positions(torch.zeros(1, 3, 4, 5))[0]
    assert x[0].tolist() == pytest.approx([-0.8, -0.4, 0, 0.4, 0.8])
    assert y[:, 0].tolist() == pytest.approx([-0.75, -0.25, 0.25, 0.75])


def test_the_network_shows_which_places_listen_to_which_words() -> None:
    network = build_network(compose(["network/film_small.yaml"])["model"]["network"]).eval()
    a, b = torch.rand(2, 1, 1, 50, 70)
    text = TextFeatures.unpadded(torch.randn(1, 5, 385)).pad(7)
    fused, seen = network.watch(a, b, text)
    torch.testing.assert_close(fused, network(a, b, text))
    assert seen is not None
    assert seen.shape[:2] == (1, 7)
    assert (seen[:, 5:] == 0).all()
    assert (seen.sum(1) < 1).all()
    assert all(stage.seen is None for stage in network.stages)
