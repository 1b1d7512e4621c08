"""Image files of every kind come in as what they show, and go out whole or not at all."""

import io
import logging
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from film.errors import FilmError
from film.imaging.files import FORMATS, check_writable, read_image, write_atomically, write_image
from film.imaging.picture import Picture

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (20, 24, 3), dtype=np.uint8)
RGB16 = RNG.integers(0, 65536, (20, 24, 3), dtype=np.uint16)
UPRIGHT = {  # EXIF 2.32, tag 0x0112: what has to be done with the stored rows
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: x[::-1, ::-1].swapaxes(0, 1),
    8: lambda x: np.rot90(x, 1),
}


def tiff(pixels: np.ndarray, *, orientation: int = 1, bits: int | None = None, white_is_zero: bool = False) -> bytes:
    """An uncompressed TIFF 6.0 of one strip, written by hand: no library at hand writes all that we read."""
    rows, columns = pixels.shape[:2]
    samples = pixels.shape[2] if pixels.ndim == 3 else 1
    depth = struct.pack(f"<{samples}H", *[bits or 8 * pixels.itemsize] * samples)
    sample_format = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    photometric = 0 if white_is_zero else 2 if samples == 3 else 1
    data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    entries = [
        (256, 3, 1, columns),
        (257, 3, 1, rows),
        (258, 3, samples, 8 if samples > 1 else depth),
        (259, 3, 1, 1),
        (262, 3, 1, photometric),
        (273, 4, 1, 16),
        (274, 3, 1, orientation),
        (277, 3, 1, samples),
        (278, 3, 1, rows),
        (279, 4, 1, len(data)),
        (339, 3, 1, sample_format),
    ]
    table = b"".join(
        struct.pack("<HHI", tag, kind, count)
        + (value.ljust(4, b"\0") if isinstance(value, bytes) else struct.pack("<I", value))
        for tag, kind, count, value in entries
    )
    head = struct.pack("<2sHI", b"II", 42, 16 + len(data)) + depth.ljust(8, b"\0")
    return head + data + struct.pack("<H", len(entries)) + table + struct.pack("<I", 0)


def png16(pixels: np.ndarray, *, orientation: int = 1) -> bytes:
    """A 16-bit PNG with an eXIf chunk behind its header."""
    encoded = cv2.imencode(".png", pixels[..., ::-1] if pixels.ndim == 3 else pixels)[1].tobytes()
    exif = Image.Exif()
    exif[0x0112] = orientation
    body = b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return encoded[:33] + chunk + encoded[33:]


def saved(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


def stored(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".bmp", ".webp", ".PNG"])
@pytest.mark.parametrize("pixels", [RGB, RGB[..., 0]], ids=["colour", "grey"])
def test_what_was_written_is_read(tmp_path: Path, suffix: str, pixels: np.ndarray) -> None:
    write_image(tmp_path / f"new/folder/x{suffix}", Picture(pixels))
    np.testing.assert_array_equal(read_image(tmp_path / f"new/folder/x{suffix}").pixels, pixels)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("pixels", [RGB16, RGB16[..., 0]], ids=["colour", "grey"])
def test_sixteen_bits_are_kept(tmp_path: Path, suffix: str, pixels: np.ndarray) -> None:
    write_image(tmp_path / f"x{suffix}", Picture(pixels))
    np.testing.assert_array_equal(read_image(tmp_path / f"x{suffix}").pixels, pixels)


