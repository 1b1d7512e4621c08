"""The fusion network: encoders, text-guided stages and a decoder, put together."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from film.decoders.base import DecoderFactory
from film.errors import FilmError
from film.fusion.base import FusionStage, FusionStageFactory
from film.image_encoders.base import ImageEncoderFactory
from film.layers.grounding import grounding
from film.layers.reader import TextReader
from film.layers.text import TextFeatures
from film.text_encoders.base import TextEncoder

Text = TextFeatures | Tensor | Sequence[str] | None


class Watched(NamedTuple):
    """What a network made, and which places listened to which words on the way.

    Attributes:
        fused: (B, 1, H, W) the fused luminance.
        attention: (B, L, h, w) weights of the words on a coarse grid, the mean of all stages in which places listen to
            words; None if there is no such stage.
        words: (B, L, D) what the stages heard.
    """

    fused: Tensor
    attention: Tensor | None
    words: TextFeatures

    def grounding(self, place: Tensor) -> Tensor:
        """How well places listened to the words about them, see `film.layers.grounding`, with `place` (B, 1, H, W).

        Raises:
            FilmError: No stage listens to words, or no reader says what they speak of.
        """
        said = self.words.said
        if self.attention is None or said is None or said.pointing is None:
            raise FilmError("grounding needs places that listen to words, as those of GuidedStage, and a text_reader")
        return grounding(self.attention, said.pointing, place)


class FusionNetwork(nn.Module):
    """Encode both sources, exchange under the guidance of the text stage by stage, decode one image.

    Args:
        image_encoder: Builds the encoder of the sources.
        text_encoder: Turns words into tokens; null for a network without text.
        fusion: Builds each fusion stage.
        decoder: Builds the decoder.
        stages: Number of fusion stages.
        shared_image_encoder: Whether both sources go through the same encoder, or each through its own.
        text_width: Project the tokens to this width before the stages; null leaves them as they are.
        text_reader: Read what the text says as a whole, see `film.layers.reader`; needs a text_width.
        border: Except in training, pixels by which the sources are continued on every side, and which the result
            loses again: convolutions that see zeros outside draw lines along the border.
        channels_last: Keep the weights of convolutions in that order, in which small convolutions are faster.
    """

    def __init__(
        self,
        image_encoder: ImageEncoderFactory,
        text_encoder: TextEncoder | None,
        *,
        fusion: FusionStageFactory,
        decoder: DecoderFactory,
        stages: int,
        shared_image_encoder: bool = True,
        text_width: int | None = None,
        text_reader: bool = False,
        border: int = 0,
        channels_last: bool = False,
    ) -> None:
        super().__init__()
        encoders = [image_encoder() for _ in range(1 if shared_image_encoder else 2)]
        channels = encoders[0].out_channels
        self.image_encoders = nn.ModuleList(encoders)
        self.text_encoder = text_encoder
        self.text_dim = text_encoder.dim if text_encoder else 1
        width = text_width or self.text_dim
        self.text_projection = nn.Linear(self.text_dim, width) if text_width and not text_reader else nn.Identity()
        begins = text_encoder.sentence_tokens if text_encoder is not None else 0
        self.text_reader = TextReader(self.text_dim, width=width, begins=begins) if text_reader else None
        self.stages = nn.ModuleList(fusion(channels=channels, text_dim=width, index=i) for i in range(stages))
        self.border = border
        self.decoder = decoder(channels=channels, text_dim=width, stride=encoders[0].stride)
        if channels_last:
            self.to(memory_format=torch.channels_last)

    def forward(self, a: Tensor, b: Tensor, text: Text = None, *, named: Tensor | None = None) -> Tensor:
        """Fuse.

        Args:
            a: (B, 1, H, W) luminance of source A in [0, 1].
            b: (B, 1, H, W) luminance of source B in [0, 1].
            text: TextFeatures, a (B, L, D) tensor without padding, B strings, or None for no words.
            named: (B, concepts) what the texts name, where that is known; a text reader takes it as given.

        Returns:
            (B, 1, H, W) fused luminance, in [0, 1] in evaluation mode.

        Raises:
            FilmError: The text doesn't fit the batch or the network's text width.
        """
        return self._fuse(a, b, self._hear(a, text, named))

    def _hear(self, a: Tensor, text: Text, named: Tensor | None) -> TextFeatures:
        return self.read(self._text_features(text, len(a)).to_image(a), named)

    def _fuse(self, a: Tensor, b: Tensor, words: TextFeatures) -> Tensor:
        a, b = (F.pad(source, 4 * [self._beyond], mode="replicate") for source in _in_order(a, b, words))
        sources = (a, b)
        a, b = self.image_encoders[0](a), self.image_encoders[-1](b)
        for stage in self.stages:
            a, b = stage(a, b, words)
        return F.pad(self.decoder(a, b, sources, words), 4 * [-self._beyond])

    def watch(self, a: Tensor, b: Tensor, text: Text = None, *, named: Tensor | None = None) -> Watched:
        """Fuse as `forward` does, and see which places listened to which words."""
        words = self._hear(a, text, named)
        stages = [stage for stage in self.stages if isinstance(stage, FusionStage)]
        for stage in stages:
            stage.watched = True
        try:
            fused = self._fuse(a, b, words)
            seen = [self._inside(stage.seen, a.shape[-1]) for stage in stages if stage.seen is not None]
        finally:
            for stage in stages:
                stage.watched, stage.seen = False, None
        return Watched(fused, torch.stack(seen).mean(0) if seen else None, words)

    @property
    def _beyond(self) -> int:
        """Pixels by which images are continued now."""
        return 0 if self.training else self.border

    def _inside(self, seen: Tensor, width: int) -> Tensor:
        """Weights (B, L, h, w) of an image so wide, without those of the border."""
        return F.pad(seen, 4 * [-round(self._beyond * seen.shape[-1] / (width + 2 * self._beyond))])

    def read(self, words: TextFeatures, named: Tensor | None = None) -> TextFeatures:
        """What the stages hear of words (B, L, D): projected ones, or what a reader makes of them and of `named`."""
        return self.text_reader(words, named) if self.text_reader else words.map(self.text_projection)

    def encode_text(self, texts: Sequence[str]) -> TextFeatures:
        """Turn B strings into tokens (B, L, D) with a mask; without a text encoder they have no words."""
        if self.text_encoder is None:
            return TextFeatures.wordless(len(texts), self.text_dim)
        return self.text_encoder(texts)

    def _text_features(self, text: Text, batch: int) -> TextFeatures:
        if text is None:
            return TextFeatures.wordless(batch, self.text_dim)
        if isinstance(text, Tensor):
            text = TextFeatures.unpadded(text)
        elif not isinstance(text, TextFeatures):
            text = self.encode_text(text)
        if len(text.tokens) != batch:
            raise FilmError(f"{len(text.tokens)} texts for {batch} pairs; give one text a pair")
        if text.tokens.shape[-1] != self.text_dim:
            raise FilmError(
                f"text features are {text.tokens.shape[-1]} wide, the network reads {self.text_dim}; "
                "encode the text with the encoder the network was trained with"
            )
        return text


def _in_order(a: Tensor, b: Tensor, words: TextFeatures) -> tuple[Tensor, Tensor]:
    """The sources, exchanged where the words say that B comes first."""
    if words.said is None or words.said.swapped is None:
        return a, b
    swapped = words.said.swapped.view(-1, 1, 1, 1)
    return torch.where(swapped, b, a), torch.where(swapped, a, b)
