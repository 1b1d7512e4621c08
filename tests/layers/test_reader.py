"""The reader of texts: one loud sentence is heard among many, padding is not, and regions belong to what is asked."""

import pytest
import torch
from torch import Tensor, nn

from film.concepts import CONCEPTS, INSTRUCTIONS, REGIONS
from film.layers.reader import TextReader
from film.layers.text import Said, TextFeatures


def reader() -> TextReader:
    torch.manual_seed(0)
    return TextReader(6, width=8).eval()


def said(text: TextFeatures) -> Said:
    what = reader()(text).said
    assert what is not None
    return what


def say(*names: str) -> tuple[TextReader, TextFeatures]:
    """A reader, and a text whose sentences of one word each name a concept and nothing else."""
    built = TextReader(len(CONCEPTS) + 1, width=len(CONCEPTS), begins=1).eval()
    nn.init.eye_(built.concept.weight)
    with torch.no_grad():  # a clear yes or no
        built.concept.weight.mul_(9)
        built.concept.bias.fill_(-18)
    words = torch.zeros(1, len(names), len(CONCEPTS) + 1)
    for place, name in enumerate(names):
        words[0, place, -1] = 1.0
        words[0, place, :-1] = -9.0
        for concept in name.split():
            words[0, place, CONCEPTS.index(concept)] = 9.0
    return built, TextFeatures.unpadded(words)


def test_every_word_follows() -> None:
    text = TextFeatures.unpadded(torch.randn(2, 5, 6)).pad(7)
    read = reader()(text)
    assert read.tokens.shape == (2, 7, 8)
    assert read.mask.equal(text.mask)
    assert said(text).summary.shape == said(text).plain.shape == (2, 8)


def test_padding_and_order_do_not_count() -> None:
    text = TextFeatures.unpadded(torch.randn(1, 5, 6))
    noisy = TextFeatures(torch.cat([text.tokens.flip(1), 1e3 * torch.randn(1, 2, 6)], 1), text.pad(7).mask)
    torch.testing.assert_close(said(noisy).summary, said(text).summary)


def test_what_is_said_once_is_heard_among_much_else() -> None:
    """A mean over 200 words would hardly change; the strongest answers don't know how often the others stand there."""
    loud, filler = torch.randn(1, 1, 6), torch.randn(1, 1, 6)

    def summary(*words: Tensor) -> Tensor:
        return said(TextFeatures.unpadded(torch.cat(words, 1))).summary

    among_much = summary(loud, filler.expand(1, 200, 6))
    torch.testing.assert_close(among_much, summary(loud, filler))
    assert (among_much - summary(filler.expand(1, 200, 6))).abs().max() > 0.05


def test_the_summary_is_the_sum_of_what_the_named_concepts_mean() -> None:
    """Regions say where, not what; and without what is asked for, the task remains."""
    built, text = say("IVF", "brighter strong left", "sharper")
    named, meaning = built.logits(text).sigmoid(), built.meaning.weight.T
    asking = torch.tensor([concept in INSTRUCTIONS for concept in CONCEPTS])
    named = torch.where(asking, named.round(), named)  # what is asked for is never half meant
    what = torch.tensor([concept not in REGIONS for concept in CONCEPTS])
    heard = built(text).said
    torch.testing.assert_close(heard.summary, named[:, what] @ meaning[what])
    kept = what & torch.tensor([concept not in (*INSTRUCTIONS, "weak", "strong") for concept in CONCEPTS])
    torch.testing.assert_close(heard.plain, named[:, kept] @ meaning[kept])


def test_sentences_are_judged_one_by_one() -> None:
    """With marks, the log-odds of a text are the highest of its sentences; without, words of all of them mix."""
    torch.manual_seed(0)
    marked = TextReader(6, width=8, begins=1).eval()
    sentences = [torch.randn(1, length, 6).clamp(max=0.4) for length in (3, 1, 4)]
    for sentence in sentences:
        sentence[:, 0, -1] = 1.0
    alone = torch.stack([marked.logits(TextFeatures.unpadded(sentence)) for sentence in sentences])
    text = TextFeatures.unpadded(torch.cat(sentences, 1)).pad(11)
    torch.testing.assert_close(marked.logits(text), alone.amax(0))
    assert not torch.allclose(reader().logits(text), alone.amax(0), atol=1e-3)  # of the same weights


def test_a_sentence_is_judged_by_all_the_tokens_that_begin_it() -> None:
    """Of which but the first is handed on to those who listen to words."""
    torch.manual_seed(0)
    two = TextReader(6, width=8, begins=2).eval()
    tokens = torch.randn(1, 7, 6).clamp(max=0.4)
    tokens[0, :, -1] = torch.tensor([1.0, -1, 0, 0, 1, -1, 0])
    text = TextFeatures.unpadded(tokens).pad(9)
    normed = two.norm(tokens[0])
    each = torch.stack([two.concept(normed[begin : begin + 2].flatten()) for begin in (0, 4)])
    asked = each[:, two.asking].amax(1, keepdim=True)
    each = torch.where(two.region, torch.minimum(each, asked), each)
    torch.testing.assert_close(two.logits(text)[0], each.amax(0))
    assert two(text).mask[0].tolist() == [True, False, True, True, True, False, True, False, False]


