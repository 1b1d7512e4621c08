"""A fused image with its two sources, and what several metrics compute of them, computed once."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor

from film.errors import FilmError

Result = TypeVar("Result")


class Pair:
    """A batch of fused images with their sources, luminance on the scale 0 to 255.

    Args:
        fused: (B, 1, H, W), floating or integer; half precision is widened to float32.
        a: Source A, the same shape; None where only metrics of the fused image alone are asked for.
        b: Source B, likewise.
        padding: What the Sobel filters of Qabf see around the images: `constant` zeros, as the field measures it, or
            `replicate` for a loss, to which brightness along the border would else be an edge.

    Attributes:
        fused: (B, H, W).
        sources: (2, B, H, W), A and B.

    Raises:
        FilmError: A shape is not (B, 1, H, W), or the shapes differ.
    """

    def __init__(
        self, fused: Tensor, a: Tensor | None = None, b: Tensor | None = None, *, padding: str = "constant"
    ) -> None:
        for name, image in (("fused", fused), ("a", a), ("b", b)):
            if image is not None and (image.ndim != 4 or image.shape[1] != 1):
                raise FilmError(f"{name} must be luminance (B, 1, H, W), got {tuple(image.shape)}")
            if image is not None and image.shape != fused.shape:
                raise FilmError(f"{name} is {tuple(image.shape)} but fused is {tuple(fused.shape)}; sizes must agree")
        self.fused = _floating(fused).squeeze(1)
        self._sources = None if a is None or b is None else torch.stack([_floating(a), _floating(b)]).squeeze(2)
        self.padding = padding
        self._shared: dict[Any, Any] = {}

    @property
    def sources(self) -> Tensor:
        """(2, B, H, W), A and B.

        Raises:
            FilmError: The pair has no sources.
        """
        if self._sources is None:
            raise FilmError("this metric compares the fused image with both sources: give a and b")
        return self._sources

    @property
    def has_sources(self) -> bool:
        """Whether both sources are there."""
        return self._sources is not None

    @property
    def shortest_side(self) -> int:
        """The smaller of height and width."""
        return min(self.fused.shape[-2:])

    def shared(self, function: Callable[["Pair"], Result]) -> Result:
        """What `function` computes of this pair, computed at the first call and kept."""
        if function not in self._shared:
            self._shared[function] = function(self)
        return self._shared[function]

    def finite(self) -> Tensor:
        """(B,) bool, False for a pair with NaN or infinity in it."""
        total = self.fused.sum((-2, -1))
        if self._sources is not None:
            total = total + self._sources.sum((0, -2, -1))
        return total.isfinite()


def _floating(image: Tensor) -> Tensor:
    keep = image.dtype in (torch.float32, torch.float64)
    return image if keep else image.to(torch.float32)
