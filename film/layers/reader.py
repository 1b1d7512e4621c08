"""What a text says as a whole, beside its words."""

import torch
from torch import Tensor, nn

from film.layers.text import TextFeatures


class TextReader(nn.Module):
    """Reads a text: a summary comes first, then its words, all of one width.

    Every word answers some learned questions, and of all answers the strongest counts (multi-instance learning: Ilse
    et al., ICML 2018, with the maximum in place of attention). An instruction of five words is thus heard beside a
    description of a hundred, which a mean would drown.

    Args:
        text_dim: Width D of the words.
        width: Width of the summary, and of the words that are handed on.
        dropout: Share of each word's features left out in training, against learning wordings by heart.
    """

    def __init__(self, text_dim: int, *, width: int, dropout: float = 0.3) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(text_dim)
        self.dropout = nn.Dropout(dropout)
        hidden = 5 * width // 2
        self.answer = nn.Sequential(nn.Linear(text_dim, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.word = nn.Linear(text_dim, width)

    def forward(self, text: TextFeatures) -> TextFeatures:
        """Words (B, L, D) to (B, 1 + L, width); the summary of a text without words is zero and masked."""
        tokens = self.dropout(self.norm(text.tokens))
        answers = self.answer(tokens).masked_fill(~text.mask.unsqueeze(-1), -torch.inf).amax(1, keepdim=True)
        spoken = text.mask.any(1, keepdim=True)
        summary = torch.where(spoken.unsqueeze(-1), answers, 0.0)
        return TextFeatures(torch.cat([summary, self.word(tokens)], 1), torch.cat([spoken, text.mask], 1))


def summary_and_words(text: TextFeatures) -> tuple[Tensor, TextFeatures]:
    """Take apart what a reader gave: the summary (B, width), zero without words, and the words."""
    summary = text.tokens[:, 0].masked_fill(~text.mask[:, :1], 0.0)
    return summary, TextFeatures(text.tokens[:, 1:], text.mask[:, 1:])
