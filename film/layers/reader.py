"""What a text says as a whole, beside its words."""

import torch
from torch import Tensor, nn

from film.layers.text import TextFeatures

_NEVER = -20.0  # log-odds


class TextReader(nn.Module):
    """Reads a text: a summary comes first, then its words, all of one width.

    Every word gives some answers, and of the words of a sentence the strongest answer counts. From the answers follow
    the log-odds that the sentence names each of some concepts, and of all sentences again the highest count
    (multi-instance learning: Ilse et al., ICML 2018, with the maximum in place of attention). An instruction of five
    words is thus heard beside a description of a hundred, which a mean would drown. The summary is the sum of what the
    named concepts mean (a concept bottleneck: Koh et al., ICML 2020): what else a text says doesn't reach it.

    Args:
        text_dim: Width D of the words.
        width: Width of the summary, and of the words that are handed on.
        concepts: Number of concepts. Which they are is a matter of training.
        marked: Whether the last feature of a word is 1 where a sentence begins; a text is one sentence otherwise.
        dropout: Share of each word's features left out in training, against learning wordings by heart.
    """

    def __init__(
        self, text_dim: int, *, width: int, concepts: int = 32, marked: bool = False, dropout: float = 0.3
    ) -> None:
        super().__init__()
        self.marked = marked
        hidden = 5 * width // 2
        self.norm = nn.LayerNorm(text_dim)
        self.dropout = nn.Dropout(dropout)
        self.answer = nn.Sequential(nn.Linear(text_dim, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.concept = nn.Linear(width, concepts)
        self.meaning = nn.Linear(concepts, width, bias=False)
        nn.init.normal_(self.meaning.weight)
        self.word = nn.Linear(text_dim, width)

    def forward(self, text: TextFeatures) -> TextFeatures:
        """Words (B, L, D) to (B, 1 + L, width); the summary of a text without words is zero and masked."""
        tokens = self.dropout(self.norm(text.tokens))
        spoken = text.mask.any(1, keepdim=True)
        named = self._logits(tokens, text).sigmoid().masked_fill(~spoken, 0.0)
        summary = self.meaning(named).unsqueeze(1)
        return TextFeatures(torch.cat([summary, self.word(tokens)], 1), torch.cat([spoken, text.mask], 1))

    def logits(self, text: TextFeatures) -> Tensor:
        """Words (B, L, D) to the log-odds that the text names each concept, (B, concepts)."""
        return self._logits(self.dropout(self.norm(text.tokens)), text)

    def _logits(self, tokens: Tensor, text: TextFeatures) -> Tensor:
        answers = self.answer(tokens).masked_fill(~text.mask.unsqueeze(-1), -torch.inf)
        starts = text.tokens[..., -1] > 0.5 if self.marked else torch.zeros_like(text.mask)
        sentence = starts.cumsum(1).unsqueeze(-1).expand_as(answers)
        places = answers.new_full((len(answers), answers.shape[1] + 1, answers.shape[2]), -torch.inf)
        strongest = places.scatter_reduce(1, sentence, answers, "amax")
        unsaid = strongest.isinf().all(-1, keepdim=True)
        logits = self.concept(strongest.masked_fill(unsaid, 0.0))
        return logits.masked_fill(unsaid, _NEVER).amax(1)


def summary_and_words(text: TextFeatures) -> tuple[Tensor, TextFeatures]:
    """Take apart what a reader gave: the summary (B, width), zero without words, and the words."""
    summary = text.tokens[:, 0].masked_fill(~text.mask[:, :1], 0.0)
    return summary, TextFeatures(text.tokens[:, 1:], text.mask[:, 1:])
