"""Nabf and Labf: what fusion added and lost (Shreyamsha Kumar, 2013, https://doi.org/10.1007/s11760-012-0361-x)."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from film.metrics.base import FusionMetric, Pair, magnitude, sobel

_FAINT = 2.0  # edges below count with _LEAST only
_LEAST = 0.001


def fusion_artifacts(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Nabf = Σ m [(1 - Q_AF) w_A + (1 - Q_BF) w_B] / Σ (w_A + w_B), m where F's edge is stronger than both sources'.

    Edges that are in F but in no source. Range 0 to 1; lower is better. Sobel filters over 8, border mirrored;
    w = g^1.5 where g ≥ 2, else 0.001; Q = √(0.9999 / (1 + e^(-19 (G - 0.5))) · 0.9995 / (1 + e^(-22 (O - 0.5)))). These
    constants are Shreyamsha Kumar's, whose code everybody uses for Nabf, and not those of Qabf: with this Q kept,
    lost and added edges sum to 1, but `Qabf` + Labf + Nabf does not. Petrović's older N sums 2 - Q_AF - Q_BF instead.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255.
        a: Source A, likewise.
        b: Source B, likewise.

    Returns:
        (B,) values.
    """
    return FusionArtifacts.of(fused, a, b)


def fusion_loss(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Labf: as `fusion_artifacts`, with m where F's edge is no stronger than one of the sources' edges.

    Edges of the sources that are missing from F. Range 0 to 1; lower is better.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255.
        a: Source A, likewise.
        b: Source B, likewise.

    Returns:
        (B,) values.
    """
    return FusionLoss.of(fused, a, b)


class FusionArtifacts(FusionMetric):
    """Mean of `fusion_artifacts`."""

    name = "Nabf"
    higher_is_better = False

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) values."""
        edges = pair.shared(edge_balance)
        return (edges.missed * edges.stronger).sum((-2, -1)) / edges.weight


class FusionLoss(FusionMetric):
    """Mean of `fusion_loss`."""

    name = "Labf"
    higher_is_better = False

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) values."""
        edges = pair.shared(edge_balance)
        return (edges.missed * ~edges.stronger).sum((-2, -1)) / edges.weight


class EdgeBalance(NamedTuple):
    """Where edges were not kept.

    Attributes:
        missed: (B, H, W) weighted share that the fused image does not show as the sources do.
        stronger: (B, H, W) bool, where the fused image has the strongest edge of the three.
        weight: (B,) sum of all weights.
    """

    missed: Tensor
    stronger: Tensor
    weight: Tensor


def edge_balance(pair: Pair) -> EdgeBalance:
    """Compare the edges of the fused image with those of the sources."""
    x, y = sobel(torch.cat([pair.fused[None], pair.sources]) / 8, "reflect")
    strength, angle = magnitude(x, y), _angle(x, y)
    fused, sources = strength[0], strength[1:]
    weaker = torch.minimum(fused, sources)
    ratio = weaker * (weaker > 1e-6) / torch.maximum(fused, sources)  # 0 also where neither has an edge
    orientation = ((angle[1:] - angle[0]).abs() - math.pi / 2).abs() * (2 / math.pi)
    kept = (0.9999 * torch.sigmoid(19 * (ratio - 0.5)) * 0.9995 * torch.sigmoid(22 * (orientation - 0.5))).sqrt()
    weight = torch.where(sources >= _FAINT, sources**1.5, _LEAST)
    missed = ((1 - kept) * weight).sum(0)
    return EdgeBalance(missed, (fused > sources).all(0), weight.sum((0, -2, -1)))


def _angle(x: Tensor, y: Tensor) -> Tensor:
    """atan(x / y), and 0 where there is no edge; the sign of a right angle makes no difference here."""
    flat = (x == 0) & (y == 0)
    return torch.atan2(torch.where(y < 0, -x, x), y.abs().masked_fill(flat, 1.0))
