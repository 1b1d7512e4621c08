"""What every fusion metric promises."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor
from torchmetrics import Metric

from film.errors import FilmError
from film.metrics.base.pair import Pair


class FusionMetric(Metric, ABC):
    """Mean over images of a measure of a fused image, on luminance 0 to 255.

    A subclass sets the class attributes and `measure`. Sums and counts are kept, so that ranks with different numbers
    of images together give what one process gives. Images without a value (smaller than `min_side`, or with NaN in
    them) are not counted by `compute`; where none has one it returns NaN.

    Args:
        double: Measure and sum in float64, as for tables; else in float32.

    Attributes:
        name: What tables, YAML and the command line call it.
        needs_sources: Whether it compares with the sources.
        min_side: Shortest side of an image that it can measure, in pixels.
        higher_is_better: Its direction; None where neither is.
    """

    name: ClassVar[str]
    needs_sources: ClassVar[bool] = True
    min_side: ClassVar[int] = 2
    higher_is_better: bool | None = True
    is_differentiable: bool = True
    full_state_update: bool = False
    total: Tensor
    count: Tensor

    def __init__(self, *, double: bool = False) -> None:
        super().__init__()
        self.double_precision = double
        dtype = torch.float64 if double else torch.float32
        self.add_state("total", torch.zeros((), dtype=dtype), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    @staticmethod
    @abstractmethod
    def measure(pair: Pair) -> Tensor:
        """Measure each image.

        Args:
            pair: B images with their sources, at least `min_side` wide and high.

        Returns:
            (B,) values.
        """

    @classmethod
    def values(cls, pair: Pair) -> Tensor:
        """(B,) values, NaN for images that are too small or hold NaN."""
        if pair.shortest_side < cls.min_side:
            return pair.fused.new_full((len(pair.fused),), torch.nan)
        with torch.autocast(pair.fused.device.type, enabled=False):
            return cls.measure(pair).masked_fill(~pair.shared(Pair.finite), torch.nan)

    @classmethod
    def of(cls, fused: Tensor, a: Tensor | None = None, b: Tensor | None = None) -> Tensor:
        """Measure images in the precision that they have.

        Args:
            fused: (B, 1, H, W) luminance, 0 to 255.
            a: Source A, likewise.
            b: Source B, likewise.

        Returns:
            (B,) values.

        Raises:
            FilmError: Images are too small for this metric, of unequal shapes, or a source is missing.
        """
        pair = Pair(fused, a, b)
        if reason := cls.unfit(*fused.shape[-2:]):
            raise FilmError(reason)
        return cls.values(pair)

    @classmethod
    def unfit(cls, height: int, width: int) -> str | None:
        """Why images of this size have no value, or None where they have one."""
        if min(height, width) >= cls.min_side:
            return None
        return f"{cls.name} needs images of at least {cls.min_side}x{cls.min_side} pixels, got {width}x{height}"

    def update(self, fused: Tensor | Pair, a: Tensor | None = None, b: Tensor | None = None) -> None:
        """Add images.

        Args:
            fused: (B, 1, H, W) luminance, 0 to 255; or a pair that several metrics share.
            a: Source A, likewise.
            b: Source B, likewise.
        """
        pair = fused if isinstance(fused, Pair) else self.pair(fused, a, b)
        values = self.values(pair).to(self.total)
        self.total = self.total + values.nansum()
        self.count = self.count + values.isfinite().sum()

    def pair(self, fused: Tensor, a: Tensor | None, b: Tensor | None) -> Pair:
        """The images in the precision of this metric."""
        dtype = torch.float64 if self.double_precision else torch.float32
        return Pair(*(None if image is None else image.to(dtype) for image in (fused, a, b)))  # type: ignore[arg-type]

    def compute(self) -> Tensor:
        """Mean over all images that have a value."""
        return self.total / self.count
