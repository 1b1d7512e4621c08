"""Text that arrives as features, such as those published with the VLF data set."""

from collections.abc import Sequence

from film.errors import FilmError
from film.layers.text import TextFeatures
from film.text_encoders.base import TextEncoder


class PrecomputedText(TextEncoder):
    """Says how wide the given features are; knows no words itself.

    Only the empty text can be encoded: it has no words.

    Args:
        dim: Width D of the features, 768 for the BLIP-2 Q-Former of FILM.
    """

    reads_words = False

    def __init__(self, dim: int = 768) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, texts: Sequence[str]) -> TextFeatures:
        """Empty texts to (B, 1, D) features without words; anything else is refused."""
        if words := next((text for text in texts if text.strip()), None):
            raise FilmError(
                f"this model reads text features {self.dim} wide and cannot encode the words {words[:40]!r}; "
                "give it a (B, L, D) tensor, or a feature file with --text-features"
            )
        return TextFeatures.wordless(len(texts), self.dim)

    @classmethod
    def tiny(cls) -> "PrecomputedText":
        """Eight wide."""
        return cls(dim=8)
