"""What every text encoder promises."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import nn

from film.layers.text import TextFeatures


class TextEncoder(nn.Module, ABC):
    """Turns texts into token features.

    An encoder with pretrained frozen weights keeps them out of `state_dict` (they belong to its package, not to our
    model file) and loads them on first use.

    Attributes:
        dim: Width D of a token.
        reads_words: False for an encoder whose text arrives as features.
    """

    dim: int
    reads_words: bool = True

    @abstractmethod
    def forward(self, texts: Sequence[str]) -> TextFeatures:
        """Encode.

        Args:
            texts: B texts of any length and script; the empty text has no words.

        Returns:
            Tokens (B, L, D) with their mask; a text that is too long is cut, with a warning that says where.
        """

    @classmethod
    def tiny(cls) -> "TextEncoder":
        """Build an instance of a few weights, for tests."""
        return cls()
