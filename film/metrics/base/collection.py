"""Metrics picked by name that share what they have in common."""

import difflib
import importlib
import pkgutil
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torchmetrics import MetricCollection

from film.errors import FilmError
from film.metrics.base.metric import FusionMetric
from film.metrics.base.pair import Pair


def available() -> dict[str, type[FusionMetric]]:
    """Every metric that a module of `film.metrics` defines, by name."""
    package = importlib.import_module("film.metrics")
    modules = [
        importlib.import_module(f"film.metrics.{found.name}") for found in pkgutil.iter_modules(package.__path__)
    ]
    classes = [item for module in modules for item in vars(module).values() if _is_metric(item)]
    return {cls.name: cls for cls in sorted(set(classes), key=lambda cls: cls.name.casefold())}


def find_metrics(names: Iterable[str]) -> list[type[FusionMetric]]:
    """Look metrics up by name, in any case, or by class path for those of other packages.

    Raises:
        FilmError: There is no metric of that name; the known ones are listed and the nearest is suggested.
    """
    known = {name.casefold(): cls for name, cls in available().items()}
    return [_imported(name) if "." in name else _known(name, known) for name in dict.fromkeys(names)]


class FusionMetrics(MetricCollection):
    """Several metrics of the same images, which share histograms, gradients and windows.

    `update(fused, a, b)`, `compute()`, `forward`, `reset` and logging are those of a torchmetrics collection.

    Args:
        names: Names of metrics as in tables (`EN`, `Qabf`), or class paths of metrics outside film.
        data_range: Largest value an image can have: 1 for what networks return, 255 for 8-bit levels.
        double: Measure in float64, as for tables; else in float32.
        prefix: Put before each name in the result of `compute`, as `val/`.

    Raises:
        FilmError: A name is unknown.
    """

    def __init__(
        self, names: list[str], *, data_range: float = 255.0, double: bool = False, prefix: str | None = None
    ) -> None:
        classes = find_metrics(names)
        super().__init__(
            {cls.name: cls(double=double) for cls in classes},
            prefix=prefix,
            compute_groups=False,  # states of equal shape and, by chance, equal value must not be merged
        )
        self.classes = classes
        self.scale = 255.0 / data_range
        self.double_precision = double

    def update(  # type: ignore[override]  # torchmetrics: also a ModuleDict, whose update is another
        self, fused: Tensor, a: Tensor | None = None, b: Tensor | None = None
    ) -> None:
        """Add images: (B, 1, H, W) luminance, 0 to `data_range`."""
        super().update(self.pair(fused, a, b))

    def forward(self, fused: Tensor, a: Tensor | None = None, b: Tensor | None = None) -> dict[str, Any]:
        """Add images and return the means of this batch by name."""
        return super().forward(self.pair(fused, a, b))

    def per_image(self, fused: Tensor, a: Tensor | None = None, b: Tensor | None = None) -> dict[str, Tensor]:
        """Measure without adding.

        Returns:
            (B,) values by name; NaN where an image is too small for a metric or holds NaN.
        """
        pair = self.pair(fused, a, b)
        return {cls.name: cls.values(pair) for cls in self.classes}

    def pair(self, fused: Tensor, a: Tensor | None = None, b: Tensor | None = None) -> Pair:
        """The images on the scale 0 to 255, in the precision of this collection."""
        dtype = torch.float64 if self.double_precision else torch.float32
        images = [None if image is None else image.to(dtype) for image in (fused, a, b)]
        if self.scale != 1:
            images = [None if image is None else image * self.scale for image in images]
        return Pair(*images)  # type: ignore[arg-type]


def _is_metric(item: object) -> bool:
    return isinstance(item, type) and issubclass(item, FusionMetric) and item is not FusionMetric


def _known(name: str, known: dict[str, type[FusionMetric]]) -> type[FusionMetric]:
    if name.casefold() in known:
        return known[name.casefold()]
    nearest = difflib.get_close_matches(name.casefold(), known, n=1, cutoff=0.4)
    hint = f", did you mean {known[nearest[0]].name}?" if nearest else ""
    raise FilmError(f"no metric {name!r}{hint} Known: {', '.join(cls.name for cls in known.values())}")


def _imported(path: str) -> type[FusionMetric]:
    module, _, name = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise FilmError(f"no metric at {path!r}: {error}") from error
    if not _is_metric(found):
        raise FilmError(f"{path!r} is no FusionMetric")
    return found
