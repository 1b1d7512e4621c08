"""What every fusion metric promises, and what they share: the pair, windows, gradients, histograms."""

from film.metrics.base.collection import FusionMetrics, available, find_metrics
from film.metrics.base.gradients import magnitude, sobel
from film.metrics.base.histograms import cross_information, entropy_of, fused_histogram, joint_histograms
from film.metrics.base.metric import FusionMetric
from film.metrics.base.pair import Pair
from film.metrics.base.perception import radial_frequency, stretched
from film.metrics.base.statistics import centred_fused, centred_sources, pearson, source_error, variance
from film.metrics.base.windows import (
    LocalMoments,
    gaussian,
    local_moments,
    separable,
    uniform,
    universal_quality,
    variance_share,
)

__all__ = [
    "FusionMetric",
    "FusionMetrics",
    "LocalMoments",
    "Pair",
    "available",
    "centred_fused",
    "centred_sources",
    "cross_information",
    "entropy_of",
    "find_metrics",
    "fused_histogram",
    "gaussian",
    "joint_histograms",
    "local_moments",
    "magnitude",
    "pearson",
    "radial_frequency",
    "separable",
    "sobel",
    "source_error",
    "stretched",
    "uniform",
    "universal_quality",
    "variance",
    "variance_share",
]
