"""Differentiable fusion metrics as a term of the loss."""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from film.errors import FilmError
from film.layers.pyramid import sharper
from film.losses.base import LossTerm
from film.metrics.base import FusionMetric, Pair, find_metrics

_BORDER = 16  # pixels that fewer windows of VIF cover
_AMPLE = 1.02  # so that images on both sides of the pyramid's value have it on average
_FLAT = 2.0  # levels: a source of a lower standard deviation is all but constant


class MetricTerm(LossTerm):
    """Sum of w (1 - M / M₀), with M the mean of a metric and M₀ its value where fused image and sources are equal.

    0 is best: what an image has above M₀ doesn't count. Of a metric of which lower is better its mean counts as it is.
    For a metric that looks at the fused image alone, such as SF and AG, M₀ is 1.02 times that of a Laplacian pyramid
    fusion of the sources: the other terms are best met by a slightly flat image where they contradict each other. It is
    measured without the outermost pixels, of which the other metrics see so little that stripes there would pay, and of
    means of 2x2 pixels: a faint checkerboard, which gradient operators don't see, would pay most.
    What several metrics have in common is computed once. Images that a metric can't measure (too small) don't count;
    neither do pairs of which a source is all but constant, where metrics relative to what the source holds have no
    bounds. Where a metric has no slope, in flat areas, it gives none. To Qabf the border is no edge, see `Pair`.

    Args:
        metrics: Names, as `film evaluate` knows them (VIF, Qabf, MEF-SSIM, …), with the weight of each.
        weight: Factor in the total.
        tasks: Of which tasks pairs count, null for all.
        asked: Whether pairs count whose text asks for something, see `LossTerm`; null for all.
        rounded: Measure what files of 8 bits would hold, as `film evaluate` does: nothing above white or below black,
            and in smooth areas it counts whether the fused image comes so near to a source that both round alike.
            Backwards the rounding is left out (straight-through estimator: Bengio et al., arXiv 1308.3432).

    Raises:
        FilmError: There is no such metric, or it has no slope.
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
            if not metric.is_differentiable:
                raise FilmError(f"{metric.name} can't be a term of the loss: it has no slope")
        image = 255 * torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
        equal = Pair(image, image, image)
        self.equal = {metric: metric.values(equal) for metric in self.metrics if metric.needs_sources}

    def forward(self, fused: Tensor, a: Tensor, b: Tensor, target: Tensor | None = None) -> Tensor:
        """(B, 1, H, W) images to a scalar; `target` is not read."""
        fused, a, b = fused * 255, a * 255, b * 255
        if self.rounded:
            a, b = a.round(), b.round()
            fused = fused.clamp(0, 255)
            fused = fused + (fused.round() - fused).detach()
        if fused.requires_grad:
            fused.register_hook(lambda slope: slope.nan_to_num(0.0, 0.0, 0.0))
        pair, inner = Pair(fused, a, b, padding="replicate"), Pair(_inner(fused))
        shows = torch.minimum(*(x.flatten(1).std(1) for x in pair.sources)) >= _FLAT
        total = fused.sum() * 0  # a scalar with a slope even where nothing can be measured
        bests = self._bests(a, b)
        for metric, weight in self.metrics.items():
            values, best = metric.values(pair if metric.needs_sources else inner), bests[metric]
            counted = values.isfinite() & shows
            if counted.any():
                losses = 1 - torch.minimum(values, best) / best if metric.higher_is_better else values
                total = total + weight * losses[counted].mean()
        return total

    def _bests(self, a: Tensor, b: Tensor) -> dict[type[FusionMetric], Tensor]:
        """Of sources 0 to 255 the values above which nothing counts, one for all pairs or (B,)."""
        bests = {metric: value.to(a) for metric, value in self.equal.items()}
        if alone := self.metrics.keys() - bests.keys():
            blend = Pair(_inner(255 * sharper(a / 255, b / 255)))
            bests |= {metric: _AMPLE * metric.values(blend) for metric in alone}
        return bests

    @classmethod
    def tiny(cls) -> "MetricTerm":
        """A metric that measures small images."""
        return cls({"SSIM": 1.0})


def _inner(images: Tensor) -> Tensor:
    """Means of 2x2 pixels of (B, 1, H, W), without the border unless little else would be left."""
    border = _BORDER if min(images.shape[-2:]) >= 4 * _BORDER else 0
    return F.avg_pool2d(F.pad(images, 4 * [-border]), 2, 1)
