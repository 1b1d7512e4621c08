"""What a text says as a whole, beside its words."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from film.concepts import CONCEPTS, INSTRUCTIONS, ONLY_OF, OPPOSITES, PLACES, REGIONS
from film.layers.text import Said, TextFeatures
from film.tasks import TASKS

_NEVER = -20.0  # log-odds
_DOUBT = 0.1  # a region that is less likely than this was not named
_UNHEARD, _HEARD = 0.15, 0.4  # nor was an instruction; from one to the other it counts more and more


class TextReader(nn.Module):
    """Reads a text: hands on its words in another width, and says what is said as a whole.

    The embeddings of each sentence give the log-odds that it names each of `film.concepts.CONCEPTS`; where sentences
    aren't marked, every word does, and the text is one sentence. Of all sentences the highest count (multi-instance
    learning: Ilse et al., ICML 2018, with the maximum in place of attention). An instruction of five words is thus
    heard beside a description of a hundred, which a mean would drown.
    An instruction that means something for the task counts wholly where it is about as likely as not, and not at all
    where its opposite is likelier: training knows none that is half meant, and what follows from one isn't on the way
    from nothing to it.
    The summary is the sum of what the named concepts mean (a concept bottleneck: Koh et al., ICML 2020): what else a
    text says doesn't reach it.

    A region counts where the same sentence asks for something: it says where the instructions hold.

    A text that says that source B comes first is handed on as one that doesn't, of sources that change places: "the
    first" is then the second.

    The concepts are learned from texts alone, with `logits`; the network learns what follows from them, as independent
    bottlenecks are trained (Koh et al.), best from texts of which it is known what they name.

    Args:
        text_dim: Width D of the words.
        width: Width of the summary, and of the words that are handed on.
        narrow: Width that words are squeezed through before they are handed on.
        begins: How many tokens begin a sentence, its embeddings, of which the last feature is 1 for the first and -1
            for the others; only the first is handed on. 0: a text is one sentence.
        dropout: Share of each word's features left out in `logits` in training, against learning wordings by heart.
    """

    asking: Tensor
    asking_how: Tensor
    region: Tensor
    place: Tensor
    order: Tensor
    exchange: Tensor
    opposite: Tensor
    task: Tensor
    foreign: Tensor

    def __init__(self, text_dim: int, *, width: int, narrow: int = 32, begins: int = 0, dropout: float = 0.3) -> None:
        super().__init__()
        self.begins = begins
        self.norm = nn.LayerNorm(text_dim)
        self.dropout = nn.Dropout(dropout)
        self.concept = nn.Linear(max(1, begins) * text_dim, len(CONCEPTS))
        self.meaning = nn.Linear(len(CONCEPTS), width, bias=False)
        nn.init.normal_(self.meaning.weight)
        self.word = nn.Sequential(nn.Linear(text_dim, narrow, bias=False), nn.Linear(narrow, width))
        self.register_buffer("asking", _which(*INSTRUCTIONS), persistent=False)
        self.register_buffer("asking_how", _which(*INSTRUCTIONS, "weak", "strong"), persistent=False)
        self.register_buffer("region", _which(*REGIONS), persistent=False)
        self.register_buffer("place", _which(*PLACES), persistent=False)
        self.register_buffer("order", _which("swapped"), persistent=False)
        other = {"first": "second", "second": "first"}
        self.register_buffer("exchange", _others(other), persistent=False)
        self.register_buffer("opposite", _others(OPPOSITES | other), persistent=False)
        self.register_buffer("task", _which(*TASKS), persistent=False)
        foreign = [_which(*(key for key, one in ONLY_OF.items() if one != task)) for task in TASKS]
        self.register_buffer("foreign", torch.stack(foreign), persistent=False)

    def forward(self, text: TextFeatures, named: Tensor | None = None) -> TextFeatures:
        """Read.

        Args:
            text: Words (B, L, D).
            named: (B, concepts) 1 for each concept that a text names and 0 else, taken as given where it is known, in
                training; None judges by the words.

        Returns:
            Words (B, L, width), with what they say; nothing is said without words.
        """
        tokens = self.norm(text.tokens)
        spoken = text.mask.any(1, keepdim=True)
        logits = self._by_sentence(tokens, text)
        named = self._heard(logits.amax(1)) if named is None else named.to(tokens)
        named, swapped = self._in_order(named.masked_fill(~spoken, 0.0))
        plain = named.masked_fill(self.region | self.asking_how, 0.0)
        summary, without = self.meaning(torch.stack((named.masked_fill(self.region, 0.0), plain))).unbind()
        regions = _surely(named[:, self.region])
        likely = logits.sigmoid()
        places = (likely * named.unsqueeze(1))[..., self.place].amax(-1, keepdim=True)
        pointing = self._sentence_of_each(places, text).squeeze(-1)
        said = Said(summary, without, None, swapped if swapped.any() else None, pointing=pointing)
        if regions.any():
            where = _surely(self._sentence_of_each(likely[..., self.region], text))
            said = said._replace(regions=regions, where=torch.minimum(where, regions.unsqueeze(1)))
        mask = text.mask & (text.tokens[..., -1] > -0.5) if self.begins > 1 else text.mask
        return TextFeatures(self.word(tokens), mask, said)

    def _heard(self, logits: Tensor) -> Tensor:
        """(B, concepts) how much each counts, from 0 to 1; in training, for its slope, how likely it is."""
        likely = logits.sigmoid()
        if self.training:
            return likely
        surest, task = likely[:, self.task].max(1)
        asked = likely.masked_fill(~self.asking | (self.foreign[task] & (surest > 0.5).unsqueeze(1)), 0.0)
        counts = ((asked - _UNHEARD) / (_HEARD - _UNHEARD)).clamp(0, 1)
        return torch.where(self.asking, counts * (asked >= asked[:, self.opposite]), likely)

    def _in_order(self, named: Tensor) -> tuple[Tensor, Tensor]:
        """What (B, concepts) name once the sources are in the usual order, and (B,) whether they weren't."""
        swapped = (self.order & (named > 0.5)).any(1)
        exchanged = named[:, self.exchange].masked_fill(self.order, 0.0)
        return torch.where(swapped.unsqueeze(1), exchanged, named), swapped

    def logits(self, text: TextFeatures) -> Tensor:
        """Words (B, L, D) to the log-odds that the text names each concept, (B, concepts)."""
        return self._by_sentence(self.dropout(self.norm(text.tokens)), text).amax(1)

    def _by_sentence(self, tokens: Tensor, text: TextFeatures) -> Tensor:
        """Log-odds that the sentence that begins with a word names each concept, (B, L, concepts)."""
        logits = self.concept(torch.cat([tokens.roll(-i, 1) for i in range(max(1, self.begins))], -1))
        if not self.begins:  # one sentence, of which every word answers
            logits = logits.masked_fill(~text.mask.unsqueeze(-1), _NEVER).amax(1, keepdim=True).expand_as(logits)
        asked = logits[..., self.asking].amax(-1, keepdim=True)
        logits = torch.where(self.region, torch.minimum(logits, asked), logits)
        return logits.masked_fill(~self._begins(text).unsqueeze(-1), _NEVER)

    def _begins(self, text: TextFeatures) -> Tensor:
        """(B, L) whether a sentence begins with a word."""
        return text.mask & (text.tokens[..., -1] > 0.5) if self.begins else text.mask

    def _sentence_of_each(self, values: Tensor, text: TextFeatures) -> Tensor:
        """For every word what (B, L, N) hold where its sentence begins."""
        places = torch.arange(values.shape[1], device=values.device).expand(text.mask.shape)
        begin = places.masked_fill(~self._begins(text), 0).cummax(1).values
        return values.gather(1, begin.unsqueeze(-1).expand_as(values))


def _surely(likely: Tensor) -> Tensor:
    """How much a region counts that is so likely."""
    return (likely - _DOUBT).clamp_min(0) / (1 - _DOUBT)


def _others(other: Mapping[str, str]) -> Tensor:
    """(concepts,) the index of another concept, or its own."""
    return torch.tensor([CONCEPTS.index(other.get(name, name)) for name in CONCEPTS])


def _which(*concepts: str) -> Tensor:
    """(concepts,) bool, True for some of them."""
    return torch.tensor([concept in concepts for concept in CONCEPTS])
