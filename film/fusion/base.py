"""What every fusion stage promises."""

from abc import ABC, abstractmethod
from typing import Protocol

from torch import Tensor, nn

from film.layers.text import TextFeatures


class FusionStage(nn.Module, ABC):
    """One of the M stages between encoder and decoder: features of A and B in, features of A and B out.

    A stage may ignore the text, but accepts any: of any length, padded, or without a word.

    Attributes:
        watched: Whether the stage is to keep, in `seen`, which words its places listen to; costs memory.
        seen: (B, L, h, w) weights of the words at every place in the last call, each place summing to at most 1; None
            for a stage that isn't watched, or in which places don't listen to words.
    """

    watched: bool = False
    seen: Tensor | None = None

    @abstractmethod
    def forward(self, a: Tensor, b: Tensor, text: TextFeatures) -> tuple[Tensor, Tensor]:
        """Refine the features of both sources under the guidance of the text.

        Args:
            a: (B, C, H, W) features of source A.
            b: (B, C, H, W) features of source B.
            text: Tokens (B, L, D) and their mask.

        Returns:
            The new features of A and B, each (B, C, H, W).
        """

    @classmethod
    def tiny(cls, *, channels: int, text_dim: int, index: int) -> "FusionStage":
        """Build an instance of a few weights, for tests."""
        return cls(channels=channels, text_dim=text_dim, index=index)


class FusionStageFactory(Protocol):
    """Builds a stage; the network knows the widths, YAML gives the rest."""

    def __call__(self, *, channels: int, text_dim: int, index: int) -> FusionStage:
        """Build stage number `index` (0 first) for `channels` image features and tokens `text_dim` wide."""
        ...
