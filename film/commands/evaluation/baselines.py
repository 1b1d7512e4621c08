"""Trivial fusions that every model has to beat."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from film.errors import FilmError

_OPENFOCUS = "openfocus"
_SEARCHED = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
_LEVELS = 5  # details, above the base
_AVERAGED_BASE = ("MEF", "MFF")

Fusion = Callable[[np.ndarray, np.ndarray], np.ndarray]


def baselines(task: str | None) -> dict[str, Fusion]:
    """Fusions of two luminance images by name: the sources themselves, mean, maximum, and a Laplacian pyramid.

    For multi-exposure also Mertens' exposure fusion, where OpenCV brings it; for multi-focus also StackMFF of the
    program `openfocus` (pip install openfocus), where that is installed.

    Args:
        task: IVF, MIF, MEF or MFF; None counts as IVF.
    """
    average = task in _AVERAGED_BASE
    fusions: dict[str, Fusion] = {
        "a": lambda a, b: a,
        "b": lambda a, b: b,
        "mean": lambda a, b: np.round((a + b) / 2),
        "max": np.maximum,
        "laplacian": lambda a, b: laplacian(a, b, average_base=average),
    }
    if task == "MEF" and hasattr(cv2, "createMergeMertens"):
        fusions["mertens"] = mertens
    if task == "MFF" and shutil.which(_OPENFOCUS, path=_SEARCHED):
        fusions["openfocus"] = openfocus
    return fusions


def laplacian(a: np.ndarray, b: np.ndarray, *, average_base: bool) -> np.ndarray:
    """Fuse by Laplacian pyramids of five detail levels (OpenCV `pyrDown` and `pyrUp`).

    Of each detail the coefficient whose mean magnitude in 5x5 pixels is larger is kept, A's where they are equal.

    Args:
        a: (H, W) float32 levels 0 to 255.
        b: Likewise.
        average_base: Whether the bases are averaged; else the larger is taken.

    Returns:
        (H, W) whole levels 0 to 255, rounded and clipped once.
    """
    bases, details = [a, b], []
    for _ in range(_LEVELS):
        smaller = [cv2.pyrDown(base) for base in bases]
        details.append(
            [base - cv2.pyrUp(small, dstsize=base.shape[::-1]) for base, small in zip(bases, smaller, strict=True)]
        )
        bases = smaller
    fused = (bases[0] + bases[1]) / 2 if average_base else np.maximum(*bases)
    for detail_a, detail_b in reversed(details):
        stronger = cv2.blur(np.abs(detail_a), (5, 5)) >= cv2.blur(np.abs(detail_b), (5, 5))
        fused = cv2.pyrUp(fused, dstsize=detail_a.shape[::-1]) + np.where(stronger, detail_a, detail_b)
    return np.clip(np.round(fused), 0, 255)


def mertens(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Exposure fusion of luminance (Mertens et al., 2007): contrast and well-exposedness; there is no saturation."""
    sources = [cv2.merge([levels.astype(np.uint8)] * 3) for levels in (a, b)]
    fused = cv2.createMergeMertens(1.0, 0.0, 1.0).process(sources)[..., 0]
    return np.clip(np.round(fused * 255), 0, 255).astype(np.float32)


def openfocus(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Multi-focus fusion by StackMFF V3, as the program `openfocus` (MIT) brings it, without alignment.

    A process for each pair: the package's modules are called `core` and `utils`, which are not to be imported here.

    Raises:
        FilmError: The program fails.
    """
    with tempfile.TemporaryDirectory() as name:
        near, far, fused = (Path(name) / f"{number}.png" for number in range(3))
        for path, levels in ((near, a), (far, b)):
            cv2.imwrite(str(path), levels.astype(np.uint8))
        program = shutil.which(_OPENFOCUS, path=_SEARCHED) or _OPENFOCUS
        options = ["--method", "stackmffv3", "--align", "none", "--cpu", "--output", str(fused)]
        done = subprocess.run(
            [program, "--input", str(near), str(far), *options], capture_output=True, text=True, check=False
        )
        result = cv2.imread(str(fused), cv2.IMREAD_GRAYSCALE)
        if result is None or result.shape != a.shape:
            raise FilmError(f"openfocus failed: {' '.join((done.stderr or done.stdout).split())[-300:]}")
    return result.astype(np.float32)
