"""What is measured of one image, once, for all sentences."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from film.imaging.picture import Picture

WORKING_SIDE = 256  # the longer side that regions are looked for at
DETAIL_SIDE = 1024  # the longer side that sharpness is measured at
_COLOURED = 0.12  # chroma (largest minus smallest channel) from which a pixel counts as coloured
_TINTED = 0.06  # chroma that the most coloured thousandth must reach, or the image counts as grey

# Hues in degrees up to which a name goes; red is at both ends. The last names are of pale or dark kinds of others.
_HUES = ((12, "red"), (42, "orange"), (68, "yellow"), (165, "green"), (195, "turquoise"), (255, "blue"))
_HUES_BEYOND = ((290, "purple"), (338, "pink"), (361, "red"))
_NAMES = (*(name for _, name in (*_HUES, *_HUES_BEYOND)), "brown", "beige", "olive")
_BROWN, _BEIGE, _OLIVE = len(_NAMES) - 3, len(_NAMES) - 2, len(_NAMES) - 1
_DEEP, _PALE = 0.6, 0.4  # below which value orange is brown and yellow is olive; below which saturation orange is beige


@dataclass(frozen=True)
class Look:
    """An image at working size.

    Attributes:
        light: (h, w) float32 in [0, 1], the luminance; the longer side is 256 px at most.
        detail: (h, w) float32, how fine the structure around each place is: the root mean square of what a blur takes
            away, in luminance where 1 is white. Measured at up to 1024 px, so that what is sharp stays sharp.
        rgb: (h, w, 3) float32 in [0, 1]; None for an image without visible colour.
    """

    light: np.ndarray
    detail: np.ndarray
    rgb: np.ndarray | None

    @property
    def is_colour(self) -> bool:
        """Whether colour can be seen."""
        return self.rgb is not None

    @cached_property
    def mean(self) -> float:
        """Mean luminance."""
        return float(self.light.mean())

    @cached_property
    def colours(self) -> dict[str, np.ndarray]:
        """Where each named colour is, as (h, w) masks, the largest first; greys have no name."""
        if self.rgb is None:
            return {}
        hue, saturation, value = cv2.split(cv2.cvtColor(self.rgb, cv2.COLOR_RGB2HSV))
        limits = [limit for limit, _ in (*_HUES, *_HUES_BEYOND)]
        index = np.searchsorted(limits, hue)
        orange, yellow = index == 1, index == 2
        index[orange & (value < _DEEP)] = _BROWN
        index[orange & (saturation < _PALE)] = _BEIGE
        index[yellow & (value < _DEEP)] = _OLIVE
        index[index == len(limits) - 1] = 0
        index[saturation * value < _COLOURED] = len(_NAMES)
        counts = np.bincount(index.ravel(), minlength=len(_NAMES) + 1)[:-1]
        return {_NAMES[name]: index == name for name in np.argsort(-counts, kind="stable") if counts[name]}

    def chroma(self, mask: np.ndarray) -> float:
        """Mean of the largest minus the smallest channel within a mask."""
        if self.rgb is None:
            return 0.0
        inside = self.rgb[mask]
        return float(np.mean(inside.max(-1) - inside.min(-1)))


def look_at(picture: Picture) -> Look:
    """Measure an image of any size and number format."""
    grey = cv2.cvtColor(picture.pixels, cv2.COLOR_RGB2GRAY) if picture.is_colour else picture.pixels
    fine = _unit(_shrink(grey, DETAIL_SIDE))
    light = _shrink(fine, WORKING_SIDE)
    rgb = _unit(_shrink(picture.pixels, WORKING_SIDE)) if picture.is_colour else None
    return Look(light, _detail(fine, light.shape), rgb if rgb is not None and _is_tinted(rgb) else None)


def _shrink(pixels: np.ndarray, side: int) -> np.ndarray:
    """Average down to a longer side of at most `side`, never to less than 1 px."""
    factor = min(1.0, side / max(pixels.shape[:2]))
    if factor == 1:
        return pixels
    height, width = (max(1, round(length * factor)) for length in pixels.shape[:2])
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)


def _unit(pixels: np.ndarray) -> np.ndarray:
    """Give any number format as float32 in [0, 1]."""
    if pixels.dtype.kind == "f":
        return pixels.clip(0, 1)
    return pixels * np.float32(1 / np.iinfo(pixels.dtype).max)


def _is_tinted(rgb: np.ndarray) -> bool:
    red, green, blue = cv2.split(rgb)
    chroma = cv2.max(cv2.max(red, green), blue) - cv2.min(cv2.min(red, green), blue)
    return float(np.percentile(chroma, 99.9)) >= _TINTED


def _detail(light: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Root mean square of what lies between a weak blur, which takes the noise, and a stronger one."""
    band = cv2.GaussianBlur(light, (5, 5), 0.7) - cv2.GaussianBlur(light, (9, 9), 2.0)
    power = cv2.resize(band * band, shape[::-1], interpolation=cv2.INTER_AREA)
    around = max(3, max(shape) // 24 | 1)
    return np.sqrt(cv2.blur(power, (around, around)).clip(0))
