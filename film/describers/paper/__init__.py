"""The way of the FILM paper (Zhao et al., ICML 2024, arXiv 2402.02235): three looks at an image, then one paragraph.

A caption says what the whole is, dense captions say what is where, segments say which areas there are; a language model
that doesn't see the image makes one paragraph of them. The paper's own prompt isn't published, this one is ours.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from film.describers.base import Describer, Description, Outcome, Subject
from film.describers.huggingface.batches import Batches, chunks, rgb
from film.describers.huggingface.models import Hardware
from film.describers.paper.base import Captioner, Paragraph, Part, Region, RegionFinder, Segment, Segmenter, Writer
from film.describers.prompts import PROMPT_VERSION, notes_prompt, paragraph
from film.errors import FilmError

if TYPE_CHECKING:
    from PIL import Image

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Notes:
    """What the three looks at one image gave.

    Attributes:
        size: Width and height of the image that the models saw, to which the boxes belong.
        caption: The whole in a sentence.
        regions: What is where.
        segments: Which areas there are, the largest first.
    """

    size: tuple[int, int]
    caption: str
    regions: list[Region]
    segments: list[Segment]

    def details(self) -> dict[str, Any]:
        """The same for the record beside the text."""
        return {
            "size": list(self.size),
            "caption": self.caption,
            "regions": [asdict(region) | {"box": list(region.box)} for region in self.regions],
            "segments": [asdict(segment) | {"box": list(segment.box)} for segment in self.segments],
        }


class PaperDescriber(Describer):
    """Caption, dense captions and segments, each from a model of its own; then one call of a language model.

    Any of the four parts can be another class of `film.describers.paper`, or one of your own. What the three looks gave
    is kept beside each text. Under torchrun each process takes a GPU of its own.

    Args:
        captioner: Says what the whole is.
        region_finder: Says what is where.
        segmenter: Says which areas there are.
        writer: Makes one paragraph of it.
        device: `auto` (CUDA, then MPS, then CPU), `cpu`, `cuda` or `mps`; for all parts that compute here.
        precision: Of their weights: `32`, `bf16` or `16`.
        batch_size: Images under way at once.
        max_side: Larger images are shrunk to so many pixels a side before any model sees them.
        most_regions: Regions told to the writer, the surest first.
        most_segments: Segments told to the writer, the largest first.

    Raises:
        FilmError: The device or precision has no such name, or the batch size isn't positive.
    """

    compares = False  # the parts see one image alone

    def __init__(
        self,
        captioner: Captioner,
        region_finder: RegionFinder,
        segmenter: Segmenter,
        writer: Writer,
        *,
        device: str = "auto",
        precision: str = "32",
        batch_size: int = 4,
        max_side: int = 1024,
        most_regions: int = 12,
        most_segments: int = 8,
    ) -> None:
        self.captioner, self.region_finder, self.segmenter, self.writer = captioner, region_finder, segmenter, writer
        self.hardware = Hardware(device, precision)
        self.batches, self.batch_size, self.max_side = Batches(batch_size), batch_size, max_side
        self.most_regions, self.most_segments = most_regions, most_segments
        self._loaded = False

    def identity(self) -> dict[str, Any]:
        """Every part's class and identity, the prompt, and what of the notes reaches the writer."""
        parts = {
            name: {"class": f"{type(part).__module__}.{type(part).__qualname__}", **part.identity()}
            for name, part in self._parts().items()
        }
        return {
            "describer": "paper",
            **parts,
            "precision": self.hardware.precision,
            "prompt_version": PROMPT_VERSION,
            "max_side": self.max_side,
            "most_regions": self.most_regions,
            "most_segments": self.most_segments,
        }

    def check(self) -> None:
        """Make sure that the device, the models and the key are there."""
        for part in reversed(self._parts().values()):  # a missing key is found in no time, models take longer
            part.check()
        _ = self.hardware.place

    def describe(self, subjects: Iterable[Subject]) -> Iterator[Outcome]:
        """Describe batch by batch, in the order of `subjects`."""
        self._load()
        for batch in chunks(subjects, self.batch_size):
            yield from zip(batch, self._outcomes(batch), strict=True)

    @classmethod
    def tiny(cls) -> "PaperDescriber":
        """Untrained models of a few thousand weights each, the writer among them."""
        from film.describers.paper.captions import ImageCaptioner
        from film.describers.paper.regions import DetectedObjects
        from film.describers.paper.segments import NamedSegments
        from film.describers.paper.writers import LocalWriter

        parts = ImageCaptioner.tiny(), DetectedObjects.tiny(), NamedSegments.tiny(), LocalWriter.tiny()
        return cls(*parts, device="cpu", batch_size=2)

    def _parts(self) -> dict[str, Part]:
        return {
            "captioner": self.captioner,
            "region_finder": self.region_finder,
            "segmenter": self.segmenter,
            "writer": self.writer,
        }

    def _load(self) -> None:
        if not self._loaded:
            for part in self._parts().values():
                part.load(self.hardware)
            self._loaded = True

    def _outcomes(self, batch: list[Subject]) -> list[Description | FilmError]:
        start = time.perf_counter()
        notes = self._look([rgb(subject.picture, self.max_side) for subject in batch])
        prompts = [
            self._prompt(subject, one) for subject, one in zip(batch, notes, strict=True) if isinstance(one, Notes)
        ]
        answers = iter(self._run("writer", self.writer.write, prompts))
        seconds = round((time.perf_counter() - start) / len(batch), 3)
        return [one if isinstance(one, FilmError) else _description(next(answers), one, seconds) for one in notes]

    def _look(self, images: "list[Image.Image]") -> list[Notes | FilmError]:
        """Look at each image three times; where one look fails, what went wrong."""
        captions = self._run("captioner", self.captioner.captions, images)
        regions = self._run("region_finder", self.region_finder.regions, images)
        segments = self._run("segmenter", self.segmenter.segments, images)
        return [_notes(image.size, *looks) for image, *looks in zip(images, captions, regions, segments, strict=True)]

    def _run(self, part: str, function: Callable[[list[T]], Sequence[R | FilmError]], items: list[T]) -> list[Any]:
        results = self.batches.run(function, items)
        return [FilmError(f"{part}: {one}") if isinstance(one, FilmError) else one for one in results]

    def _prompt(self, subject: Subject, notes: Notes) -> str:
        return notes_prompt(
            subject.task,
            subject.side,
            colour=subject.picture.is_colour,
            size=notes.size,
            caption=notes.caption,
            regions=[(region.label, region.box) for region in notes.regions[: self.most_regions]],
            segments=[(one.label, one.box, one.share) for one in notes.segments[: self.most_segments]],
        )


def _notes(size: tuple[int, int], *looks: Any) -> Notes | FilmError:
    failures = (look for look in looks if isinstance(look, FilmError))
    return next(failures, None) or Notes(size, *looks)


def _description(answer: Paragraph | FilmError, notes: Notes, seconds: float) -> Description | FilmError:
    if isinstance(answer, FilmError):
        return answer
    try:
        return Description(
            paragraph(answer.text), {**notes.details(), "writer": dict(answer.details), "seconds": seconds}
        )
    except FilmError as error:
        return error
