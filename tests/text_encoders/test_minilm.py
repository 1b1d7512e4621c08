"""MiniLM sentence by sentence: each begins with its embedding, and doesn't know its neighbours."""

import logging
import sys

import pytest
import torch

from film.errors import FilmError
from film.layers.text import split_sentences
from film.text_encoders.minilm import MiniLM


@pytest.fixture(scope="module")
def by_sentence() -> MiniLM:
    return MiniLM(by_sentence=True, max_tokens=32)


def test_a_sentence_begins_with_the_mean_of_its_pieces(by_sentence: MiniLM) -> None:
    plain = MiniLM()(["Make it brighter."]).tokens[0]
    tokens = by_sentence(["Make it brighter."]).tokens[0]
    assert tokens.shape == (len(plain) - 1, 385)  # the mean in place of the two marks
    torch.testing.assert_close(tokens[0, :384], plain.mean(0))
    torch.testing.assert_close(tokens[1:, :384], plain[1:-1])
    assert tokens[:, 384].tolist() == [1.0] + [0.0] * (len(tokens) - 1)


def test_a_sentence_may_begin_with_its_means_after_several_blocks(by_sentence: MiniLM) -> None:
    text = "Make it brighter. Now!"
    layered = MiniLM(by_sentence=True, layers=(6, 2))
    tokens, last = layered([text]).tokens[0], by_sentence([text]).tokens[0]
    assert layered.sentence_tokens == 2
    assert layered.pieces(text) == ["Make it brighter.", "", "make", "it", "brighter", ".", "Now!", "", "now", "!"]
    assert tokens[:, 384].tolist() == [1, -1, 0, 0, 0, 0, 1, -1, 0, 0]
    torch.testing.assert_close(tokens[tokens[:, 384] >= 0], last)
    language = layered.language
    ids = torch.tensor([language.tokenizer("Make it brighter.")["input_ids"]])
    with torch.no_grad():
        states = language.model(input_ids=ids, output_hidden_states=True).hidden_states
    torch.testing.assert_close(tokens[1, :384], states[2][0].mean(0))
    assert layered.identity() != by_sentence.identity()


@pytest.mark.parametrize("layers", [(), (0,), (6, 7)])
def test_layers_that_it_does_not_have_are_named(layers: tuple[int, ...]) -> None:
    with pytest.raises(FilmError, match=r"blocks 1 to 6 of MiniLM, not \["):
        MiniLM(by_sentence=True, layers=layers)


def test_sentences_do_not_know_each_other(by_sentence: MiniLM) -> None:
    alone = [by_sentence([text]).tokens[0] for text in ("It is dark.", "Make it brighter!")]
    assert torch.equal(by_sentence(["It is dark. Make it brighter!"]).tokens[0], torch.cat(alone))


def test_tokens_have_their_names(by_sentence: MiniLM) -> None:
    text = "Emphasise thermography. Now!"
    names = by_sentence.pieces(text)
    assert len(names) == by_sentence([text]).tokens.shape[1]
    assert names[0] == "Emphasise thermography."
    assert names[-3:] == ["Now!", "now", "!"]
    assert len(MiniLM().pieces(text)) == MiniLM()([text]).tokens.shape[1]
    assert by_sentence.pieces("  ") == []


def test_a_long_text_is_cut_before_it_is_split(by_sentence: MiniLM, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "film.text_encoders.minilm"):
        tokens = by_sentence(["word " * 5000 + "Make it brighter."]).tokens
    assert tokens.shape[1] <= 32
    assert "cut to 32" in caplog.text


def test_autocast_of_the_first_who_asks_does_not_stay(by_sentence: MiniLM) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        first = by_sentence(["A sentence nobody asked for yet."]).tokens
    again = MiniLM(by_sentence=True)(["A sentence nobody asked for yet."]).tokens
    assert torch.equal(first, again)


def test_an_adapter_changes_what_is_read_and_is_not_remembered_while_it_learns() -> None:
    texts = ["Make it brighter."]
    plain, adapted = MiniLM(by_sentence=True), MiniLM(by_sentence=True, adapter_rank=1)
    assert plain.identity() != (before := adapted.identity())
    learning = adapted(texts).tokens
    torch.testing.assert_close(learning, plain(texts).tokens)  # nothing is learnt yet
    learning.square().sum().backward()
    with torch.no_grad():
        for weight in adapted.parameters():
            assert weight.grad is not None
            weight.normal_(std=0.1)
    other = adapted.eval()(texts).tokens
    assert not torch.allclose(other, learning, atol=1e-2)
    assert not other.requires_grad
    assert adapted.identity() != before
    third = MiniLM(by_sentence=True, adapter_rank=1).eval()
    third(texts)
    third.load_state_dict(adapted.state_dict())
    assert torch.equal(third(texts).tokens, other)  # not what it read before


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(FilmError, match="MiniLM needs the package transformers; pip install transformers, or"):
        MiniLM()(["a text"])


@pytest.mark.parametrize(
    ("text", "count"),
    [("One. Two!  Three? Four; five", 5), ("夜。明るく！ and more", 3), ("no end", 1), ("v1.5 is one", 1), (" ", 0)],  # noqa: RUF001
)
def test_sentences_in_any_script(text: str, count: int) -> None:
    assert len(split_sentences(text)) == count
