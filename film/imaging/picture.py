"""One image in memory, in the number format it was stored in."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from film.errors import FilmError

SMALLEST_SIDE = 16
_ROUNDING = 1e-5  # what float arithmetic may have added to an image that was in [0, 1]


@dataclass(frozen=True)
class Picture:
    """An upright image without alpha; it keeps its integers, so that a large one stays small in memory.

    Attributes:
        pixels: (H, W) grey or (H, W, 3) RGB; uint8, uint16, or float32 in [0, 1].
        profile: ICC profile of the RGB values, None for sRGB and for grey.
    """

    pixels: np.ndarray
    profile: bytes | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, in this order, as image programs say them."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def is_colour(self) -> bool:
        """Whether there is any colour in it."""
        return self.pixels.ndim == 3

    @property
    def depth(self) -> int:
        """Bits a channel that a file needs to hold it: 8 or 16."""
        return 8 if self.pixels.dtype == np.uint8 else 16

    def unit(self, rows: slice = slice(None)) -> np.ndarray:
        """Give some rows as float32 in [0, 1]: (H', W) or (H', W, 3)."""
        unit = self.pixels[rows].astype(np.float32)
        return unit if self.pixels.dtype.kind == "f" else unit / np.float32(np.iinfo(self.pixels.dtype).max)

    def as_depth(self, bits: int) -> "Picture":
        """Round to 8 or 16 bit integers."""
        if self.pixels.dtype == quantised_type(bits):
            return self
        return Picture(quantise(self.unit(), bits), self.profile)

    def to_pil(self) -> Image.Image:
        """Give a PIL image of mode L, RGB or, for a grey picture of more than 8 bits, I;16.

        PIL has no RGB of 16 bits; a colour picture is rounded to 8.
        """
        image = Image.fromarray(self.as_depth(8 if self.is_colour else self.depth).pixels)
        if self.profile:
            image.info["icc_profile"] = self.profile
        return image


def quantised_type(bits: int) -> type[np.unsignedinteger[Any]]:
    """Name the integer type of 8 or 16 bits a channel."""
    return np.uint8 if bits == 8 else np.uint16


def quantise(unit: np.ndarray, bits: int) -> np.ndarray:
    """Round floats in [0, 1] to the nearest of 2**bits levels."""
    return np.rint(unit * np.float32(2**bits - 1)).astype(quantised_type(bits))


def check_unit_range(values: Any, name: str) -> None:
    """Refuse NaN, infinity and anything outside [0, 1].

    Args:
        values: A floating-point array or tensor.
        name: What to call it.

    Raises:
        FilmError: With the range that was found.
    """
    low, high = float(values.min()), float(values.max())  # NaN comes through both
    if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):
        raise FilmError(f"{name} has values from {low:g} to {high:g}; floats must be finite and in [0, 1]")


def check_pair(a: Picture, b: Picture, *, names: tuple[str, str]) -> None:
    """Refuse two pictures that can't be fused.

    Raises:
        FilmError: They differ in size, or are too small.
    """
    (width, height), (width_b, height_b) = a.size, b.size
    if a.size != b.size:
        raise FilmError(
            f"sizes differ: {names[0]} is {width}x{height}, {names[1]} is {width_b}x{height_b}; "
            "the two images of a pair must be registered to each other"
        )
    check_size(width, height, name=names[0])


def check_size(width: int, height: int, *, name: str) -> None:
    """Refuse an image that is too small to be fused."""
    if min(width, height) < SMALLEST_SIDE:
        raise FilmError(f"{name} is {width}x{height}; the smallest side that can be fused is {SMALLEST_SIDE} px")


def picture_from_array(array: np.ndarray, *, name: str, profile: bytes | None = None) -> Picture:
    """Take a picture from an array.

    Args:
        array: (H, W) or (H, W, 3); uint8, uint16, or any float in [0, 1].
        name: What to call it in an error.
        profile: ICC profile of the RGB values.

    Returns:
        The picture; RGB whose channels are all equal counts as grey.

    Raises:
        FilmError: Another shape or number format, no pixels, or floats outside [0, 1].
    """
    if array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,)) or array.size == 0:
        raise FilmError(f"{name} has the shape {array.shape}; an image array must be (H, W) or (H, W, 3)")
    if array.dtype.kind == "f":
        check_unit_range(array, name)
        array = array.astype(np.float32).clip(0, 1)
    elif array.dtype not in (np.uint8, np.uint16):
        raise FilmError(f"{name} holds {array.dtype}; an image array must be uint8, uint16 or a float in [0, 1]")
    if array.ndim == 3 and all(np.array_equal(array[..., 0], array[..., channel]) for channel in (1, 2)):
        array = array[..., 0]
    return Picture(array, profile if array.ndim == 3 else None)


def picture_from_pil(image: Image.Image, *, name: str) -> Picture:
    """Take a picture from a PIL image of any mode: turned upright by its EXIF orientation, alpha dropped.

    Raises:
        FilmError: The image holds integers of another size than 8 or 16 bits, or floats outside [0, 1].
    """
    image = ImageOps.exif_transpose(image)
    profile = image.info.get("icc_profile")
    if profile and profile[16:20] != b"RGB ":  # of CMYK or grey, which we have left behind
        profile = None
    return picture_from_array(_array(image, name), name=name, profile=profile)


def _array(image: Image.Image, name: str) -> np.ndarray:
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)  # also of the big-endian mode
    if image.mode == "I":
        raise FilmError(f"{name} holds signed or 32-bit integers; save it with 8 or 16 bits, unsigned")
    if image.mode in ("L", "F"):
        return np.asarray(image)
    if image.mode in ("1", "LA", "La"):
        return np.asarray(image.convert("L"))
    if image.mode in ("P", "PA") and "transparency" in image.info:
        image = image.convert("RGBA")  # the direct way to RGB warns
    return np.asarray(image.convert("RGB"))
