"""The fused luminance gets the colour of its sources."""

import numpy as np
import pytest
import torch
from kornia.color import rgb_to_ycbcr

from film import samples
from film.data.simulate import exposure_pair
from film.imaging.colour import luminance, luminance_of, paint, recolour
from film.imaging.files import read_image
from film.imaging.picture import Picture


def test_luminance_is_bt601() -> None:
    image = torch.rand(2, 3, 5, 7)
    expected = torch.einsum("bchw,c->bhw", image.double(), torch.tensor([0.299, 0.587, 0.114]).double())
    torch.testing.assert_close(luminance(image)[:, 0].double(), expected, atol=1e-6, rtol=0)
    assert luminance(torch.ones(1, 3, 1, 1)) == 1
    grey = torch.rand(2, 1, 5, 7)
    assert luminance(grey) is grey


def test_nothing_changes_with_the_own_luminance() -> None:
    image, grey = torch.rand(1, 3, 9, 8), torch.rand(1, 1, 9, 8)
    torch.testing.assert_close(recolour(luminance(image), grey, image), image, atol=1e-6, rtol=0)
    torch.testing.assert_close(recolour(luminance(image), image, grey), image, atol=1e-6, rtol=0)
    torch.testing.assert_close(recolour(luminance(image), image, image), image, atol=1e-6, rtol=0)


def test_chroma_is_that_of_the_colour_source() -> None:
    colour, grey = 0.4 + 0.2 * torch.rand(1, 3, 9, 8), torch.rand(1, 1, 9, 8)
    fused = 0.4 + 0.2 * torch.rand(1, 1, 9, 8)  # so that everything stays in range
    result = rgb_to_ycbcr(recolour(fused, grey, colour))
    torch.testing.assert_close(result[:, :1], fused, atol=1e-6, rtol=0)
    torch.testing.assert_close(result[:, 1:], rgb_to_ycbcr(colour)[:, 1:], atol=1e-6, rtol=0)


def test_of_two_equally_bright_colours_the_more_saturated_counts_for_more() -> None:
    red, green = (torch.tensor(rgb).view(1, 3, 1, 1) for rgb in ((0.7, 0.4, 0.4), (0.5, 0.6, 0.5)))
    same = torch.full((1, 1, 1, 1), 0.5)
    a, b = (image - luminance(image) + same for image in (red, green))
    saturation = [(rgb_to_ycbcr(image)[:, 1:] - 0.5).abs().sum() for image in (a, b)]
    expected = (a * saturation[0] + b * saturation[1]) / sum(saturation)
    torch.testing.assert_close(recolour(same, a, b), expected, atol=1e-3, rtol=0)


def test_a_pixel_taken_from_one_of_two_colour_sources_keeps_its_colour() -> None:
    a, b = (0.25 + 0.5 * torch.rand(1, 3, 40, 40) for _ in "ab")
    apart = (luminance(a) - luminance(b)).abs() > 0.1
    far = (recolour(luminance(a), a, b) - a).abs().amax(1, keepdim=True)[apart]
    assert far.mean() < 0.02
    weighted = (a - luminance(a) + b - luminance(b)) / 2
    assert far.mean() < 0.2 * (luminance(a) + weighted - a).abs().amax(1, keepdim=True)[apart].mean()


def test_two_exposures_give_the_colour_of_the_photo_between_them() -> None:
    picture = read_image(samples.FOLDER / "MFF" / "NEAR" / "raccoon.png")
    photo = torch.from_numpy(picture.unit()).movedim(-1, 0)[None]
    over, under = exposure_pair(photo, generator=torch.Generator().manual_seed(0))
    light = luminance(photo)
    by_saturation = _mean_by_saturation(over - luminance(over), under - luminance(under))
    found, simple = (
        255 * (result - photo).abs().mean() for result in (recolour(light, over, under), light + by_saturation)
    )
    assert found < 3
    assert found < 0.7 * simple


def _mean_by_saturation(*chromas: torch.Tensor) -> torch.Tensor:
    weights = [0.713 * x[:, :1].abs() + 0.564 * x[:, 2:].abs() for x in chromas]
    return sum(x * w for x, w in zip(chromas, weights, strict=True)) / sum(weights).clamp_min(1e-9)


