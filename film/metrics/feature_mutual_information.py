"""FMI: feature mutual information (Haghighat and Razian, 2014, https://doi.org/10.1109/ICAICT.2014.7036000)."""

import torch
from torch import Tensor
from torch.nn import functional

from film.metrics.base import FusionMetric, Pair

_CHUNK = 16384  # windows at a time: 81 numbers each


def feature_mutual_information(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """FMI = mean over 3x3 windows of ½ [2 I(A; F) / (H(A) + H(F)) + 2 I(B; F) / (H(B) + H(F))].

    The form known as FMI_pixel: the features are the grey levels. In a window the levels, scaled from their minimum to
    their maximum, are taken as a distribution over the nine places (read column by column); the joint distribution is
    φ times Fréchet's upper bound plus (1 - φ) times independence, φ their Pearson correlation over that of the bound
    (for negative correlation the lower bound). 1 where window and fused window are equal, 0 where nothing is shared.
    Range about 0 to 1; higher is better. FMI_dct, FMI_w (wavelet) and FMI of edges or gradients apply the same to
    another feature. Not differentiable.

    Args:
        fused: (B, 1, H, W) luminance, 0 to 255, sides of at least 3.
        a: Source A, likewise.
        b: Source B, likewise.

    Returns:
        (B,) values.
    """
    return FeatureMutualInformation.of(fused, a, b)


class FeatureMutualInformation(FusionMetric):
    """Mean of `feature_mutual_information`."""

    name = "FMI"
    min_side = 3
    is_differentiable = False

    @staticmethod
    def measure(pair: Pair) -> Tensor:
        """(B,) values."""
        images = torch.cat([pair.fused[None], pair.sources]).detach()
        windows = functional.unfold(images.flatten(0, 1)[:, None].mT, 3)  # transposed: column by column
        windows = windows.mT.unflatten(0, (3, -1))
        shared = [_shared(part[0], part[1:]).sum(-1) for part in windows.split(_CHUNK, dim=2)]
        return torch.stack(shared).sum(0).mean(0) / windows.shape[2]


def _shared(fused: Tensor, sources: Tensor) -> Tensor:
    """(2, B, n) normalised information between windows (B, n, 9) and (2, B, n, 9)."""
    p, q = _distribution(fused), _distribution(sources)
    joint_entropy = _entropy(_joint(p, q).flatten(-2))
    marginal = _entropy(p) + _entropy(q)
    shared = 2 * (marginal - joint_entropy) / torch.where(marginal > 0, marginal, 1.0)
    return torch.where((fused == sources).all(-1), 1.0, shared)


def _distribution(windows: Tensor) -> Tensor:
    """Levels from their minimum to their maximum, summing to 1; uniform where all are equal."""
    low, high = windows.aminmax(dim=-1, keepdim=True)
    scaled = torch.where(high > low, (windows - low) / (high - low), 1.0)
    return scaled / scaled.sum(-1, keepdim=True)


def _joint(p: Tensor, q: Tensor) -> Tensor:
    """(2, B, n, 9, 9) estimate of the joint distribution from the marginal ones."""
    p, q = p[..., :, None].expand(*q.shape, 1), q[..., None, :]
    cdf_p, cdf_q = p.cumsum(-2), q.cumsum(-1)
    correlation = _correlation(p[..., 0], q[..., 0, :])[..., None, None]
    independent = cdf_p * cdf_q
    bound = torch.where(correlation >= 0, torch.minimum(cdf_p, cdf_q), (cdf_p + cdf_q - 1).relu())
    reach = (bound - independent).sum((-2, -1), keepdim=True)  # covariance of the bound
    scale = (_spread(p[..., 0]) * _spread(q[..., 0, :])).sqrt()[..., None, None]
    share = torch.where(reach != 0, correlation * scale / torch.where(reach != 0, reach, 1.0), 0.0)
    padded = functional.pad(bound, (1, 0, 1, 0))
    bound = padded.diff(dim=-1).diff(dim=-2)
    return torch.lerp(p * q, bound, share)


def _correlation(p: Tensor, q: Tensor) -> Tensor:
    p, q = p - p.mean(-1, keepdim=True), q - q.mean(-1, keepdim=True)
    scale = ((p * p).sum(-1) * (q * q).sum(-1)).sqrt()
    return torch.where(scale > 0, (p * q).sum(-1) / torch.where(scale > 0, scale, 1.0), 0.0)


def _spread(p: Tensor) -> Tensor:
    """Variance of the place under a distribution over places."""
    place = torch.arange(p.shape[-1], device=p.device, dtype=p.dtype)
    mean = (p * place).sum(-1, keepdim=True)
    return (p * (place - mean) ** 2).sum(-1)


def _entropy(p: Tensor) -> Tensor:
    """-Σ p ln |p|; the estimate of the joint distribution can have slightly negative entries."""
    return -torch.xlogy(p, p.abs()).sum(-1)
