"""The parts of the paper's pipeline: what each one promises."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from film.describers.huggingface.models import Hardware
from film.errors import FilmError

if TYPE_CHECKING:
    from PIL import Image

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Region:
    """A part of an image, in words.

    Attributes:
        label: What is there.
        box: Left, top, right and bottom, in pixels of the image that the models have seen.
        score: How sure the model is, from 0 to 1; None where it doesn't say.
    """

    label: str
    box: Box
    score: float | None = None


@dataclass(frozen=True)
class Segment:
    """An area of an image, with its name.

    Attributes:
        label: What it is.
        box: The smallest box around it, as in `Region`.
        share: Of the area of the image, from 0 to 1.
    """

    label: str
    box: Box
    share: float


@dataclass(frozen=True)
class Paragraph:
    """What a writer made of the notes.

    Attributes:
        text: As it came, unchecked.
        details: How it was made: tokens, and where they end.
    """

    text: str
    details: Mapping[str, Any] = field(default_factory=dict)


class Part(ABC):
    """One step of the pipeline with its own models, which it loads when it is told where to."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What its result depends on besides the image: models, revisions, parameters; JSON values, nothing secret."""

    @abstractmethod
    def check(self) -> None:
        """Find out whether it can work, without loading anything large.

        Raises:
            FilmError: It can't, and why.
        """

    @abstractmethod
    def load(self, hardware: Hardware) -> None:
        """Get ready; done once, before the first use.

        Raises:
            FilmError: A model can't be loaded.
        """

    @classmethod
    @abstractmethod
    def tiny(cls) -> "Part":
        """Build one whose models are untrained and tiny, for tests."""


class Captioner(Part):
    """The whole of an image in a sentence."""

    @abstractmethod
    def captions(self, images: "list[Image.Image]") -> list[str]:
        """A caption for each RGB image."""


class RegionFinder(Part):
    """What is where: dense captions, or objects, with their boxes."""

    @abstractmethod
    def regions(self, images: "list[Image.Image]") -> list[list[Region]]:
        """The regions of each RGB image, the surest first where the model says how sure it is."""


class Segmenter(Part):
    """Which areas an image consists of."""

    @abstractmethod
    def segments(self, images: "list[Image.Image]") -> list[list[Segment]]:
        """The segments of each RGB image, the largest first."""


class Writer(Part):
    """The language model that makes one paragraph of all that."""

    @abstractmethod
    def write(self, prompts: Sequence[str]) -> list[Paragraph | FilmError]:
        """Answer each prompt, or say why not.

        Raises:
            FilmError: No prompt can be answered: a wrong key, an unknown model.
        """
