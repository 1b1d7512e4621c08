"""Differentiable fusion metrics as a term of the loss."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from film.errors import FilmError
from film.losses.base import LossTerm
from film.metrics.base import Pair, find_metrics

_FLAT = 2.0  # levels: a source of a lower standard deviation is all but constant


class MetricTerm(LossTerm):
    """Sum of w (1 - M / M₀), with M the mean of a metric and M₀ its value where fused image and sources are equal.

    0 is best: what an image has above M₀ doesn't count. Of a metric of which lower is better its mean counts as it is.
    What several metrics have in common is computed once. Images that a metric can't measure (too small) don't count;
    neither do pairs of which a source is all but constant, where metrics relative to what the source holds have no
    bounds. Where a metric has no slope, in flat areas, it gives none.

    Args:
        metrics: Names, as `film evaluate` knows them (VIF, Qabf, MEF-SSIM, …), with the weight of each.
        weight: Factor in the total.
        tasks: Of which tasks pairs count, null for all.
        asked: Whether pairs count whose text asks for something, see `LossTerm`; null for all.
        rounded: Measure what files of 8 bits would hold, as `film evaluate` does: in smooth areas it counts whether
            the fused image comes so near to a source that both round alike. Backwards the rounding is left out
            (straight-through estimator: Bengio et al., arXiv 1308.3432).

    Raises:
        FilmError: There is no such metric, or it doesn't compare with the sources.
    """

    def __init__(
        self,
        metrics: Mapping[str, float],
        *,
        weight: float = 1.0,
        tasks: Sequence[str] | None = None,
        asked: bool | None = None,
        rounded: bool = False,
    ) -> None:
        super().__init__(weight=weight, tasks=tasks, asked=asked)
        self.rounded = rounded
        self.metrics = dict(zip(find_metrics(metrics), metrics.values(), strict=True))
        for metric in self.metrics:
            if not metric.needs_sources or not metric.is_differentiable:
                raise FilmError(f"{metric.name} can't be a term of the loss: it has no slope, or reads no sources")
        image = 255 * torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
        equal = Pair(image, image, image)
        self.best = {metric: metric.values(equal).item() for metric in self.metrics}

    def forward(self, fused: Tensor, a: Tensor, b: Tensor, target: Tensor | None = None) -> Tensor:
        """(B, 1, H, W) images to a scalar; `target` is not read."""
        fused, a, b = fused * 255, a * 255, b * 255
        if self.rounded:
            a, b = a.round(), b.round()
            fused = fused + (fused.round() - fused).detach()
        if fused.requires_grad:
            fused.register_hook(lambda slope: slope.nan_to_num(0.0, 0.0, 0.0))
        pair = Pair(fused, a, b)
        shows = torch.minimum(*(x.flatten(1).std(1) for x in pair.sources)) >= _FLAT
        total = fused.sum() * 0  # a scalar with a slope even where nothing can be measured
        for metric, weight in self.metrics.items():
            values = metric.values(pair)
            counted = values[values.isfinite() & shows]
            if len(counted):
                better = metric.higher_is_better
                loss = 1 - counted.clamp(max=self.best[metric]) / self.best[metric] if better else counted
                total = total + weight * loss.mean()
        return total

    @classmethod
    def tiny(cls) -> "MetricTerm":
        """A metric that measures small images."""
        return cls({"SSIM": 1.0})
