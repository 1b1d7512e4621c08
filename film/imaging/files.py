"""Read and write image files: PNG, JPEG, TIFF, BMP and WebP, with 8 or 16 bits a channel.

Pillow reads everything but colour with 16 bits, of which it silently keeps 8; OpenCV reads and writes that.
"""

import io
import logging
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from film.errors import FilmError
from film.imaging.picture import Picture, picture_from_array, picture_from_pil

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".webp": "WEBP",
}
_LARGEST_SIDE = {"JPEG": 65535, "WEBP": 16383}
_SAVE: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},  # the lossy kind tints greys
    "TIFF": {"compression": "tiff_deflate"},
}
_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0  # TIFF tags
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_log = logging.getLogger("film")


def read_image(path: Path) -> Picture:
    """Read one image file, whatever its suffix says.

    It is turned upright (EXIF orientation), palettes and CMYK become RGB, RGB with equal channels becomes grey, alpha
    is dropped, of several frames or pages the first is taken. Floating-point TIFF must be in [0, 1].

    Raises:
        FilmError: It is missing, not an image of a known format, broken, or of a number format we can't hold.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FilmError(f"can't read {path}: {error.strerror}") from error
    try:
        with Image.open(io.BytesIO(data), formats=sorted(set(FORMATS.values()))) as image:
            bits = _stored_bits(image, data)
            image.load()
            white_is_zero = _tiff_tag(image, _PHOTOMETRIC) == _WHITE_IS_ZERO
            picture = picture_from_pil(image, name=str(path))
    except FilmError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise FilmError(f"{path} is too large: {error}") from error
    except UnidentifiedImageError as error:
        if data.startswith(_TIFF_MAGIC):
            return _read_float_tiff(data, path)
        raise FilmError(f"{path} is not an image of a format we read ({', '.join(FORMATS)})") from error
    except Exception as error:  # the decoders raise anything on a broken file
        raise FilmError(f"{path} is broken or cut short: {error}") from error
    if bits not in (1, 2, 4, 8, 16) and picture.pixels.dtype != np.float32:
        raise FilmError(f"{path} has {bits} bits a sample; save it with 8 or 16")
    if bits == 16 and picture.pixels.dtype == np.uint8:
        return _read_16_bit(data, path, eight_bit=picture)
    if bits == 16 and white_is_zero:  # Pillow inverts only 8 bits
        return Picture(65535 - picture.pixels)
    return picture


def _stored_bits(image: Image.Image, data: bytes) -> int:
    if image.format == "PNG":
        return data[24]  # the header is the first chunk
    if image.format == "TIFF":
        return max(_tiff_tag(image, _BITS_PER_SAMPLE) or (1,))
    return 8


def _tiff_tag(image: Image.Image, tag: int) -> Any:
    return image.tag_v2.get(tag) if isinstance(image, TiffImageFile) else None


def _decode(data: bytes, flags: int) -> np.ndarray | None:
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what is wrong is said by our error
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    return pixels if pixels is None or pixels.ndim == 2 else np.ascontiguousarray(pixels[..., 2::-1])


def _read_16_bit(data: bytes, path: Path, *, eight_bit: Picture) -> Picture:
    pixels = _decode(data, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
    # Pillow kept the high bytes: they show whether OpenCV understood layout, orientation and channel order alike.
    high = eight_bit.pixels if eight_bit.is_colour else eight_bit.pixels[..., None]
    if pixels is None or not np.array_equal(pixels >> 8, np.broadcast_to(high, (*high.shape[:2], 3))):
        raise FilmError(f"{path} stores its 16 bits in a way that can't be read; save it as a plain 16-bit PNG")
    return picture_from_array(pixels, name=str(path), profile=eight_bit.profile)


def _read_float_tiff(data: bytes, path: Path) -> Picture:
    pixels = _decode(data, cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype.kind != "f":
        raise FilmError(f"{path} is a TIFF that can't be read; save it as PNG or as a plain TIFF")
    return picture_from_array(pixels, name=str(path))


def check_writable(path: Path, *, size: tuple[int, int] | None = None) -> None:
    """Find out before the work whether an image can be written, leaving nothing behind.

    Args:
        path: The file to write; missing folders above it may be made later.
        size: Width and height of the image, if known.

    Raises:
        FilmError: The suffix is no image format, the format can't hold the size, or the place can't be written.
    """
    image_format = FORMATS.get(path.suffix.lower())
    if image_format is None:
        raise FilmError(f"can't write {path}: the suffix must be one of {', '.join(FORMATS)}")
    if size and max(size) > (largest := _LARGEST_SIDE.get(image_format, max(size))):
        raise FilmError(f"can't write {path}: {image_format} holds at most {largest} px a side; write .png instead")
    try:
        if path.is_dir():
            raise FilmError(f"can't write {path}: it is a folder")
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        with tempfile.TemporaryFile(dir=folder):  # permission bits don't tell about read-only and special file systems
            pass
    except OSError as error:
        raise FilmError(f"can't write {path}: {error.strerror}; choose another --output") from error


def write_image(path: Path, picture: Picture) -> None:
    """Write a picture, rounding to the depth that the format of the suffix holds; all of the file or nothing of it.

    Args:
        path: File to write or replace; missing folders above it are made.
        picture: 16 bits are kept in PNG and TIFF.

    Raises:
        FilmError: The file can't be written.
    """
    image_format = FORMATS[path.suffix.lower()]
    picture = picture.as_depth(picture.depth if image_format in ("PNG", "TIFF") else 8)
    if picture.depth == 16:
        write_atomically(path, lambda temporary: temporary.write_bytes(_encode_16_bit(path, picture)))
    else:
        save_pil(path, picture.to_pil())


def save_pil(path: Path, image: Image.Image) -> None:
    """Write a PIL image of 8 bits in the format of the suffix, with its colour profile.

    Raises:
        FilmError: The file can't be written.
    """
    image_format = FORMATS[path.suffix.lower()]
    options = _SAVE.get(image_format, {}) | {"icc_profile": image.info.get("icc_profile")}
    write_atomically(path, lambda temporary: image.save(temporary, image_format, **options))


def _encode_16_bit(path: Path, picture: Picture) -> bytes:
    if picture.profile:
        _log.warning("the colour profile is not kept in %s: a 16-bit colour file is written without one", path.name)
    pixels = picture.pixels[..., ::-1] if picture.is_colour else picture.pixels
    done, encoded = cv2.imencode(path.suffix.lower(), np.ascontiguousarray(pixels))
    if not done:
        raise OSError(0, "the encoder failed")
    return encoded.tobytes()


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in its place.

    Raises:
        FilmError: The file can't be written; what stood there is untouched.
    """
    temporary = path.parent / f".film-{uuid.uuid4().hex}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        temporary.replace(path)
    except (OSError, ValueError) as error:
        raise FilmError(f"can't write {path}: {getattr(error, 'strerror', None) or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
