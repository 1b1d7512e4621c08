"""Segments with names: Segment Anything (Kirillov et al., ICCV 2023, arXiv 2304.02643), or a segmentation model."""

import dataclasses
import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np

from film.describers.huggingface import tiny
from film.describers.huggingface.models import Hardware, Pretrained
from film.describers.paper.base import Box, Segment, Segmenter
from film.errors import FilmError

if TYPE_CHECKING:
    from PIL import Image


class SegmentAnything(Segmenter):
    """Segment Anything finds the areas, and a model that compares images with words names the largest of them.

    It needs torchvision.

    Args:
        model: Segment Anything: id on the Hugging Face hub, or a folder; SAM, SAM-HQ or SAM 2.
        namer: The model that names: CLIP, SigLIP, …; id or folder.
        labels: The names it may choose from.
        revision: Branch, tag or commit of `model` on the hub; None for its main branch.
        namer_revision: The same of `namer`.
        points: Points a side of the grid that is asked what lies there; fewer are faster and find less that is small.
        points_at_once: How many of them are answered together, which decides the memory.
        quality: Masks that the model itself rates lower are left out, from 0 to 1; lower it for images unlike photos.
        stability: The same for masks whose outline is vague.
        largest: Number of areas that get a name, the largest first.
        threshold: Names that the namer is less sure of are left out; 0 keeps all.

    Raises:
        FilmError: There are fewer than two labels.
    """

    def __init__(
        self,
        model: str,
        namer: str,
        labels: list[str],
        *,
        revision: str | None = None,
        namer_revision: str | None = None,
        points: int = 32,
        points_at_once: int = 64,
        quality: float = 0.88,
        stability: float = 0.95,
        largest: int = 12,
        threshold: float = 0.0,
    ) -> None:
        if len(labels) < 2:
            raise FilmError(f"labels is {labels}; give at least two names to choose from")
        self.model, self.namer = Pretrained(model, revision), Pretrained(namer, namer_revision)
        self.labels, self.points, self.points_at_once = list(labels), points, points_at_once
        self.quality, self.stability, self.largest, self.threshold = quality, stability, largest, threshold

    def identity(self) -> dict[str, Any]:
        """Both models and all that decides which areas get which name."""
        return {
            **self.model.identity(),
            "namer": self.namer.identity(),
            "labels": self.labels,
            "points": self.points,
            "quality": self.quality,
            "stability": self.stability,
            "largest": self.largest,
            "threshold": self.threshold,
        }

    def check(self) -> None:
        """Make sure that both models and torchvision are there."""
        if importlib.util.find_spec("torchvision") is None:
            raise FilmError(
                "Segment Anything needs torchvision: pip install torchvision, or take NamedSegments instead"
            )
        self.model.check()
        self.namer.check()

    def load(self, hardware: Hardware) -> None:
        """Load both models; Segment Anything computes with 32 bits, as what sorts its masks takes no others."""
        self._masks = self.model.pipeline("mask-generation", dataclasses.replace(hardware, precision="32"))
        self._processor = self.namer.processor()
        self._namer = self.namer.load("AutoModelForZeroShotImageClassification", hardware)

    def segments(self, images: "list[Image.Image]") -> list[list[Segment]]:
        """The largest areas with their likeliest names."""
        return [self._named(image, self._areas(image)) for image in images]

    def _areas(self, image: "Image.Image") -> list[tuple[Box, float]]:
        found = self._masks(
            image,
            points_per_crop=self.points,
            points_per_batch=self.points_at_once,
            pred_iou_thresh=self.quality,
            stability_score_thresh=self.stability,
        )
        areas = [_extent(np.asarray(mask)) for mask in found["masks"]]
        return sorted(filter(None, areas), key=lambda area: -area[1])[: self.largest]

    def _named(self, image: "Image.Image", areas: list[tuple[Box, float]]) -> list[Segment]:
        import torch

        if not areas:
            return []
        inputs = self._processor(
            images=[image.crop(box) for box, _ in areas],
            text=[f"a photo of {label}" for label in self.labels],
            return_tensors="pt",
            padding="max_length" if "siglip" in self._namer.config.model_type else True,  # as it was trained
        )
        with torch.inference_mode():
            logits = self._namer(**inputs.to(self._namer.device, self._namer.dtype)).logits_per_image.float()
        scores, best = logits.softmax(-1).max(-1)
        return [
            Segment(self.labels[label], box, share)
            for (box, share), score, label in zip(areas, scores.tolist(), best.tolist(), strict=True)
            if score >= self.threshold
        ]

    @classmethod
    def tiny(cls) -> "SegmentAnything":
        """An untrained Segment Anything and an untrained CLIP."""
        labels = ["a person", "the road", "the sky"]
        return cls(str(tiny.sam()), str(tiny.clip()), labels, points=3, quality=-1e9, stability=0.0)


class NamedSegments(Segmenter):
    """A model that segments and names at once: Mask2Former, MaskFormer, DETR (panoptic), SegFormer, UperNet and others.

    Args:
        model: Id on the Hugging Face hub, or a folder.
        revision: Branch, tag or commit on the hub; None for its main branch.
        threshold: Segments that the model is less sure of are left out, where it says so at all.
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
        self._pipeline = self.model.pipeline("image-segmentation", hardware)

    def segments(self, images: "list[Image.Image]") -> list[list[Segment]]:
        """Things and areas of each image, the largest first."""
        return [self._found(image) for image in images]

    def _found(self, image: "Image.Image") -> list[Segment]:
        found = [
            (one["label"], _extent(np.asarray(one["mask"]) > 0))
            for one in self._pipeline(image, threshold=self.threshold)
        ]
        segments = [Segment(label, *extent) for label, extent in found if extent is not None]
        return sorted(segments, key=lambda segment: -segment.share)

    @classmethod
    def tiny(cls) -> "NamedSegments":
        """An untrained SegFormer."""
        return cls(str(tiny.segformer()))


def _extent(mask: np.ndarray) -> tuple[Box, float] | None:
    """Box and share of the area of a mask (H, W); None of an empty one."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows) == 0:
        return None
    box = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    return box, round(float(mask.mean()), 4)
