"""The fast reader against the careful one."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from film.data.reading import images_of, luminance, read_pixels, unit
from film.errors import FilmError
from film.imaging.colour import luminance_of
from film.imaging.files import read_image


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
@pytest.mark.parametrize("mode", ["L", "RGB", "P", "RGBA", "LA"])
def test_reads_what_the_careful_reader_reads(tmp_path, pixels, suffix, mode):
    if suffix == ".bmp" and mode == "LA":
        pytest.skip("a format that has no such images")
    path = tmp_path / f"image{suffix}"
    Image.fromarray(pixels).convert(mode).save(path)
    expected = unit(luminance(read_image(path).pixels))
    np.testing.assert_allclose(unit(luminance(read_pixels(path))), expected, atol=2e-7)


def test_jpeg_and_its_orientation(tmp_path, pixels):
    path = tmp_path / "image.jpg"
    exif = Image.Exif()
    exif[274] = 6  # turn a quarter clockwise
    Image.fromarray(cv2.GaussianBlur(pixels, (0, 0), 3)).save(path, exif=exif, quality=95)
    read, expected = read_pixels(path), read_image(path).pixels
    assert read.shape == expected.shape == (30, 20, 3)
    # Decoders may round the inverse cosine transform and the enlarged chroma their own way.
    assert np.abs(read.astype(int) - expected).max() <= 3


def test_sixteen_bits_are_kept(tmp_path):
    deep = np.random.default_rng(0).integers(0, 65536, (20, 30, 3), dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "deep.png"), deep[..., ::-1])
    assert np.array_equal(read_pixels(tmp_path / "deep.png"), deep)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_file_cut_short_is_refused_by_name(tmp_path, pixels, suffix):
    path = tmp_path / f"cut{suffix}"
    Image.fromarray(pixels).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(FilmError, match=f"cut{suffix}"):
        read_pixels(path)


def test_luminance_is_that_of_the_pipeline(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "colour.png")
    ours = torch.from_numpy(unit(luminance(read_pixels(tmp_path / "colour.png"))))
    torch.testing.assert_close(ours, luminance_of(read_image(tmp_path / "colour.png"))[0, 0], atol=3e-7, rtol=0)


def test_grey_keeps_its_integers_until_it_is_scaled(pixels):
    grey = pixels[..., 0]
    assert luminance(grey) is grey
    assert np.array_equal(unit(grey), grey.astype(np.float32) / 255)


def test_images_are_found_with_and_without_suffix(tmp_path):
    for name in ("a.png", "a.jpg", "b.JPG", ".hidden.png", "c.txt"):
        (tmp_path / name).touch()
    images = images_of(tmp_path)
    assert set(images) == {"a.png", "a.jpg", "a", "b.JPG", "b"}
    with pytest.raises(FilmError, match="no folder"):
        images_of(tmp_path / "nowhere")
