"""Pictures hold their integers, and refuse what isn't one."""

import numpy as np
import pytest
from PIL import Image

from film.errors import FilmError
from film.imaging.picture import Picture, check_pair, picture_from_array, picture_from_pil

GREY = np.arange(16 * 20, dtype=np.uint8).reshape(16, 20)


def test_unit_range() -> None:
    assert Picture(np.array([[0, 255]], np.uint8)).unit().tolist() == [[0, 1]]
    assert Picture(np.array([[0, 65535]], np.uint16)).unit().tolist() == [[0, 1]]


def test_depths_are_rounded_not_cut() -> None:
    picture = Picture(np.array([[0, 128, 129, 65534, 65535]], np.uint16))
    assert picture.as_depth(8).pixels.tolist() == [[0, 0, 1, 255, 255]]
    assert Picture(np.array([[0.5, 0.999]], np.float32)).as_depth(16).pixels.tolist() == [[32768, 65469]]
    assert Picture(np.array([[1, 255]], np.uint8)).as_depth(16).pixels.tolist() == [[257, 65535]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_survive_the_way_through_floats(dtype: type) -> None:
    every = np.arange(np.iinfo(dtype).max + 1, dtype=dtype)[None]
    picture = Picture(every)
    np.testing.assert_array_equal(Picture(picture.unit()).as_depth(picture.depth).pixels, every)


def test_equal_channels_are_grey() -> None:
    grey = picture_from_array(np.dstack([GREY] * 3), name="a", profile=b"RGB")
    assert not grey.is_colour
    assert grey.profile is None
    almost = np.dstack([GREY] * 3)
    almost[3, 4, 2] += 1
    assert picture_from_array(almost, name="a").is_colour


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (GREY[0], r"shape \(20,\)"),
        (GREY[..., None], r"shape \(16, 20, 1\)"),
        (np.zeros((16, 20, 4), np.uint8), r"shape \(16, 20, 4\)"),
        (np.zeros((0, 20), np.uint8), r"shape \(0, 20\)"),
        (GREY.astype(np.int32), "holds int32"),
        (GREY > 3, "holds bool"),
        (np.full((16, 20), np.nan), "from nan to nan"),
        (np.full((16, 20), np.inf), "from inf to inf"),
        (np.full((16, 20), -0.1), "from -0.1 to -0.1"),
        (GREY.astype(np.float32), "from 0 to 255"),
    ],
)
def test_arrays_that_are_no_images(array: np.ndarray, message: str) -> None:
    with pytest.raises(FilmError, match=f"photo .*{message}"):
        picture_from_array(array, name="photo")


def test_one_nan_is_found() -> None:
    array = np.full((16, 20, 3), 0.5)
    array[7, 8, 1] = np.nan
    with pytest.raises(FilmError, match="finite"):
        picture_from_array(array, name="a")


def test_rounding_beyond_the_range_is_forgiven() -> None:
    assert picture_from_array(np.full((16, 20), 1 + 1e-6), name="a").pixels.max() == 1


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
def test_pil_with_sixteen_bits(mode: str) -> None:
    values = GREY.astype(np.uint16) * 257
    image = Image.frombytes(mode, (20, 16), values.astype(">u2" if mode.endswith("B") else "<u2").tobytes())
    picture = picture_from_pil(image, name="a")
    np.testing.assert_array_equal(picture.pixels, values)
    assert picture.to_pil().mode == "I;16"


def test_pil_modes_of_results() -> None:
    colour = np.dstack([GREY, GREY[::-1], GREY])
    assert Picture(GREY).to_pil().mode == "L"
    assert Picture(colour).to_pil().mode == "RGB"
    assert Picture(colour.astype(np.uint16) * 257).to_pil().mode == "RGB"
    np.testing.assert_array_equal(np.asarray(Picture(colour.astype(np.uint16) * 257).to_pil()), colour)


def test_pairs_that_cannot_be_fused() -> None:
    small = Picture(GREY[:15])
    with pytest.raises(FilmError, match=r"sizes differ: ir\.png is 20x16, vi\.png is 20x15"):
        check_pair(Picture(GREY), small, names=("ir.png", "vi.png"))
    with pytest.raises(FilmError, match=r"ir\.png is 20x15; the smallest side .* is 16 px"):
        check_pair(small, small, names=("ir.png", "vi.png"))
    check_pair(Picture(GREY), Picture(GREY), names=("a", "b"))
