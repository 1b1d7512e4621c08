"""The guided stage: words change it as a whole, in regions, and place by place, and it shows who listened to what."""

import pytest
import torch
from torch import Tensor, nn

from film.checkpoint import build_network
from film.concepts import REGIONS
from film.config import compose
from film.fusion.guided import GuidedStage
from film.layers.text import Said, TextFeatures


def stage(index: int) -> GuidedStage:
    torch.manual_seed(0)
    built = GuidedStage(channels=4, text_dim=6, index=index, hidden=16, places=(1,), cell=2, width=8, heads=2)
    for module in built.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.5)
    return built.eval()


def read(regions: Tensor | None = None) -> TextFeatures:
    """Three words that say something."""
    text = TextFeatures.unpadded(torch.randn(1, 3, 6))
    return text._replace(said=Said(torch.randn(1, 6), torch.randn(1, 6), regions))


@pytest.mark.parametrize("index", [0, 1])
def test_words_count_and_padding_does_not(index: int) -> None:
    a, b = torch.randn(2, 1, 4, 20, 24)
    text, other = read(), read()
    first = stage(index)(a, b, text)[0]
    assert (first - stage(index)(a, b, other)[0]).abs().mean() > 1e-3
    torch.testing.assert_close(stage(index)(a, b, text.pad(7)._replace(said=text.said))[0], first)


def test_only_where_places_ask_does_the_effect_depend_on_the_place() -> None:
    """On flat features a text as a whole shifts every place alike; where places ask, by their position."""
    a, b = torch.ones(2, 1, 4, 20, 24)
    text, other = read(), read()

    def spread(index: int) -> float:
        change = stage(index)(a, b, text)[0] - stage(index)(a, b, other)[0]
        return change[..., 2:-2, 2:-2].std((-2, -1)).mean().item()

    assert spread(0) < 1e-6 < 1e-3 < spread(1)


@pytest.mark.parametrize("region", ["left", "bottom"])
def test_what_is_asked_holds_in_the_region_that_is_named(region: str) -> None:
    """Inside as if it was asked for everywhere, outside as if nothing was asked for."""
    a, b = torch.ones(2, 1, 4, 40, 40)
    text = read(torch.tensor([[1.0 if name == region else 0.0 for name in REGIONS]]))
    assert text.said is not None
    everywhere = text._replace(said=text.said._replace(regions=None))
    nowhere = text._replace(said=Said(text.said.plain, text.said.plain, None))
    local, asked, plain = (stage(0)(a, b, words)[0] for words in (text, everywhere, nowhere))
    low, high = (..., slice(0, 5)), (..., slice(-5, None))
    inside, outside = (low, high) if region == "left" else ((*high, slice(None)), (*low, slice(None)))
    torch.testing.assert_close(local[inside], asked[inside], atol=1e-2, rtol=0)
    torch.testing.assert_close(local[outside], plain[outside], atol=1e-2, rtol=0)
    assert (asked - plain).abs().mean() > 0.1


@pytest.mark.parametrize("region", ["left", "bottom"])
def test_words_about_a_region_are_listened_to_there(region: str) -> None:
    """The last two of three words are of a sentence that names the region."""
    a, b = torch.randn(2, 1, 4, 40, 40)
    named = torch.tensor([[float(name == region) for name in REGIONS]])
    text = read(named)
    assert text.said is not None
    where = torch.stack([torch.zeros_like(named), named, named], 1)
    text = text._replace(said=text.said._replace(where=where))
    built = stage(1)
    built.watched = True
    built(a, b, text)
    assert built.seen is not None
    first, *rest = built.seen[0]
    for seen in rest:
        inside, outside = (seen[:, :5], seen[:, -5:]) if region == "left" else (seen[-5:], seen[:5])
        assert inside.mean() > 30 * outside.mean()
    assert first.mean(0).max() < 30 * first.mean(0).min()


def test_the_image_as_a_whole_has_a_say() -> None:
    """What happens in one corner is heard in the other, far out of the reach of convolution and cells."""
    a, b = torch.zeros(2, 1, 4, 64, 64)
    bright = a.clone()
    bright[..., :16, :16] = 5.0
    text = read()
    far = (..., slice(-8, None), slice(-8, None))
    assert (stage(1)(a, b, text)[0][far] - stage(1)(bright, b, text)[0][far]).abs().max() > 1e-3
    torch.testing.assert_close(stage(0)(a, b, text)[0][far], stage(0)(bright, b, text)[0][far])


def test_the_network_shows_which_places_listen_to_which_words() -> None:
    network = build_network(compose(["network/film_small.yaml"])["model"]["network"]).eval()
    a, b = torch.rand(2, 1, 1, 50, 70)
    text = TextFeatures.unpadded(torch.randn(1, 5, 385)).pad(7)
    fused, seen, _ = network.watch(a, b, text)
    torch.testing.assert_close(fused, network(a, b, text))
    assert seen is not None
    assert seen.shape[:2] == (1, 7)
    assert (seen[:, 5:] == 0).all()
    assert (seen.sum(1) < 1).all()
    assert all(stage.seen is None for stage in network.stages)
