"""The twelve metrics of the field against reference values of real pairs."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from film.metrics.base import FusionMetrics, find_metrics

NAMES = ["EN", "SD", "SF", "AG", "MI", "MSE", "CC", "PSNR", "SCD", "VIF", "Qabf", "SSIM"]

pytestmark = pytest.mark.realdata


def grey(path: Path) -> np.ndarray:
    """Round(0.299 R + 0.587 G + 0.114 B) in float32 from the 8-bit image."""
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(np.float32)
    if image.ndim == 2:
        return image
    weights = np.array([0.114, 0.587, 0.299], np.float32)
    return np.round(image[..., 2] * weights[2] + image[..., 1] * weights[1] + image[..., 0] * weights[0])


def triple(case: dict, data: Path) -> list[Tensor]:
    a, b = grey(data / case["a"]), grey(data / case["b"])
    if case["fused"] == "max":
        fused = np.maximum(a, b)
    elif case["fused"] == "mean":
        fused = np.round((a + b) / 2)
    else:
        fused = grey(data / case["fused"])
    return [torch.from_numpy(image)[None, None] for image in (fused, a, b)]


@pytest.mark.parametrize(("double", "tolerance"), [(True, 1e-5), (False, 1e-3)])
def test_reference_values(film_data: Path, golden: Path, double: bool, tolerance: float) -> None:
    metrics = FusionMetrics(NAMES, double=double)
    cases = json.loads((golden / "metrics.json").read_text())
    assert len(cases) >= 13
    for case in cases:
        values = {name: value.item() for name, value in metrics.per_image(*triple(case, film_data)).items()}
        assert values == pytest.approx(case["values"], rel=tolerance), case["name"]


def test_single_functions_give_the_same(film_data: Path, golden: Path) -> None:
    case = json.loads((golden / "metrics.json").read_text())[0]
    images = [image.double() for image in triple(case, film_data)]
    for cls in find_metrics(NAMES):
        assert cls.of(*images).item() == pytest.approx(case["values"][cls.name], rel=1e-5)