def test_sixteen_bits_are_rounded_where_eight_fit(tmp_path: Path) -> None:
    write_image(tmp_path / "x.bmp", Picture(RGB16))
    np.testing.assert_array_equal(read_image(tmp_path / "x.bmp").pixels, np.rint(RGB16 / 257).astype(np.uint8))


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg"])
def test_jpeg_stays_close(tmp_path: Path, suffix: str) -> None:
    smooth = np.linspace(0, 255, 40 * 48 * 3).reshape(40, 48, 3).astype(np.uint8)
    smooth[..., 1] = smooth[::-1, :, 1]
    write_image(tmp_path / f"x{suffix}", Picture(smooth))
    assert np.abs(read_image(tmp_path / f"x{suffix}").pixels.astype(int) - smooth).mean() < 2


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("make", ["jpeg", "png16", "tiff", "tiff16", "grey tiff16"])
def test_orientation_is_honoured(tmp_path: Path, make: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    if make == "jpeg":
        path = saved(Image.fromarray(RGB), tmp_path / "x.jpg", exif=exif)
        pixels = np.asarray(Image.open(path))  # as stored, in spite of the loss
    elif make == "png16":
        pixels, path = RGB16, stored(tmp_path / "x.png", png16(RGB16, orientation=orientation))
    else:
        pixels = {"tiff": RGB, "tiff16": RGB16, "grey tiff16": RGB16[..., 0]}[make]
        path = stored(tmp_path / "x.tif", tiff(pixels, orientation=orientation))
    np.testing.assert_array_equal(read_image(path).pixels, UPRIGHT[orientation](pixels))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr"])
def test_modes(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(RGB).convert(mode)
    grey = mode in ("1", "L", "LA")
    picture = read_image(saved(image, tmp_path / ("x.tif" if mode in ("CMYK", "YCbCr") else "x.png")))
    assert picture.is_colour is not grey
    np.testing.assert_array_equal(picture.pixels, np.asarray(image.convert("L" if grey else "RGB")))


@pytest.mark.parametrize("transparency", [3, b"\0\x80\xff"], ids=["one", "table"])
def test_palette_with_transparency(tmp_path: Path, transparency: int | bytes) -> None:
    image = Image.fromarray(RGB).convert("P")
    picture = read_image(saved(image, tmp_path / "x.png", transparency=transparency))
    np.testing.assert_array_equal(picture.pixels, np.asarray(image.convert("RGB")))


def test_colour_with_equal_channels_is_grey(tmp_path: Path) -> None:
    picture = read_image(saved(Image.fromarray(RGB).convert("L").convert("RGB"), tmp_path / "x.png"))
    assert not picture.is_colour
    assert picture.pixels.ndim == 2


def test_sixteen_bits_with_alpha(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    cv2.imwrite(str(path), np.dstack([RGB16[..., ::-1], RGB16[..., 0]]))
    np.testing.assert_array_equal(read_image(path).pixels, RGB16)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(20, 24), (20, 24, 3)], ids=["grey", "colour"])
def test_float_tiff(tmp_path: Path, shape: tuple[int, ...], dtype: type) -> None:
    pixels = RNG.random(shape).astype(dtype)
    picture = read_image(stored(tmp_path / "x.tif", tiff(pixels)))
    assert picture.depth == 16
    np.testing.assert_allclose(picture.pixels, pixels, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_that_counts_from_white(tmp_path: Path, dtype: type) -> None:
    pixels = (RGB16[..., 0] >> (0 if dtype == np.uint16 else 8)).astype(dtype)
    picture = read_image(stored(tmp_path / "x.tif", tiff(pixels, white_is_zero=True)))
    np.testing.assert_array_equal(picture.pixels, np.iinfo(dtype).max - pixels)


@pytest.mark.parametrize("suffix", [".tif", ".webp", ".png"])
def test_first_of_several_frames(tmp_path: Path, suffix: str) -> None:
    frames = [Image.fromarray(RGB), Image.fromarray(RGB[::-1].copy())]
    options = {"lossless": True} if suffix == ".webp" else {}
    path = saved(frames[0], tmp_path / f"x{suffix}", save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(read_image(path).pixels, RGB)


def test_the_content_counts_not_the_suffix(tmp_path: Path) -> None:
    path = saved(Image.fromarray(RGB), tmp_path / "x.jpg", format="PNG")
    np.testing.assert_array_equal(read_image(path).pixels, RGB)


@pytest.mark.parametrize("suffix", sorted(set(FORMATS)))
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_truncated(tmp_path: Path, suffix: str, kept: float) -> None:
    path = saved(Image.fromarray(RGB), tmp_path / f"x{suffix}")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(FilmError, match=r"x\.\w+ is (broken or cut short|not an image)"):
        read_image(path)


@pytest.mark.parametrize("data", [png16(RGB16), tiff(RGB16), tiff(RGB16.astype(np.float32) / 65535)])
def test_truncated_sixteen_bits(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(FilmError, match=r"x\.img is (broken or cut short|a TIFF that can't be read)"):
        read_image(stored(tmp_path / "x.img", data[: len(data) * 2 // 3]))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an image of a format we read"),
        (b"hello", "not an image of a format we read"),
        (tiff(np.full((20, 24), np.nan, np.float32)), "values from nan to nan"),
        (tiff(np.full((20, 24, 3), 2, np.float32)), "values from 2 to 2"),
        (tiff(RGB16[..., 0].astype(np.uint32)), "32-bit integers"),
        (tiff(RGB16[..., 0].astype(np.int16)), "signed"),
        (tiff(RGB16[..., 0] >> 4, bits=12), "12 bits a sample"),
    ],
    ids=["empty", "text", "nan", "range", "32 bit", "signed", "12 bit"],
)
def test_what_is_not_read_says_why(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(FilmError, match=message):
        read_image(stored(tmp_path / "x.tif", data))


def test_formats_that_run_programs_are_not_opened(tmp_path: Path) -> None:
    with pytest.raises(FilmError, match="not an image of a format we read"):
        read_image(stored(tmp_path / "x.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n"))


def test_more_pixels_than_are_read(tmp_path: Path) -> None:
    chunks = [b"IHDR" + struct.pack(">IIBBBBB", 20000, 20000, 8, 2, 0, 0, 0), b"IDAT"]
    data = b"\x89PNG\r\n\x1a\n"
    for chunk in chunks:
        data += struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    with pytest.raises(FilmError, match=r"x\.png is too large: Image size \(400000000 pixels\)"):
        read_image(stored(tmp_path / "x.png", data))


def test_missing_and_folder(tmp_path: Path) -> None:
    with pytest.raises(FilmError, match=r"can't read .*gone\.png: No such file"):
        read_image(tmp_path / "gone.png")
    with pytest.raises(FilmError, match=r"can't read .*: Is a directory"):
        read_image(tmp_path)


def test_colour_profile_is_kept(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = read_image(saved(Image.fromarray(RGB), tmp_path / "x.png", icc_profile=profile))
    for suffix in (".png", ".jpg", ".tif", ".webp"):
        write_image(tmp_path / f"y{suffix}", picture)
        assert read_image(tmp_path / f"y{suffix}").profile == profile
    grey = read_image(saved(Image.fromarray(RGB).convert("L"), tmp_path / "grey.png", icc_profile=profile))
    assert grey.profile is None


def test_lost_colour_profile_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "film"):
        write_image(tmp_path / "x.png", Picture(RGB16, b"profile"))
    assert "colour profile is not kept in x.png" in caplog.text


def test_check_leaves_nothing_behind(tmp_path: Path) -> None:
    check_writable(tmp_path / "new/folder/x.png")
    assert list(tmp_path.iterdir()) == []


def test_check_finds_what_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    for path, message in {
        "x.gif": r"x\.gif: the suffix must be one of \.png",
        "file/x.png": "Not a directory",
        "folder.png": "it is a folder",
        f"{'x' * 300}.png": "File name too long",
    }.items():
        with pytest.raises(FilmError, match=message):
            check_writable(tmp_path / path)
    with pytest.raises(FilmError, match="WEBP holds at most 16383 px"):
        check_writable(tmp_path / "x.webp", size=(20000, 20))


def test_a_write_that_fails_changes_nothing(tmp_path: Path) -> None:
    target = stored(tmp_path / "x.png", b"old")

    def write(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(FilmError, match=r"can't write .*x\.png: No space left on device"):
        write_atomically(target, write)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_files_have_the_usual_permissions(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_image(tmp_path / "8.png", Picture(RGB))
        write_image(tmp_path / "16.png", Picture(RGB16))
    finally:
        os.umask(before)
    assert [oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()] == ["0o644", "0o644"]


def test_broken_exif_is_no_obstacle(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, "JPEG", exif=b"Exif\0\0garbage")
    assert read_image(stored(tmp_path / "x.jpg", buffer.getvalue())).size == (24, 20)
