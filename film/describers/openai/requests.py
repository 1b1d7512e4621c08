"""What is sent for one image: the picture as a base64 data URL with the prompt of its kind, and what that will cost."""

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from film.describers.base import Subject
from film.describers.prompts import PROMPT_VERSION, prompt
from film.errors import FilmError
from film.imaging.picture import Picture

MAX_BYTES = 20_000_000  # of one encoded image; the official endpoint takes no larger one
_PATCH, _MOST_PATCHES = 32, 1536  # px; larger images are shrunk by the servers that count like this
_PER_PATCH = 1.7  # tokens, of models that the prices don't know; LLaVA and Qwen-VL need 1.3 to 1.6
_LETTERS_PER_TOKEN, _FRAME = 4, 20  # of English, and tokens of the chat template
_WORDS = 130  # tokens of a paragraph of the longest kind that the prompt allows


@dataclass(frozen=True)
class Tokens:
    """Tokens of one call or of many.

    Attributes:
        prompt: With the images.
        answer: With hidden thoughts.
    """

    prompt: int
    answer: int

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(self.prompt + other.prompt, self.answer + other.answer)

    def __sub__(self, other: "Tokens") -> "Tokens":
        return Tokens(self.prompt - other.prompt, self.answer - other.answer)

    @property
    def total(self) -> int:
        """Both together."""
        return self.prompt + self.answer


@dataclass(frozen=True)
class Form:
    """How one image becomes one request.

    Attributes:
        model: Name of the model as the server knows it.
        max_side: Longest side sent, in pixels; larger images are shrunk.
        image_format: `jpeg` or `png`.
        quality: Of JPEG, 1 to 100.
        answer_tokens: Most tokens of an answer.
        official: The endpoint is OpenAI's, which names that limit otherwise.
        compare: The partner is sent as a second image.
        detail: `low`, `high` or `auto` of OpenAI's image inputs; None leaves it to the server.
        temperature: Of sampling; None leaves it to the server.
        seed: Of sampling; None sends none.
        extra_body: Further fields of the request.
        per_patch: Tokens the model counts for 32x32 pixels; None if not known.
    """

    model: str
    max_side: int
    image_format: str
    quality: int
    answer_tokens: int
    official: bool
    compare: bool
    detail: str | None
    temperature: float | None
    seed: int | None
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    per_patch: float | None = None

    def identity(self) -> dict[str, Any]:
        """All that changes the words of an answer; the server's address doesn't."""
        quality = {"quality": self.quality} if self.image_format == "jpeg" else {}
        return {
            "describer": "openai",
            "model": self.model,
            "prompt_version": PROMPT_VERSION,
            "max_side": self.max_side,
            "image_format": self.image_format,
            **quality,
            "compare": self.compare,
            "detail": self.detail,
            "temperature": self.temperature,
            "seed": self.seed,
            "extra_body": dict(self.extra_body),
        }

    def body(self, subject: Subject) -> dict[str, Any]:
        """Write the request for one image.

        Raises:
            FilmError: The image is too large even when it is shrunk.
        """
        content: list[dict[str, Any]] = [{"type": "text", "text": self._words(subject)}]
        for picture in self._pictures(subject):
            url: dict[str, Any] = {"url": self._data_url(picture)}
            content.append({"type": "image_url", "image_url": url | ({"detail": self.detail} if self.detail else {})})
        # OpenAI's newer models refuse the old name of the limit, other servers may not know the new one.
        limit = "max_completion_tokens" if self.official else "max_tokens"
        optional = {"temperature": self.temperature, "seed": self.seed}
        return {
            "model": self.model,
            "messages": [{"role": "user", "content": content}],
            limit: self.answer_tokens,
            **{name: value for name, value in optional.items() if value is not None},
            **self.extra_body,
        }

    def most(self, subject: Subject) -> Tokens:
        """Guess the tokens of the prompt with its images; the answer is as long as it may be."""
        patches = sum(self._patches(picture) for picture in self._pictures(subject))
        images = patches * (_PER_PATCH if self.per_patch is None else self.per_patch)
        words = len(self._words(subject)) / _LETTERS_PER_TOKEN
        return Tokens(math.ceil(images + words) + _FRAME, self.answer_tokens)

    def likely(self, subject: Subject) -> Tokens:
        """Guess the tokens with an answer of a hundred words."""
        return Tokens(self.most(subject).prompt, min(_WORDS, self.answer_tokens))

    def _pictures(self, subject: Subject) -> list[Picture]:
        return [subject.picture, subject.partner] if self.compare and subject.partner else [subject.picture]

    def _words(self, subject: Subject) -> str:
        compared = len(self._pictures(subject)) > 1
        return prompt(subject.task, subject.side, colour=subject.picture.is_colour, compared=compared)

    def _patches(self, picture: Picture) -> int:
        width, height = _shrunk(picture.size, self.max_side)
        return min(math.ceil(width / _PATCH) * math.ceil(height / _PATCH), _MOST_PATCHES)

    def _data_url(self, picture: Picture) -> str:
        data = encode(picture, max_side=self.max_side, image_format=self.image_format, quality=self.quality)
        if len(data) > MAX_BYTES:
            raise FilmError(
                f"image too large: {len(data) / 1e6:.0f} MB as {self.image_format}, at most {MAX_BYTES / 1e6:.0f}; "
                f"choose a max_side below {self.max_side}, or image_format jpeg"
            )
        return f"data:image/{self.image_format};base64,{base64.b64encode(data).decode()}"


def encode(picture: Picture, *, max_side: int, image_format: str, quality: int) -> bytes:
    """Shrink a picture to `max_side` and encode it with 8 bits as `jpeg` or `png`; OpenCV lets other threads run."""
    pixels = picture.pixels
    size = _shrunk(picture.size, max_side)
    if size != picture.size:
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    pixels = Picture(pixels).as_depth(8).pixels
    if pixels.ndim == 3:
        pixels = np.ascontiguousarray(pixels[..., ::-1])
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if image_format == "jpeg" else []
    return cv2.imencode(f".{image_format}", pixels, options)[1].tobytes()


def _shrunk(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    scale = min(1.0, max_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
