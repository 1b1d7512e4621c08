"""Features on a coarser grid than the image."""

import torch.nn.functional as F
from torch import Tensor


def to_size(features: Tensor, like: Tensor) -> Tensor:
    """Bring features (B, C, h, w) to the size of an image, (B, C, H, W), if they haven't got it."""
    if features.shape[-2:] == like.shape[-2:]:
        return features
    return F.interpolate(features, like.shape[-2:], mode="bilinear", align_corners=False)
