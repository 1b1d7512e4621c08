"""Crops and sizes: the same for both images."""

import numpy as np
import pytest

from film.data.base import FusionDataset
from film.data.sampling import Draw
from film.data.source import Images
from film.data.windows import random_window, resized
from film.errors import FilmError


@pytest.fixture
def images():
    rows, columns = np.mgrid[:20, :30].astype(np.uint8)
    return Images(rows * 8, np.stack([columns * 8] * 3, -1))


def window(images, crop, *, zoom=(1.0, 1.0), seed=0):
    return random_window(images, crop, zoom=zoom, random=np.random.default_rng(seed))


def test_both_are_cut_at_the_same_place_and_every_place_comes_up(images):
    tops, lefts = set(), set()
    for seed in range(300):
        a, b = window(images, 12, seed=seed)
        assert a.shape == b.shape == (12, 12)
        assert (np.diff(a.astype(int), axis=0) == 8).all()
        tops.add(a[0, 0] // 8)
        lefts.add(round(255 * b[0, 0] / 8))
    assert tops == set(range(9))
    assert lefts == set(range(19))


def test_a_small_image_is_enlarged_to_the_crop(images):
    a, b = window(images, 40)
    assert a.shape == b.shape == (40, 40)
    assert a.max() == pytest.approx(19 * 8 / 255, abs=1e-3)


def test_zoom_cuts_less_and_enlarges_it(images):
    a, _ = window(images, 12, zoom=(2.0, 2.0))
    assert a.shape == (12, 12)
    assert np.ptp(a) * 255 == pytest.approx(5 * 8, abs=0.1)


def test_resize_turns_portrait_images_over_their_diagonal(images):
    a, b = resized(images, (10, 15))
    assert a.shape == b.shape == (10, 15)
    turned_a, turned_b = resized(Images(images.a.T, images.b.transpose(1, 0, 2)), (10, 15))
    assert np.array_equal(a, turned_a)
    assert np.array_equal(b, turned_b)


def test_an_image_of_the_right_size_is_not_touched(images):
    assert resized(images, (20, 30)).a is images.a


def test_a_draw_decides_the_window(counted):
    dataset = FusionDataset(counted(2, size=(20, 20)), crop=8)
    one, same, other = (dataset[Draw(1, seed)] for seed in (5, 5, 6))
    assert one.images.a.shape == (8, 8)
    assert one.seed == same.seed == 5 != other.seed
    assert dataset[0].seed == FusionDataset(counted(1))[0].seed  # of the name, not of the set


def test_crop_and_resize_exclude_each_other(counted):
    with pytest.raises(FilmError, match="exclude each other"):
        FusionDataset(counted(2), crop=8, resize=(8, 8))