def test_a_region_counts_in_the_sentence_that_asks_for_something() -> None:
    built, asks = say("IVF", "brighter left")
    assert built(asks).said.regions.argmax() == REGIONS.index("left")
    assert built(asks).said.regions.max() > 0.9
    built, describes = say("IVF", "brighter", "left")
    assert built(describes).said.regions is None


def test_words_are_about_the_region_that_their_sentence_names() -> None:
    """Of three sentences of two words each, the second names one; nothing of it reaches the others, or padding."""
    built, text = say("IVF", "brighter left", "sharper")
    tokens = text.tokens.repeat_interleave(2, 1)
    tokens[:, 1::2, -1] = 0.0  # the second word of each begins no sentence
    where = built(TextFeatures.unpadded(tokens).pad(8)).said.where
    left = REGIONS.index("left")
    assert where.shape == (1, 8, len(REGIONS))
    assert where[0, 2:4, left].min() > 0.9
    where[0, 2:4, left] = 0.0
    assert where[0, :6].max() < 0.1
    assert built(say("IVF", "brighter")[1]).said.where is None


def test_words_point_where_their_sentence_speaks_of_what_is_bright() -> None:
    """If the text names it; of what is bright elsewhere, or of everything, nothing points."""
    built, text = say("MIF", "uptake", "brighter")
    assert built(text).said.pointing[0].tolist() == pytest.approx([0, 1, 0], abs=1e-3)
    named = torch.tensor([[float(concept in ("MIF", "brighter")) for concept in CONCEPTS]])
    assert built(text, named).said.pointing.max() == 0


def test_what_is_known_to_be_named_is_not_guessed() -> None:
    text = TextFeatures.unpadded(torch.randn(1, 5, 6))
    named = torch.zeros(1, len(CONCEPTS))
    named[0, CONCEPTS.index("darker")] = named[0, CONCEPTS.index("left")] = 1.0
    what = reader()(text, named).said
    torch.testing.assert_close(what.summary[0], reader().meaning.weight[:, CONCEPTS.index("darker")])
    assert what.regions.tolist() == [[float(region == "left") for region in REGIONS]]
    assert reader()(TextFeatures.wordless(1, 6), named).said.regions is None


def counts(*, training: bool = False, **likely: float) -> dict[str, float]:
    """How much concepts count that are so likely, and nothing else is."""
    built = TextReader(6, width=len(CONCEPTS)).train(training)
    nn.init.eye_(built.meaning.weight)
    nn.init.zeros_(built.concept.weight)
    nn.init.constant_(built.concept.bias, -20.0)
    with torch.no_grad():
        for name, share in likely.items():
            built.concept.bias[CONCEPTS.index(name)] = torch.tensor(share).logit()
        what = built(TextFeatures.unpadded(torch.zeros(1, 1, 6))).said
    return {name: round(what.summary[0, CONCEPTS.index(name)].item(), 3) for name in likely}


def test_what_is_asked_for_is_not_half_meant() -> None:
    assert counts(brighter=0.35, darker=0.3, sharper=0.2) == {"brighter": 0.8, "darker": 0.0, "sharper": 0.2}
    assert counts(brighter=0.9, sharper=0.45, softer=0.4) == {"brighter": 1.0, "sharper": 1.0, "softer": 0.0}
    assert counts(weak=0.3, brighter=0.15) == {"weak": 0.3, "brighter": 0.0}
    halves = {"brighter": 0.3, "darker": 0.2}
    assert counts(**halves, training=True) == halves


def test_what_only_means_something_for_another_task_is_not_heard() -> None:
    assert counts(IVF=0.9, bone=0.8, heat=0.2) == {"IVF": 0.9, "bone": 0.0, "heat": 0.2}
    assert counts(MIF=0.9, bone=0.8, heat=0.3) == {"MIF": 0.9, "bone": 1.0, "heat": 0.0}
    assert counts(IVF=0.4, bone=0.8) == {"IVF": 0.4, "bone": 1.0}


def test_of_swapped_sources_the_first_is_the_second() -> None:
    """What else is said stays, and that they are swapped is said apart."""
    built, text = say("swapped", "first strong", "IVF")
    usual, same = say("second strong", "IVF")
    what, other = built(text).said, usual(same).said
    assert what.swapped.tolist() == [True]
    assert other.swapped is None
    means = [CONCEPTS[i] for i in torch.linalg.lstsq(built.meaning.weight, what.summary[0]).solution.topk(3).indices]
    assert set(means) == {"second", "strong", "IVF"}


def test_without_words_nothing_is_said() -> None:
    text = TextFeatures.wordless(2, 6)
    what = said(text)
    assert what.summary.abs().max() == what.plain.abs().max() == 0
    assert what.regions is None
    assert not reader()(text).mask.any()
