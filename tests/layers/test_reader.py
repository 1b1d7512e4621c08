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
    """A mean over 200 words would hardly change; the strongest answers don't know how often the others stand there."""
    loud, filler = torch.randn(1, 1, 6), torch.randn(1, 1, 6)

    def summary(*words: torch.Tensor) -> torch.Tensor:
        return summary_and_words(reader()(TextFeatures.unpadded(torch.cat(words, 1))))[0]

    among_much = summary(loud, filler.expand(1, 200, 6))
    torch.testing.assert_close(among_much, summary(loud, filler))
    assert (among_much - summary(filler.expand(1, 200, 6))).abs().max() > 0.05


def test_the_summary_is_the_sum_of_what_the_named_concepts_mean() -> None:
    text = TextFeatures.unpadded(torch.randn(1, 5, 6))
    built = reader()
    named = built.logits(text).sigmoid()
    torch.testing.assert_close(summary_and_words(built(text))[0], named @ built.meaning.weight.T)


def test_sentences_are_judged_one_by_one() -> None:
    """With marks, the log-odds of a text are the highest of its sentences; without, words of all of them mix."""
    torch.manual_seed(0)
    marked = TextReader(6, width=8, marked=True).eval()
    sentences = [torch.randn(1, length, 6).clamp(max=0.4) for length in (3, 1, 4)]
    for sentence in sentences:
        sentence[:, 0, -1] = 1.0
    alone = torch.stack([marked.logits(TextFeatures.unpadded(sentence)) for sentence in sentences])
    text = TextFeatures.unpadded(torch.cat(sentences, 1)).pad(11)
    torch.testing.assert_close(marked.logits(text), alone.amax(0))
    assert not torch.allclose(reader().logits(text), alone.amax(0), atol=1e-3)  # of the same weights


def test_without_words_the_summary_is_zero() -> None:
    summary, words = summary_and_words(reader()(TextFeatures.wordless(2, 6)))
    assert summary.abs().max() == 0
    assert not words.mask.any()
