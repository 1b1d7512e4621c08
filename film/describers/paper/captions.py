"""Captions: BLIP-2 (Li et al., ICML 2023, arXiv 2301.12597), as in the paper, or any other image-to-text model."""

from typing import TYPE_CHECKING, Any

from film.describers.huggingface import tiny
from film.describers.huggingface.answers import generate
from film.describers.huggingface.models import Hardware, Pretrained
from film.describers.paper.base import Captioner

if TYPE_CHECKING:
    from PIL import Image


class ImageCaptioner(Captioner):
    """An image-to-text model of transformers: BLIP-2, BLIP, InstructBLIP, GIT, Florence-2.

    Args:
        model: Id on the Hugging Face hub, or a folder.
        revision: Branch, tag or commit on the hub; None for its main branch.
        prompt: Words for the model: a beginning to go on from (`a photo of`), a question, or a task of Florence-2
            (`<DETAILED_CAPTION>`); None lets it begin by itself.
        max_new_tokens: Where a caption ends at the latest.
    """

    def __init__(
        self, model: str, *, revision: str | None = None, prompt: str | None = None, max_new_tokens: int = 40
    ) -> None:
        self.model, self.prompt, self.max_new_tokens = Pretrained(model, revision), prompt, max_new_tokens

    def identity(self) -> dict[str, Any]:
        """Model, revision, prompt and length."""
        return {**self.model.identity(), "prompt": self.prompt, "max_new_tokens": self.max_new_tokens}

    def check(self) -> None:
        """Make sure that the model is there."""
        self.model.check()

    def load(self, hardware: Hardware) -> None:
        """Load model and processor."""
        self._processor = self.model.processor(continues=True)
        self._model = self.model.load("AutoModelForImageTextToText", hardware)

    def captions(self, images: "list[Image.Image]") -> list[str]:
        """One caption an image, the likeliest words."""
        words = {} if self.prompt is None else {"text": [self.prompt] * len(images), "padding": True}
        inputs = self._processor(images=images, return_tensors="pt", **words)
        answers = generate(self._model, inputs, self._processor, max_new_tokens=self.max_new_tokens)
        return [" ".join(answer.text.split()) for answer in answers]

    @classmethod
    def tiny(cls) -> "ImageCaptioner":
        """An untrained BLIP."""
        return cls(str(tiny.blip()), max_new_tokens=6)
