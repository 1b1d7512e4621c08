"""Cross-attention from anything to words (Vaswani et al., NeurIPS 2017, arXiv 1706.03762)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from film.errors import FilmError
from film.layers.text import TextFeatures

_LEAST = 1e-3  # of the attention that a query would have for a word that isn't meant for it


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

    def forward(self, queries: Tensor, text: TextFeatures, reach: Tensor | None = None) -> Tensor:
        """Ask.

        Args:
            queries: (B, N, Q).
            text: Words (B, L, D).
            reach: (B, N, L) in [0, 1], how far each query is one that a word is meant for; None for all of all.

        Returns:
            (B, N, width) answers.
        """
        query, key, value, bias = self._parts(queries, text, reach)
        return F.scaled_dot_product_attention(query, key, value, attn_mask=bias).transpose(1, 2).flatten(2)

    def weights(self, queries: Tensor, text: TextFeatures, reach: Tensor | None = None) -> Tensor:
        """How much each query listens to each word: (B, heads, N, L); with that of "nothing" they sum to 1."""
        query, key, _, bias = self._parts(queries, text, reach)
        return (query @ key.mT * query.shape[-1] ** -0.5 + bias).softmax(-1)[..., 1:]

    def _parts(
        self, queries: Tensor, text: TextFeatures, reach: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Queries, keys and values by head, and what is added to their products: (B, 1, N or 1, 1 + L)."""
        batch = len(queries)
        words = self.answer(self.norm(text.tokens))
        words = torch.cat([self.nothing.to(words).expand(batch, 1, -1), words], 1)
        bias = torch.zeros_like(words[:, None, 1:, 0]) if reach is None else reach.clamp_min(_LEAST).log()
        bias = F.pad(bias.masked_fill(~text.mask[:, None], -torch.inf), (1, 0))[:, None]
        query = self._by_head(self.ask(queries))
        key, value = (self._by_head(part) for part in words.chunk(2, -1))
        return query, key, value, bias

    def _by_head(self, rows: Tensor) -> Tensor:
        """(B, N, width) to (B, heads, N, width / heads)."""
        return rows.unflatten(-1, (self.heads, -1)).transpose(1, 2)
