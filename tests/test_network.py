"""The network as a whole: the forms of text it takes, and what it refuses."""

import pytest
import torch
import torch.nn.functional as F

from film.checkpoint import build_network
from film.concepts import CONCEPTS
from film.config import compose
from film.errors import FilmError
from film.layers.text import TextFeatures
from film.network import FusionNetwork


@pytest.fixture(scope="module")
def network() -> FusionNetwork:
    return build_network(compose(["network/modulated.yaml"])["model"]["network"]).eval()


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    a, b = torch.rand(2, 2, 1, 17, 23)
    return a, b


def test_strings_tensors_and_features_say_the_same(network, pair):
    texts = ["keep the hot targets", "keep the hot targets"]
    features = network.encode_text(texts)
    by_words = network(*pair, texts)
    assert torch.equal(by_words, network(*pair, features))
    assert torch.equal(by_words, network(*pair, features.tokens))
    assert not torch.equal(by_words, network(*pair, ["a lake", "a lake"]))


def test_no_words_come_in_three_forms(network, pair):
    silent = network(*pair)
    assert torch.equal(silent, network(*pair, ["", "  "]))
    assert torch.equal(silent, network(*pair, TextFeatures(torch.randn(2, 3, 384), torch.zeros(2, 3, dtype=bool))))


def test_texts_of_different_lengths_dont_disturb_each_other(network, pair):
    texts = ["short", "a much longer text about a street at night with people and cars"]
    together = network(*pair, texts)
    for i, text in enumerate(texts):
        alone = network(pair[0][i : i + 1], pair[1][i : i + 1], [text])
        torch.testing.assert_close(together[i : i + 1], alone, rtol=0, atol=1e-5)


def test_text_that_doesnt_fit(network, pair):
    with pytest.raises(FilmError, match="768 wide, the network reads 384"):
        network(*pair, torch.randn(2, 5, 768))
    with pytest.raises(FilmError, match="1 texts for 2 pairs"):
        network(*pair, ["one"])
    with pytest.raises(FilmError, match=r"\(B, L, D\)"):
        network(*pair, torch.randn(5, 384))


def test_the_faithful_network_says_what_it_reads(pair):
    network = build_network(compose(["network/film.yaml"])["model"]["network"])
    with pytest.raises(FilmError, match=r"features 768 wide .*'two peop.*--text-features"):
        network(*pair, ["two people", ""])


def test_own_encoder_for_each_source():
    config = compose(["network/modulated.yaml"])["model"]["network"]
    config["init_args"] |= {"shared_image_encoder": False, "text_encoder": None}
    network = build_network(config)
    assert len(network.image_encoders) == 2
    assert network(torch.rand(1, 1, 16, 16), torch.rand(1, 1, 16, 16), ["ignored"]).shape == (1, 1, 16, 16)


def test_the_border_is_as_if_the_images_went_on(pair):
    config = compose(["network/film_tiny.yaml", "text_encoder/hashing.yaml"])["model"]["network"]
    plain, bordered = (
        build_network(config | {"init_args": config["init_args"] | {"border": n}}).eval() for n in (0, 8)
    )
    bordered.load_state_dict(plain.state_dict())
    words = ["a lake", "a hot lake"]
    longer = [F.pad(source, 4 * [8], mode="replicate") for source in pair]
    fused, seen, _ = bordered.watch(*pair, words)
    torch.testing.assert_close(fused, plain(*longer, words)[..., 8:-8, 8:-8])
    assert seen.shape == plain.watch(*pair, words)[1].shape
    torch.testing.assert_close(bordered.train()(*pair, words), plain.train()(*pair, words))


def test_swapped_sources_change_places_where_a_text_says_so(pair):
    network = build_network(compose(["network/film_tiny.yaml", "text_encoder/hashing.yaml"])["model"]["network"]).eval()
    words, named = ["a lake", "a hot lake"], torch.zeros(2, len(CONCEPTS))
    usual = network(*pair, words, named=named)
    named[1, CONCEPTS.index("swapped")] = 1
    (a, b), second = pair, torch.tensor([False, True]).view(2, 1, 1, 1)
    torch.testing.assert_close(network(torch.where(second, b, a), torch.where(second, a, b), words, named=named), usual)
    assert not torch.allclose(network(*pair, words, named=named)[1], usual[1])


def test_a_component_that_refuses_its_arguments_is_named():
    config = compose(["network/film.yaml"])["model"]["network"]
    config["init_args"]["text_width"] = 100
    with pytest.raises(FilmError, match="100"):
        build_network(config)


def test_only_places_that_listen_to_words_can_be_judged_by_where_they_do(pair):
    network = build_network(compose(["network/modulated.yaml"])["model"]["network"])
    with pytest.raises(FilmError, match="GuidedStage"):
        network.watch(*pair).grounding(torch.ones(2, 1, 16, 16))
