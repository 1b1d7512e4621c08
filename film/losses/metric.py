"""Any differentiable fusion metric as a term of the loss."""

import torch
from torch import Tensor

from film.errors import FilmError
from film.losses.base import LossTerm
from film.metrics.base import Pair, find_metrics


class MetricTerm(LossTerm):
    """1 - M / M₀ with M the mean of a metric and M₀ its value where the fused image and both sources are equal.

    0 is best, for a metric that knows no better value; for one of which lower is better, its mean. Images that the metric can't measure (too small) don't count. Where it has no slope, in flat areas, it gives none.

    Args:
        metric: What `film evaluate` calls it: VIF, Qabf, MEF-SSIM, …
        weight: Factor in the total.

    Raises:
        FilmError: There is no such metric, or it doesn't compare with the sources.
    """

    def __init__(self, metric: str = "VIF", *, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        (self.metric,) = find_metrics([metric])
        if not self.metric.needs_sources or not self.metric.is_differentiable:
            raise FilmError(f"the metric {metric} can't be a term of the loss: it has no slope, or reads no sources")
        image = 255 * torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
        self.best = self.metric.values(Pair(image, image, image)).item()

    def forward(self, fused: Tensor, a: Tensor, b: Tensor, target: Tensor | None = None) -> Tensor:
        """(B, 1, H, W) images to a scalar; `target` is not read."""
        fused = fused * 255
        if fused.requires_grad:
            fused.register_hook(lambda slope: slope.nan_to_num(0.0, 0.0, 0.0))
        values = self.metric.values(Pair(fused, a * 255, b * 255))
        mean = values.nanmean() if values.isfinite().any() else fused.sum() * 0
        return 1 - mean / self.best if self.metric.higher_is_better else mean

    @classmethod
    def tiny(cls) -> "MetricTerm":
        """A metric that measures small images."""
        return cls("SSIM")
