"""From the values of single images to means, spreads, confidence and ranks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from film.commands.evaluation.measuring import Row
from film.metrics.base import FusionMetric

_RESAMPLES = 2000


@dataclass(frozen=True)
class Cell:
    """One metric of one method over the images that have a value.

    Attributes:
        mean: Mean over images; None where none has a value.
        std: Standard deviation between images.
        low: Lower end of the bootstrap 95 % confidence interval of the mean.
        high: Its upper end.
        count: Number of images with a value.
        place: 1 for the best method, 2 for the second; equal means share a place; None without a direction.
    """

    mean: float | None
    std: float | None
    low: float | None
    high: float | None
    count: int
    place: int | None = None


@dataclass(frozen=True)
class Line:
    """One method of the table.

    Attributes:
        method: Its name.
        count: Images it was measured on.
        cells: By metric.
        rank: Mean of its places over all metrics; lower is better.
    """

    method: str
    count: int
    cells: dict[str, Cell]
    rank: float


def summarise(rows: Sequence[Row], methods: Sequence[str], metrics: Sequence[type[FusionMetric]]) -> list[Line]:
    """Summarise the methods, in the order given."""
    values = {
        (method, cls.name): np.array(
            [value for row in rows if row.method == method and (value := row.values[cls.name]) is not None]
        )
        for method in methods
        for cls in metrics
    }
    places = {cls.name: _places({m: values[m, cls.name] for m in methods}, cls.higher_is_better) for cls in metrics}
    lines = []
    for method in methods:
        cells = {cls.name: _cell(values[method, cls.name], places[cls.name].get(method)) for cls in metrics}
        ranked = [cell.place for cell in cells.values() if cell.place is not None]
        rank = float(np.mean(ranked)) if ranked else float("nan")
        lines.append(Line(method, sum(row.method == method for row in rows), cells, rank))
    return lines


def _cell(values: np.ndarray, place: int | None) -> Cell:
    if values.size == 0:
        return Cell(None, None, None, None, 0)
    mean, std = float(values.mean()), float(values.std()) if np.isfinite(values).all() else float("nan")
    low, high = _confidence(values)
    return Cell(mean, std, low, high, values.size, place)


def _confidence(values: np.ndarray) -> tuple[float, float]:
    """95 % percentile bootstrap of the mean; the same images give the same interval."""
    if values.size == 1 or not np.isfinite(values).all():
        return float(values.mean()), float(values.mean())
    generator = np.random.default_rng(0)
    means = [values[generator.integers(0, values.size, values.size)].mean() for _ in range(_RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _places(values: dict[str, np.ndarray], higher_is_better: bool | None) -> dict[str, int]:
    if higher_is_better is None:
        return {}
    sign = -1 if higher_is_better else 1
    # Nine digits: symmetric metrics of the two sources differ by rounding only, and share a place.
    badness = {method: float(f"{sign * array.mean():.9g}") for method, array in values.items() if array.size}
    return {method: 1 + sum(other < own for other in badness.values()) for method, own in badness.items()}
