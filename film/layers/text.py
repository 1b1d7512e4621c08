"""Token features of a text: the one form in which words reach the network."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from film.errors import FilmError

_ENDS = r"(?<=[.!?;])\s+|(?<=[\u3002\uff01\uff1f\uff1b])"  # the latter are those of Chinese and Japanese


class Said(NamedTuple):
    """What B texts say as a whole.

    Attributes:
        summary: (B, D) everything that is said, but where; zero without words.
        plain: (B, D) the same without what is asked for: what holds outside the regions.
        regions: (B, R) in [0, 1], how much each of `film.concepts.REGIONS` is named as the place of what is asked for,
            which holds everywhere if all are zero; None if no text names any.
        swapped: (B,) bool, whether source B is shown first; the rest of what is said holds once they have changed
            places. None if no text says so.
        where: (B, L, R) in [0, 1], of which of these regions each word speaks: that of its sentence. None if no text
            names any.
        pointing: (B, L) in [0, 1], how far the sentence of each word speaks of what is bright in a source, one of
            `film.concepts.PLACES`.
    """

    summary: Tensor
    plain: Tensor
    regions: Tensor | None
    swapped: Tensor | None = None
    where: Tensor | None = None
    pointing: Tensor | None = None


class TextFeatures(NamedTuple):
    """Tokens of B texts, padded to the longest.

    A row whose mask is all False has no words; every fusion stage must accept it.

    Attributes:
        tokens: (B, L, D) features, any real values.
        mask: (B, L) bool, True where a token is a word and False where it is padding.
        said: What the texts say as a whole, once a `film.layers.reader.TextReader` has read them.
    """

    tokens: Tensor
    mask: Tensor
    said: Said | None = None

    @classmethod
    def unpadded(cls, tokens: Tensor) -> "TextFeatures":
        """Take (B, L, D) tokens none of which is padding."""
        if tokens.ndim != 3:
            raise FilmError(f"text features must be (B, L, D), got {tuple(tokens.shape)}")
        return cls(tokens, torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device))

    @classmethod
    def wordless(cls, batch: int, dim: int) -> "TextFeatures":
        """B texts without a word: one masked zero token each."""
        return cls(torch.zeros(batch, 1, dim), torch.zeros(batch, 1, dtype=torch.bool))

    @classmethod
    def stack(cls, texts: Sequence["TextFeatures"]) -> "TextFeatures":
        """Put texts of different lengths into one batch, padding the shorter ones."""
        length = max(text.tokens.shape[1] for text in texts)
        padded = [text.pad(length) for text in texts]
        return cls(torch.cat([text.tokens for text in padded]), torch.cat([text.mask for text in padded]))

    @classmethod
    def join(cls, texts: Sequence["TextFeatures"]) -> "TextFeatures":
        """Join texts of the same batch along tokens; by convention that of source A comes first."""
        return cls(torch.cat([text.tokens for text in texts], 1), torch.cat([text.mask for text in texts], 1))

    def pad(self, length: int) -> "TextFeatures":
        """Add masked zero tokens up to `length`."""
        missing = length - self.tokens.shape[1]
        return TextFeatures(
            torch.nn.functional.pad(self.tokens, (0, 0, 0, missing)),
            torch.nn.functional.pad(self.mask, (0, missing)),
        )

    def expand(self, batch: int) -> "TextFeatures":
        """One text for `batch` pairs; as many texts as that stay as they are."""
        return TextFeatures(self.tokens.expand(batch, -1, -1), self.mask.expand(batch, -1))

    def map(self, change: Callable[[Tensor], Tensor]) -> "TextFeatures":
        """Change the tokens (B, L, D) and keep the mask."""
        return TextFeatures(change(self.tokens), self.mask)

    def to_image(self, image: Tensor) -> "TextFeatures":
        """Move to the device and number format of an image."""
        return TextFeatures(self.tokens.to(image), self.mask.to(image.device))

    def mean(self) -> Tensor:
        """Average the words of each text.

        Returns:
            (B, D); zero for a text without words.
        """
        weight = self.mask.to(self.tokens.dtype).unsqueeze(-1)
        return (self.tokens * weight).sum(1) / weight.sum(1).clamp_min(1)

    def summed(self) -> Said:
        """What the texts say as a whole; the mean of the words, if no reader has read them."""
        if self.said is not None:
            return self.said
        mean = self.mean()
        return Said(mean, mean, None)


def split_sentences(text: str) -> list[str]:
    """Cut a text after full stops, question marks, exclamation marks and semicolons, in any script."""
    return [part for part in re.split(_ENDS, text) if part.strip()]
