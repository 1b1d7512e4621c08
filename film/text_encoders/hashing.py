"""A text encoder without any model: a vector for each word, made of its hash."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from film.errors import FilmError
from film.layers.text import TextFeatures
from film.text_encoders.base import TextEncoder


class HashedWords(TextEncoder):
    """One token a word, sign or symbol; equal words have equal vectors, others are unrelated.

    It needs no package and no file and gives the same numbers on every machine: for tests and for trying out. Letter
    case and forms of Unicode make no difference; the order of words shows only in that of the tokens.

    Args:
        dim: Width D of a token; numbers are about evenly spread in [-1, 1).
    """

    def __init__(self, dim: int = 64) -> None:
        super().__init__()
        if dim < 1:
            raise FilmError(f"dim {dim} must be at least 1")
        self.dim = dim

    def forward(self, texts: Sequence[str]) -> TextFeatures:
        """B texts to (B, L, D) features; a text of only white space has no words."""
        split = [split_words(text) for text in texts]
        return TextFeatures.stack(
            [
                TextFeatures.unpadded(torch.stack([self._vector(word) for word in words])[None])
                if words
                else TextFeatures.wordless(1, self.dim)
                for words in split
            ]
        )

    def _vector(self, word: str) -> Tensor:
        digest = hashlib.shake_128(word.encode("utf-8", "surrogatepass")).digest(2 * self.dim)
        return torch.from_numpy(np.frombuffer(digest, "<i2").astype(np.float32) / 2**15)

    @classmethod
    def tiny(cls) -> "HashedWords":
        """Eight wide."""
        return cls(dim=8)


def split_words(text: str) -> list[str]:
    """Split a text of any script into words, and single signs between them, in one form of letters."""
    return re.findall(r"\w+|[^\w\s]", unicodedata.normalize("NFKC", text).casefold())
