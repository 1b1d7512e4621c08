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

    def forward(self, queries: Tensor, text: TextFeatures) -> Tensor:
        """(B, N, Q) queries and words (B, L, D) to (B, N, width) answers."""
        query, key, value, mask = self._parts(queries, text)
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2).flatten(2)

    def weights(self, queries: Tensor, text: TextFeatures) -> Tensor:
        """How much each query listens to each word: (B, heads, N, L); with that of "nothing" they sum to 1."""
        query, key, _, mask = self._parts(queries, text)
        scores = query @ key.mT * query.shape[-1] ** -0.5
        return scores.masked_fill(~mask, -torch.inf).softmax(-1)[..., 1:]

    def _parts(self, queries: Tensor, text: TextFeatures) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        batch = len(queries)
        words = self.answer(self.norm(text.tokens))
        words = torch.cat([self.nothing.to(words).expand(batch, 1, -1), words], 1)
        mask = F.pad(text.mask, (1, 0), value=True)[:, None, None]
        query = self._by_head(self.ask(queries))
        key, value = (self._by_head(part) for part in words.chunk(2, -1))
        return query, key, value, mask

    def _by_head(self, rows: Tensor) -> Tensor:
        """(B, N, width) to (B, heads, N, width / heads)."""
        return rows.unflatten(-1, (self.heads, -1)).transpose(1, 2)