def test_a_full_channel_does_not_turn_the_hue() -> None:
    orange = torch.tensor([0.9, 0.45, 0.15]).view(1, 3, 1, 1)
    over, under, fused = (2 * orange).clamp(0, 1), 0.5 * orange, luminance(orange)
    result = recolour(fused, over, under) - fused
    assert over[0, 1] - over[0, 0] > -0.11  # it has all but turned yellow
    true = orange - fused
    assert torch.cosine_similarity(result, true, dim=1) > 0.99


def test_a_burnt_out_source_has_no_say_in_the_colour() -> None:
    white, red = torch.ones(1, 3, 4, 4), torch.tensor([0.6, 0.3, 0.3]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    torch.testing.assert_close(recolour(luminance(red), white, red), red)


@pytest.mark.parametrize("value", [0.0, 0.02, 0.97, 1.0])
def test_colour_gets_paler_where_there_is_no_room(value: float) -> None:
    colour, fused = torch.rand(1, 3, 9, 8), torch.full((1, 1, 9, 8), value)
    result = recolour(fused, colour, torch.rand(1, 1, 9, 8))
    assert result.min() >= 0
    assert result.max() <= 1
    torch.testing.assert_close(luminance(result), fused, atol=1e-6, rtol=0)
    before, after = colour - luminance(colour), result - fused
    cross = torch.linalg.cross(before, after, dim=1)
    assert cross.abs().max() < 1e-6  # the same hue
    assert (before * after).sum(1).min() >= -1e-6  # and not its opposite


def test_grey_stays_grey() -> None:
    fused = torch.rand(1, 1, 5, 6)
    assert recolour(fused, torch.rand(1, 1, 5, 6), torch.rand(1, 1, 5, 6)) is fused
    black = torch.zeros(1, 3, 5, 6)
    torch.testing.assert_close(recolour(fused, black, black), fused.expand(1, 3, 5, 6))


def test_pictures_are_painted_block_by_block_as_at_once() -> None:
    rng = np.random.default_rng(0)
    a = Picture(rng.integers(0, 256, (1100, 1003, 3), dtype=np.uint8))  # more than one block
    b = Picture(rng.integers(0, 65536, (1100, 1003), dtype=np.uint16))
    tensors = [torch.from_numpy(a.unit()).movedim(-1, 0)[None], torch.from_numpy(b.unit())[None, None]]
    planes = luminance_of(a), luminance_of(b)
    torch.testing.assert_close(planes, ((luminance(tensors[0]) * 255).round() / 255, tensors[1]))
    fused = (planes[0] + planes[1]) / 2
    painted = paint(fused, a, b)
    assert painted.pixels.dtype == np.uint16  # the finer of the two
    expected = recolour(fused, *tensors)[0].movedim(0, -1).numpy()
    np.testing.assert_array_equal(painted.pixels, np.rint(expected * np.float32(65535)).astype(np.uint16))


def test_a_source_taken_as_it_is_keeps_its_colours_to_the_level() -> None:
    """Its luminance is rounded to the levels of the file, which must not show where nothing is changed."""
    a = Picture(np.random.default_rng(0).integers(1, 255, (20, 24, 3), dtype=np.uint8))
    plane = luminance_of(a) * 255
    torch.testing.assert_close(plane, plane.round(), atol=1e-4, rtol=0)
    grey = Picture(np.zeros((20, 24), np.uint8))
    same = paint(luminance_of(a), a, grey).pixels == a.pixels
    assert same.mean() > 0.99  # but where the luminance is half-way between two levels


def test_colour_is_left_out_on_request() -> None:
    a = Picture(np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8), b"profile")
    grey = paint(luminance_of(a), a, a, grey=True)
    assert not grey.is_colour
    assert grey.profile is None
    np.testing.assert_array_equal(grey.pixels, np.rint(luminance_of(a)[0, 0].numpy() * 255))


def test_profile_of_the_only_or_the_common_colour() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8)
    wide, other, grey = Picture(pixels, b"wide"), Picture(pixels, b"other"), Picture(pixels[..., 0])
    fused = luminance_of(grey)
    assert paint(fused, grey, wide).profile == b"wide"
    assert paint(fused, wide, wide).profile == b"wide"
    assert paint(fused, wide, other).profile is None
