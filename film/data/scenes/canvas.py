"""A canvas of smooth shapes and noise: positions, signed distances and their anti-aliased coverage."""

import copy
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

Field = NDArray[np.floating[Any]]
Colour = Sequence[float]


class Canvas:
    """Positions on a picture whose height is 1, and the randomness to draw on it.

    Shapes are signed distances (H, W), negative inside, in units of the height; `cover` turns them into coverage.

    Args:
        size: Height and width in pixels.
        rng: The only source of randomness.

    Attributes:
        x: (1, W) positions of the pixel centres, from 0 to `aspect`.
        y: (H, 1) positions of the pixel centres, from 0 (top) to 1.
        unit: Pixels of a length of 1.
        aspect: Width divided by height of the whole picture.
        rng: The only source of randomness.
    """

    def __init__(self, size: tuple[int, int], rng: np.random.Generator) -> None:
        height, width = size
        self.unit = height
        self.aspect = width / height
        self.rng = rng
        self.x: Field = ((np.arange(width, dtype=np.float32) + 0.5) / height)[None, :]
        self.y: Field = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.y.shape[0], self.x.shape[1]

    def window(self, left: float, top: float, right: float, bottom: float) -> tuple["Canvas", tuple[slice, slice]]:
        """Cut out the part in which a small shape lies, so that drawing it costs little.

        Returns:
            A canvas of at least one pixel with the positions of that part, and where it lies in the arrays.
        """
        columns = np.clip([math.floor(left * self.unit), math.ceil(right * self.unit)], 0, self.shape[1])
        rows = np.clip([math.floor(top * self.unit), math.ceil(bottom * self.unit)], 0, self.shape[0])
        place = tuple(
            slice(min(a, n - 1), max(b, a + 1)) for (a, b), n in zip((rows, columns), self.shape, strict=True)
        )
        part = copy.copy(self)
        part.x, part.y = self.x[:, place[1]], self.y[place[0]]
        return part, (place[0], place[1])

    def cover(self, distance: Field, *, soft: float = 0.0) -> Field:
        """Coverage (H, W) in [0, 1] of a shape; the edge fades over a pixel, or over `soft` heights."""
        return np.clip(0.5 - distance / max(1 / self.unit, soft), 0, 1)

    def box(self, left: float, top: float, right: float, bottom: float, *, round_by: float = 0.0) -> Field:
        """An upright rectangle, its corners rounded."""
        across = np.abs(self.x - (left + right) / 2) - (right - left) / 2 + round_by
        down = np.abs(self.y - (top + bottom) / 2) - (bottom - top) / 2 + round_by
        outside = np.hypot(np.maximum(across, 0), np.maximum(down, 0))
        return outside + np.minimum(np.maximum(across, down), 0) - round_by

    def ellipse(self, centre: tuple[float, float], radii: tuple[float, float], *, angle: float = 0.0) -> Field:
        """An ellipse turned by `angle`; the distance is exact at the rim only."""
        dx, dy = self.x - centre[0], self.y - centre[1]
        u = (np.cos(angle) * dx + np.sin(angle) * dy) / radii[0]
        v = (np.cos(angle) * dy - np.sin(angle) * dx) / radii[1]
        return (np.hypot(u, v) - 1) * min(radii)

    def capsule(self, start: tuple[float, float], end: tuple[float, float], radius: float) -> Field:
        """A line with round ends."""
        along = (end[0] - start[0], end[1] - start[1])
        length = max(along[0] ** 2 + along[1] ** 2, 1e-9)
        share = np.clip(((self.x - start[0]) * along[0] + (self.y - start[1]) * along[1]) / length, 0, 1)
        return np.hypot(self.x - start[0] - share * along[0], self.y - start[1] - share * along[1]) - radius

    def noise(self, cells: float, *, octaves: int = 4, stretch: float = 1.0) -> Field:
        """Cloudy noise (H, W) of mean 0 and deviation 1.

        Args:
            cells: Number of bumps from top to bottom in the coarsest octave.
            octaves: Each has twice the bumps and 0.55 of the strength of the one before.
            stretch: How many times wider than high a bump is.
        """
        total = np.zeros(self.shape, np.float32)
        height, width = self.shape
        for octave in range(octaves):
            bumps = cells * 2**octave / self.unit
            rows, columns = (
                max(2, min(height, round(bumps * height))),
                max(2, min(width, round(bumps * width / stretch))),
            )
            grid = torch.from_numpy(self.rng.standard_normal((1, 1, rows, columns)).astype(np.float32))
            smooth = functional.interpolate(grid, total.shape, mode="bicubic", align_corners=False)
            total += 0.55**octave * smooth[0, 0].numpy()
        return (total - total.mean()) / max(float(total.std()), 1e-6)

    def grain(self) -> Field:
        """Independent normal noise, one value a pixel."""
        return self.rng.standard_normal(self.shape).astype(np.float32)

    def blur(self, picture: Field, radius: float) -> Field:
        """Blur (H, W) or (H, W, C) with a Gaussian whose deviation is `radius` heights."""
        sigma = max(radius * self.unit, 1e-3)
        reach = max(1, min(round(3 * sigma), min(self.shape) - 1))
        steps = torch.arange(-reach, reach + 1, dtype=torch.float32)
        kernel = torch.exp(-0.5 * (steps / sigma) ** 2)
        kernel /= kernel.sum()
        planes = torch.from_numpy(np.ascontiguousarray(np.atleast_3d(picture).transpose(2, 0, 1)))[:, None]
        down = functional.conv2d(functional.pad(planes, (0, 0, reach, reach), mode="reflect"), kernel.view(1, 1, -1, 1))
        both = functional.conv2d(functional.pad(down, (reach, reach, 0, 0), mode="reflect"), kernel.view(1, 1, 1, -1))
        return both[:, 0].permute(1, 2, 0).numpy().reshape(picture.shape)

    def pick(self, low: float, high: float) -> float:
        """One number between `low` and `high`."""
        return float(self.rng.uniform(low, high))


def over(below: Field, cover: Field, value: Field | Colour | float) -> Field:
    """Lay a value, a colour or a picture over another where `cover` (H, W) is 1."""
    alpha = cover[..., None] if below.ndim == 3 else cover
    return (below + alpha * (np.asarray(value, np.float32) - below)).astype(np.float32)


def srgb(linear: Field) -> Field:
    """Encode linear light as sRGB in [0, 1]; what is brighter than 1 clips."""
    light = np.clip(linear, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055).astype(np.float32)
