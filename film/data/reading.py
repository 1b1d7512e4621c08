"""Image files to pixels and luminance, as fast as training needs them."""

from pathlib import Path

import numpy as np

from film.errors import FilmError
from film.imaging.files import FORMATS, read_image

_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)  # full-range BT.601, as film.imaging.colour
_ENDS = {".png": b"IEND", ".jpg": b"\xff\xd9", ".jpeg": b"\xff\xd9"}


def read_pixels(path: Path) -> np.ndarray:
    """Read one image file.

    OpenCV decodes PNG and JPEG 1.5 to 3 times as fast as `film.imaging.files.read_image`, which reads everything else
    and whatever looks unusual, and says what is wrong with it.

    Returns:
        (H, W) grey or (H, W, 3) RGB; uint8, uint16, or float32 in [0, 1].

    Raises:
        FilmError: The file can't be read; with its path.
    """
    end = _ENDS.get(path.suffix.lower())
    pixels = _decode(path, end) if end else None
    return read_image(path).pixels if pixels is None else pixels


def _decode(path: Path, end: bytes) -> np.ndarray | None:
    import cv2

    try:
        data = path.read_bytes()
    except OSError as error:
        raise FilmError(f"can't read {path}: {error.strerror}") from error
    if end not in data[-64:]:  # cut short: OpenCV would fill the rest with grey
        return None
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        return None
    return pixels[..., ::-1] if pixels.ndim == 3 else pixels


def luminance(pixels: np.ndarray) -> np.ndarray:
    """Take the luminance Y = 0.299 R + 0.587 G + 0.114 B.

    Args:
        pixels: (H, W) grey or (H, W, 3) RGB; uint8, uint16, or float32 in [0, 1].

    Returns:
        (H, W): grey as it is, integers and all; of colour float32 in [0, 1], in as many levels as the file has.
    """
    if pixels.ndim == 2:
        return pixels
    import cv2

    plane = cv2.transform(pixels.astype(np.float32), _WEIGHTS[None])
    if pixels.dtype.kind != "f":
        plane = np.rint(plane, out=plane) / np.float32(np.iinfo(pixels.dtype).max)
    return plane.clip(0, 1)


def unit(pixels: np.ndarray, *, out: np.ndarray | None = None) -> np.ndarray:
    """Bring (H, W) luminance of any number format to float32 in [0, 1], into `out` if it is given."""
    largest = 1 if pixels.dtype.kind == "f" else np.iinfo(pixels.dtype).max
    return np.divide(pixels, np.float32(largest), out=out, dtype=np.float32)


def images_of(folder: Path) -> dict[str, Path]:
    """List the images of a folder, by file name and, where it stands once, by name without suffix.

    Raises:
        FilmError: There is no such folder.
    """
    if not folder.is_dir():
        raise FilmError(f"there is no folder {folder}")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in FORMATS and path.name[0] != ".")
    return {path.stem: path for path in reversed(files)} | {path.name: path for path in files}
