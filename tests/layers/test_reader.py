"""The reader of texts: one loud sentence is heard among many, and padding is not."""

import torch

from film.layers.reader import TextReader, summary_and_words
from film.layers.text import TextFeatures


def reader() -> TextReader:
    torch.manual_seed(0)
    return TextReader(6, width=8).eval()


def test_a_summary_comes_first_and_every_word_follows() -> None:
    text = TextFeatures.unpadded(torch.randn(2, 5, 6)).pad(7)
    read = reader()(text)
    assert read.tokens.shape == (2, 8, 8)
    assert read.mask.tolist() == [[True] * 6 + [False] * 2] * 2
    summary, words = summary_and_words(read)
    assert summary.shape == (2, 8)
    assert words.mask.equal(text.mask)


def test_padding_and_order_do_not_count() -> None:
    text = TextFeatures.unpadded(torch.randn(1, 5, 6))
    summary, _ = summary_and_words(reader()(text))
    noisy = TextFeatures(torch.cat([text.tokens.flip(1), 1e3 * torch.randn(1, 2, 6)], 1), text.pad(7).mask)
    torch.testing.assert_close(summary_and_words(reader()(noisy))[0], summary)


def test_what_is_said_once_is_heard_among_much_else() -> None:
    """A mean over 200 words would hardly change; the strongest answers do."""
    loud, filler = torch.randn(1, 1, 6), torch.randn(1, 1, 6)
    much = TextFeatures.unpadded(filler.expand(1, 200, 6))
    both = TextFeatures.unpadded(torch.cat([loud, much.tokens], 1))
    alone, _ = summary_and_words(reader()(TextFeatures.unpadded(loud)))
    without, _ = summary_and_words(reader()(much))
    together, _ = summary_and_words(reader()(both))
    torch.testing.assert_close(together, torch.maximum(alone, without))
    assert (together - without).abs().max() > 0.05


def test_without_words_the_summary_is_zero() -> None:
    summary, words = summary_and_words(reader()(TextFeatures.wordless(2, 6)))
    assert summary.abs().max() == 0
    assert not words.mask.any()
