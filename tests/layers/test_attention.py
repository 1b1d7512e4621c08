"""Cross-attention to words: masks, a text without words, and the weights."""

import pytest
import torch

from film.errors import FilmError
from film.layers.attention import TextAttention
from film.layers.text import TextFeatures


@pytest.fixture
def attention() -> TextAttention:
    torch.manual_seed(0)
    module = TextAttention(6, 5, width=8, heads=2)
    torch.nn.init.normal_(module.nothing)
    return module


def words(batch: int = 2, length: int = 4) -> TextFeatures:
    return TextFeatures.unpadded(torch.randn(batch, length, 5))


def test_equals_the_definition(attention: TextAttention) -> None:
    queries, text = torch.randn(2, 3, 6), words()
    weights = attention.weights(queries, text)
    key_value = attention.answer(attention.norm(text.tokens))
    _, value = torch.cat([attention.nothing.expand(2, 1, -1), key_value], 1).chunk(2, -1)
    full = torch.cat([1 - weights.sum(-1, keepdim=True), weights], -1)
    expected = torch.cat([full[:, head] @ value[..., 4 * head : 4 * head + 4] for head in range(2)], -1)
    torch.testing.assert_close(attention(queries, text), expected)


def test_padding_is_not_heard(attention: TextAttention) -> None:
    queries, text = torch.randn(2, 3, 6), words()
    padded = TextFeatures(torch.cat([text.tokens, 1e3 * torch.randn(2, 2, 5)], 1), text.pad(6).mask)
    torch.testing.assert_close(attention(queries, padded), attention(queries, text))
    assert attention.weights(queries, padded)[..., 4:].abs().max() == 0


def test_without_words_the_answer_is_nothing(attention: TextAttention) -> None:
    silent = TextFeatures.wordless(2, 5)
    answers = attention(torch.randn(2, 3, 6), silent)
    torch.testing.assert_close(answers, attention.nothing[8:].expand(2, 3, -1))
    assert attention.weights(torch.randn(2, 3, 6), silent).abs().max() == 0


def test_a_word_is_heard_as_far_as_it_reaches(attention: TextAttention) -> None:
    """Where it doesn't reach the others share what it had, and where all reach everything nothing changes."""
    queries, text = torch.randn(2, 3, 6), words()
    reach = torch.ones(2, 3, 4)
    torch.testing.assert_close(attention(queries, text, reach), attention(queries, text))
    reach[:, 1, 2] = 0.0
    free, bound = attention.weights(queries, text), attention.weights(queries, text, reach)
    torch.testing.assert_close(bound[:, :, [0, 2]], free[:, :, [0, 2]])
    assert (bound[:, :, 1, 2] < 0.01 * free[:, :, 1, 2]).all()
    assert (bound[:, :, 1, [0, 1, 3]] > free[:, :, 1, [0, 1, 3]]).all()


def test_width_must_be_a_multiple_of_the_heads() -> None:
    with pytest.raises(FilmError, match="width 9 of the attention is not a multiple of its 2 heads"):
        TextAttention(6, 5, width=9, heads=2)
