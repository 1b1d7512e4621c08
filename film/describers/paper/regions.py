"""Dense captions with boxes: Florence-2 (Xiao et al., CVPR 2024, arXiv 2311.06242), or an object detector.

The paper used GRIT, of which transformers has no version.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from film.describers.huggingface import tiny
from film.describers.huggingface.answers import generate
from film.describers.huggingface.models import Hardware, Pretrained
from film.describers.paper.base import Box, Region, RegionFinder
from film.errors import FilmError

if TYPE_CHECKING:
    from PIL import Image

_FLORENCE_TASKS = ("<DENSE_REGION_CAPTION>", "<OD>")


class FlorenceRegions(RegionFinder):
    """Florence-2 says regions and their captions in one answer.

    Args:
        model: Id on the Hugging Face hub, or a folder; in the form of transformers itself, as
            `florence-community/Florence-2-large` has it, not the one with code of its own.
        revision: Branch, tag or commit on the hub; None for its main branch.
        task: `<DENSE_REGION_CAPTION>` for phrases, `<OD>` for names of objects.
        max_new_tokens: Where the answer ends at the latest; a region takes about ten.

    Raises:
        FilmError: There is no such task.
    """

    def __init__(
        self,
        model: str,
        *,
        revision: str | None = None,
        task: str = "<DENSE_REGION_CAPTION>",
        max_new_tokens: int = 512,
    ) -> None:
        if task not in _FLORENCE_TASKS:
            raise FilmError(f"unknown task {task!r} of Florence-2; choose from {', '.join(_FLORENCE_TASKS)}")
        self.model, self.task, self.max_new_tokens = Pretrained(model, revision), task, max_new_tokens

    def identity(self) -> dict[str, Any]:
        """Model, revision, task and length."""
        return {**self.model.identity(), "task": self.task, "max_new_tokens": self.max_new_tokens}

    def check(self) -> None:
        """Make sure that the model is there."""
        self.model.check()

    def load(self, hardware: Hardware) -> None:
        """Load model and processor."""
        self._processor = self.model.processor()
        self._model = self.model.load("AutoModelForImageTextToText", hardware)

    def regions(self, images: "list[Image.Image]") -> list[list[Region]]:
        """Regions in the order in which the model says them."""
        inputs = self._processor(images=images, text=[self.task] * len(images), return_tensors="pt", padding=True)
        answers = generate(self._model, inputs, self._processor, max_new_tokens=self.max_new_tokens, special=True)
        return [self._parse(answer.text, image.size) for answer, image in zip(answers, images, strict=True)]

    def _parse(self, answer: str, size: tuple[int, int]) -> list[Region]:
        found = self._processor.post_process_generation(text=answer, task=self.task, image_size=size)[self.task]
        return _regions(found["labels"], found["bboxes"], None, size)

    @classmethod
    def tiny(cls) -> "FlorenceRegions":
        """An untrained Florence-2."""
        return cls(str(tiny.florence()), max_new_tokens=12)


class DetectedObjects(RegionFinder):
    """An object detector with fixed classes: DETR, RT-DETR, D-FINE, YOLOS and others.

    Args:
        model: Id on the Hugging Face hub, or a folder.
        revision: Branch, tag or commit on the hub; None for its main branch.
        threshold: Objects that the model is less sure of are left out.
    """

    def __init__(self, model: str, *, revision: str | None = None, threshold: float = 0.5) -> None:
        self.model, self.threshold = Pretrained(model, revision), threshold

    def identity(self) -> dict[str, Any]:
        """Model, revision and threshold."""
        return {**self.model.identity(), "threshold": self.threshold}

    def check(self) -> None:
        """Make sure that the model is there."""
        self.model.check()

    def load(self, hardware: Hardware) -> None:
        """Load model and image processor."""
        self._processor = self.model.processor("AutoImageProcessor")
        self._model = self.model.load("AutoModelForObjectDetection", hardware)

    def regions(self, images: "list[Image.Image]") -> list[list[Region]]:
        """Objects, the surest first; image by image, as some detectors look at the padding of smaller ones too."""
        return [self._found(image) for image in images]

    def _found(self, image: "Image.Image") -> list[Region]:
        outputs = _forward(self._model, self._processor(images=image, return_tensors="pt"))
        (found,) = self._processor.post_process_object_detection(
            outputs, threshold=self.threshold, target_sizes=[image.size[::-1]]
        )
        names = [self._model.config.id2label[int(label)] for label in found["labels"]]
        return _regions(names, found["boxes"], found["scores"], image.size)

    @classmethod
    def tiny(cls) -> "DetectedObjects":
        """An untrained YOLOS, asked for everything."""
        return cls(str(tiny.yolos()), threshold=0.0)


class NamedObjects(RegionFinder):
    """A detector that looks for what words name: Grounding DINO, OWL-ViT, OWLv2.

    Args:
        model: Id on the Hugging Face hub, or a folder.
        labels: What to look for: `a person`, `a traffic light`, …
        revision: Branch, tag or commit on the hub; None for its main branch.
        threshold: Objects that the model is less sure of are left out.

    Raises:
        FilmError: There are no labels.
    """

    def __init__(self, model: str, labels: list[str], *, revision: str | None = None, threshold: float = 0.3) -> None:
        if not labels:
            raise FilmError("labels is empty; name what to look for")
        self.model, self.labels, self.threshold = Pretrained(model, revision), list(labels), threshold

    def identity(self) -> dict[str, Any]:
        """Model, revision, labels and threshold."""
        return {**self.model.identity(), "labels": self.labels, "threshold": self.threshold}

    def check(self) -> None:
        """Make sure that the model is there."""
        self.model.check()

    def load(self, hardware: Hardware) -> None:
        """Load model and processor."""
        self._processor = self.model.processor()
        self._model = self.model.load("AutoModelForZeroShotObjectDetection", hardware)

    def regions(self, images: "list[Image.Image]") -> list[list[Region]]:
        """Objects, the surest first; image by image, as in `DetectedObjects`."""
        return [self._found(image) for image in images]

    def _found(self, image: "Image.Image") -> list[Region]:
        labels = [self.labels]
        outputs = _forward(self._model, self._processor(images=image, text=labels, return_tensors="pt", padding=True))
        (found,) = self._processor.post_process_grounded_object_detection(
            outputs, threshold=self.threshold, target_sizes=[image.size[::-1]], text_labels=labels
        )
        return _regions(found["text_labels"], found["boxes"], found["scores"], image.size)

    @classmethod
    def tiny(cls) -> "NamedObjects":
        """An untrained OWL-ViT, asked for everything."""
        return cls(str(tiny.owl()), ["a person", "a car"], threshold=0.0)


def _forward(model: Any, inputs: Any) -> Any:
    import torch

    with torch.inference_mode():
        return model(**inputs.to(model.device, model.dtype))


def _regions(
    labels: Sequence[str], boxes: Iterable[Any], scores: Sequence[Any] | None, size: tuple[int, int]
) -> list[Region]:
    """Whole boxes inside the image with a name, the surest first; where there are no scores, as they came."""
    width, height = size
    found: dict[tuple[str, Box], Region] = {}  # some models say the same thing twice
    for i, (label, box) in enumerate(zip(labels, boxes, strict=True)):
        left, top, right, bottom = (round(float(value)) for value in box)
        inside = max(0, left), max(0, top), min(width, right), min(height, bottom)
        if label.strip() and inside[0] < inside[2] and inside[1] < inside[3]:
            score = None if scores is None else round(float(scores[i]), 3)
            found.setdefault((label.strip(), inside), Region(label.strip(), inside, score))
    return sorted(found.values(), key=lambda region: -(region.score or 0))
