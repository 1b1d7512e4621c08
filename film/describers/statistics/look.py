"""What is measured of one image, once, for all sentences."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from film.imaging.picture import Picture

WORKING_SIDE = 256  # the longer side that regions are looked for at
DETAIL_SIDE = 1024  # the longer side that sharpness is measured at
_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_COLOURED = 0.12  # chroma (largest minus smallest channel) from which a pixel counts as coloured

# Hues in degrees up to which a name goes; what lies beyond the last is red again.
_HUES = ((12, "red"), (42, "orange"), (68, "yellow"), (165, "green"), (195, "turquoise"), (255, "blue"))
_HUES_BEYOND = ((290, "purple"), (345, "pink"), (360, "red"))


@dataclass(frozen=True)
class Look:
    """An image at working size.

    Attributes:
        rgb: (h, w, 3) float32 in [0, 1], the longer side 256 at most; grey has three equal channels.
        light: (h, w) float32 in [0, 1], the luminance.
        detail: (h, w) float32, what a blur takes away (root mean square around each place), in luminance steps of 1.
            Measured at up to 1024 px, so that what is sharp stays sharp.
        is_colour: Whether the image has colour channels.
    """

    rgb: np.ndarray
    light: np.ndarray
    detail: np.ndarray
    is_colour: bool

    @cached_property
    def spread(self) -> float:
        """Standard deviation of the luminance."""
        return float(self.light.std())

    @cached_property
    def mean(self) -> float:
        """Mean luminance."""
        return float(self.light.mean())

    def percentile(self, percent: float) -> float:
        """Luminance that so many percent of the pixels don't exceed."""
        return float(np.percentile(self.light, percent))

    @cached_property
    def chroma(self) -> np.ndarray:
        """(h, w): the largest minus the smallest channel, in [0, 1]."""
        return self.rgb.max(-1) - self.rgb.min(-1)

    @cached_property
    def hues(self) -> dict[str, np.ndarray]:
        """Where each colour is, as (h, w) masks; without colours that are nowhere and without greys."""
        hue = cv2.cvtColor(self.rgb, cv2.COLOR_RGB2HSV)[..., 0]
        names = np.full(hue.shape, "", dtype=object)
        below = -1.0
        for limit, name in (*_HUES, *_HUES_BEYOND):
            names[(hue > below) & (hue <= limit)] = name
            below = limit
        largest = self.rgb.max(-1)
        names[(names == "orange") & (largest < 0.6)] = "brown"
        names[(names == "yellow") & (largest < 0.6)] = "olive"
        names[(names == "orange") & (self.chroma < 0.4 * largest)] = "beige"
        names[self.chroma < _COLOURED] = ""
        found = {str(name): names == name for name in np.unique(names.astype(str)) if name}
        return dict(sorted(found.items(), key=lambda item: -int(item[1].sum())))


def look_at(picture: Picture) -> Look:
    """Measure an image of any size and number format."""
    fine = _shrink(picture.pixels, DETAIL_SIDE)
    small = _shrink(fine, WORKING_SIDE)
    light = small @ _LUMINANCE if small.ndim == 3 else small
    rgb = small if small.ndim == 3 else np.repeat(small[..., None], 3, -1)
    fine_light = fine @ _LUMINANCE if fine.ndim == 3 else fine
    return Look(rgb, light, _detail(fine_light, light.shape), picture.is_colour)


def _shrink(pixels: np.ndarray, side: int) -> np.ndarray:
    """Average down to float32 in [0, 1] with a longer side of at most `side`, never less than 1 px high or wide."""
    factor = min(1.0, side / max(pixels.shape[:2]))
    if factor < 1:
        height, width = (max(1, round(length * factor)) for length in pixels.shape[:2])
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    if pixels.dtype.kind == "f":
        return pixels.clip(0, 1)
    return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)


def _detail(light: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Root mean square of what lies between a weak blur, which takes the noise, and a stronger one."""
    band = cv2.GaussianBlur(light, (0, 0), 0.7) - cv2.GaussianBlur(light, (0, 0), 2.0)
    power = cv2.resize(band * band, shape[::-1], interpolation=cv2.INTER_AREA)
    around = max(3, max(shape) // 24 | 1)
    return np.sqrt(cv2.blur(power, (around, around)).clip(0))
