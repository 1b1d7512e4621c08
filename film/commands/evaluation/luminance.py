"""Image files as the luminance that metrics work on."""

from pathlib import Path

import numpy as np

from film.data.reading import read_pixels
from film.errors import FilmError


def read_luminance(path: Path) -> np.ndarray:
    """Read an image file as whole levels 0 to 255 of luminance.

    Returns:
        (H, W) float32, see `luminance_levels`.

    Raises:
        FilmError: The file can't be read, or holds NaN.
    """
    return luminance_levels(read_pixels(path), name=str(path))


def luminance_levels(pixels: np.ndarray, *, name: str = "image") -> np.ndarray:
    """Y = round(0.299 R + 0.587 G + 0.114 B) in float32, from levels 0 to 255.

    16-bit levels are divided by 257 and floats in [0, 1] multiplied by 255 before, so that every method is measured as
    if it had been saved with 8 bits.

    Args:
        pixels: (H, W) grey or (H, W, 3) RGB; uint8, uint16, or floats in [0, 1].
        name: What to call it in an error.

    Returns:
        (H, W) float32 whole levels.

    Raises:
        FilmError: There is NaN or infinity in it.
    """
    levels = pixels.astype(np.float32)
    if pixels.dtype == np.uint16:
        levels /= np.float32(257)
    elif pixels.dtype.kind == "f":
        if not np.isfinite(levels).all():
            raise FilmError(f"{name} holds NaN or infinity; save it as an image of finite values")
        levels *= np.float32(255)
    if levels.ndim == 3:
        red, green, blue = np.moveaxis(levels, -1, 0)
        levels = red * np.float32(0.299) + green * np.float32(0.587) + blue * np.float32(0.114)
    return np.round(levels)


def stretch(levels: np.ndarray) -> np.ndarray:
    """Stretch from minimum and maximum to 0 to 255, as the release of FILM does before it saves; constants stay."""
    low, high = levels.min(), levels.max()
    return levels if low == high else np.round((levels - low) / (high - low) * np.float32(255))
