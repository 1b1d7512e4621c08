"""Sources and result side by side."""

import numpy as np
import pytest

from film.imaging.comparison import overlay, side_by_side
from film.imaging.picture import Picture

BACKGROUND = np.array([24, 24, 24])


def black(height: int, width: int) -> Picture:
    return Picture(np.zeros((height, width), np.uint8))


@pytest.mark.parametrize(
    ("size", "columns", "rows", "panel"),
    [
        ((480, 640), 3, 1, (480, 640)),
        ((600, 300), 3, 1, (600, 300)),
        ((200, 800), 1, 3, (200, 800)),
        ((16, 20), 3, 1, (16 * 13, 20 * 13)),
        ((2560, 1280), 3, 1, (1280, 640)),
    ],
    ids=["landscape", "portrait", "panorama", "tiny", "large"],
)
def test_layout(size: tuple[int, int], columns: int, rows: int, panel: tuple[int, int]) -> None:
    sheet = side_by_side([black(*size)] * 3, ["A", "B", "fused"])
    bar = (sheet.height - rows * panel[0] - (rows - 1) * 8) / rows
    assert sheet.width == columns * panel[1] + (columns - 1) * 8
    assert 20 < bar < 60


def test_pictures_stand_in_order_and_keep_their_colours() -> None:
    colour = np.zeros((300, 400, 3), np.uint8)
    colour[..., 0] = 200
    grey16 = np.full((300, 400), 257 * 77, np.uint16)
    sheet = np.asarray(side_by_side([Picture(colour), Picture(grey16), black(300, 400)], ["A", "B", "fused"]))
    assert [sheet[-1, x].tolist() for x in (0, 408, 816)] == [[200, 0, 0], [77, 77, 77], [0, 0, 0]]


def test_captions_are_written_and_cut() -> None:
    sheet = np.asarray(side_by_side([black(300, 400)] * 2, ["A", "B " + "very " * 50 + "long"]))
    bar = sheet[: sheet.shape[0] - 300]
    ink = (bar != BACKGROUND).any((0, 2))
    assert ink[:400].any()
    assert ink[408:800].sum() > 250
    assert not ink[800:].any()


def test_columns_begin_a_new_row() -> None:
    pictures = [Picture(np.full((40, 300), value, np.uint8)) for value in (50, 100, 150)]
    sheet = side_by_side(pictures, ["one", "two", "three"], columns=2)
    assert sheet.width == 2 * 300 + 8
    assert sheet.getpixel((150, sheet.height - 20)) == (150, 150, 150)


def test_an_overlay_is_red_where_the_weight_is_and_blue_elsewhere() -> None:
    picture = Picture(np.full((64, 96), 128, np.uint8))
    heat = np.zeros((4, 6), np.float32)
    heat[1, 5] = 1
    coloured = overlay(picture, heat).pixels.astype(int)
    assert coloured.shape == (64, 96, 3)
    hot, cold = coloured[24, 90], coloured[50, 10]
    assert hot[0] > hot[2] + 40
    assert cold[2] > hot[2]
    assert overlay(picture, np.ones((4, 6))).pixels.std((0, 1)).max() == 0
