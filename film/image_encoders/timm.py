"""Any backbone of timm (https://huggingface.co/docs/timm) as an image encoder; needs the extra `timm`."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from film.errors import FilmError
from film.image_encoders.base import ImageEncoder


class TimmEncoder(ImageEncoder):
    """The feature maps of a timm backbone, brought back to full resolution and added up.

    Every chosen map goes through a 1x1 convolution to `channels` and bilinear upsampling. The image is padded to a
    multiple of the coarsest stride by repeating its border.

    Args:
        backbone: Name of a timm model that can return features, such as `resnet18` or `convnext_atto`.
        channels: Number of output channels.
        pretrained: Load timm's weights; downloads them on first use.
        out_indices: Which of its feature maps, finest first; null takes all.
    """

    def __init__(
        self,
        backbone: str = "resnet18",
        *,
        channels: int = 32,
        pretrained: bool = False,
        out_indices: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        self.out_channels = channels
        self.backbone = _create(backbone, pretrained, out_indices)
        info = self.backbone.feature_info
        self.multiple = max(info.reduction())
        self.widths = info.channels()
        self.project = nn.ModuleList(nn.Conv2d(width, channels, 1) for width in self.widths)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 1, H, W) luminance in [0, 1] to (B, C, H, W) features."""
        height, width = image.shape[-2:]
        padded = F.pad(image, (0, -width % self.multiple, 0, -height % self.multiple), mode="replicate")
        size = padded.shape[-2:]
        fused = image.new_zeros(())
        for project, width_of_map, features in zip(self.project, self.widths, self.backbone(padded), strict=True):
            channels_last = features.shape[1] != width_of_map  # Swin and its like
            features = project(features.movedim(-1, 1) if channels_last else features)
            fused = fused + F.interpolate(features, size, mode="bilinear", align_corners=False)
        return fused[..., :height, :width]

    @classmethod
    def tiny(cls) -> "TimmEncoder":
        """A network that timm keeps for tests."""
        return cls("test_efficientnet_gn", channels=4)


def _create(name: str, pretrained: bool, out_indices: tuple[int, ...] | None) -> Any:
    try:
        import timm
    except ModuleNotFoundError as error:
        raise FilmError("TimmEncoder needs timm; pip install 'film-fusion[timm]'") from error
    if not timm.is_model(name):
        near = ", ".join(timm.list_models(f"*{name.split('_')[0][:6]}*")[:5])
        raise FilmError(f"timm has no model {name!r}; near it: {near or 'nothing'}; all: timm.list_models()")
    create: dict[str, Any] = {"pretrained": pretrained, "features_only": True, "in_chans": 1}
    if out_indices is not None:
        create["out_indices"] = out_indices
    try:
        return timm.create_model(name, dynamic_img_size=True, **create)  # vision transformers
    except TypeError:
        return timm.create_model(name, **create)
