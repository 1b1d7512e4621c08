"""Cross-attention from anything to words (Vaswani et al., NeurIPS 2017, arXiv 1706.03762)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from film.errors import FilmError
from film.layers.text import TextFeatures


class TextAttention(nn.Module):
    """Queries ask, the words answer.

    A learned word for "nothing" is always among the answers: what no word is about, and a text without words, get it.

    Args:
        query_dim: Width Q of the queries.
        text_dim: Width D of the words.
        width: Width of the answers; a multiple of `heads`.
        heads: Number of heads.

    Attributes:
        seen: (B, heads, N, L) weights of the words in the last call, if `keep` is set; with the weight of "nothing"
            they sum to 1.
        keep: Whether to keep the weights, which then exist as a whole; for looking at them.
    """

    def __init__(self, query_dim: int, text_dim: int, *, width: int = 32, heads: int = 4) -> None:
        super().__init__()
        if width % heads:
            raise FilmError(f"width {width} of the attention is not a multiple of its {heads} heads")
        self.heads = heads
        self.norm = nn.LayerNorm(text_dim)
        self.ask = nn.Linear(query_dim, width)
        self.answer = nn.Linear(text_dim, 2 * width)
        self.nothing = nn.Parameter(torch.zeros(2 * width))
        self.keep = False
        self.seen: Tensor | None = None

    def forward(self, queries: Tensor, text: TextFeatures) -> Tensor:
        """(B, N, Q) queries and words (B, L, D) to (B, N, width) answers."""
        batch = len(queries)
        words = self.answer(self.norm(text.tokens))
        words = torch.cat([self.nothing.to(words).expand(batch, 1, -1), words], 1)
        mask = F.pad(text.mask, (1, 0), value=True)[:, None, None]
        query = self._by_head(self.ask(queries))
        key, value = (self._by_head(part) for part in words.chunk(2, -1))
        if self.keep:
            scores = query @ key.mT * query.shape[-1] ** -0.5
            self.seen = scores.masked_fill(~mask, -torch.inf).softmax(-1)[..., 1:].detach()
        answers = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return answers.transpose(1, 2).flatten(2)

    def _by_head(self, rows: Tensor) -> Tensor:
        """(B, N, width) to (B, heads, N, width / heads)."""
        return rows.unflatten(-1, (self.heads, -1)).transpose(1, 2)
