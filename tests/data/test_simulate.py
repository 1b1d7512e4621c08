import pytest
import torch
from torch import Tensor

from film.data.simulate import exposure_pair, focus_pair, layer_mask, misalign, to_linear, to_srgb
from film.errors import FilmError


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def photos() -> Tensor:
    return torch.rand(12, 3, 48, 64, generator=seeded(7))


def detail(image: Tensor) -> Tensor:
    return image.diff(dim=-1).abs()


def slope(image: Tensor) -> Tensor:
    return detail(image).mean((1, 2, 3))


@pytest.mark.parametrize("make", [focus_pair, exposure_pair])
@pytest.mark.parametrize("shape", [(2, 3, 48, 64), (1, 1, 17, 23)])
def test_pairs_keep_shape_and_range_and_repeat_with_the_seed(make, shape):
    image = torch.rand(shape, generator=seeded(1))
    first, again, other = (
        make(image, generator=seeded(2)),
        make(image, generator=seeded(2)),
        make(image, generator=seeded(3)),
    )
    for one, two, three in zip(first, again, other, strict=True):
        assert one.shape == image.shape
        assert one.min() >= 0
        assert one.max() <= 1
        assert torch.equal(one, two)
        assert not torch.equal(one, three)


def test_every_image_of_a_batch_gets_its_own_draw(photos):
    same = photos[:1].expand(4, -1, -1, -1)
    for made in (*focus_pair(same, generator=seeded()), *exposure_pair(same, generator=seeded())):
        assert len({tuple(image.flatten()[:2000].tolist()) for image in made}) == 4


def test_focus_parts_complement_each_other(photos):
    exact = {"softness": (0.5, 0.5), "spread": 0.0, "slanted": 0.0, "noise": (0.0, 0.0)}
    near, far, ideal = focus_pair(photos, generator=seeded(), radius=(2.0, 3.0), **exact)
    mask = layer_mask(photos, generator=seeded(), softness=(0.5, 0.5)).expand_as(photos)
    near_enough = {"atol": 2e-3 + 0.5 / 255, "rtol": 0}  # half a level is lost to 8 bits
    torch.testing.assert_close(near[mask > 0.999], photos[mask > 0.999], **near_enough)
    torch.testing.assert_close(far[mask < 0.001], photos[mask < 0.001], **near_enough)
    torch.testing.assert_close(ideal, photos, atol=0.5001 / 255, rtol=0)
    assert (slope(near) < 0.9 * slope(photos)).all()
    assert (slope(far) < 0.9 * slope(photos)).all()


def test_defocus_spread_lets_the_near_layer_bleed_over_the_far_one():
    white = torch.ones(8, 1, 64, 64)
    mask = layer_mask(white, generator=seeded(), softness=(0.5, 0.5))
    photo = (mask > 0.5).float()
    lens = {"radius": (4.0, 4.0), "slanted": 0.0, "softness": (0.5, 0.5), "noise": (0.0, 0.0)}
    _, plain, _ = focus_pair(photo, generator=seeded(), spread=0.0, **lens)
    _, bleeding, _ = focus_pair(photo, generator=seeded(), spread=1.0, **lens)
    outside = mask < 0.001
    assert plain[outside].max() < 0.01
    assert bleeding[outside].max() > 0.2


def test_blur_keeps_the_brightness_of_a_flat_image():
    flat = torch.full((6, 2, 40, 40), 102 / 255)
    for image in focus_pair(flat, generator=seeded(), noise=(0.0, 0.0)):
        torch.testing.assert_close(image, flat)


def test_the_sensor_adds_noise_in_and_out_of_focus_to_each_photo_its_own():
    flat = torch.full((4, 1, 64, 64), 102 / 255)
    near, far, ideal = (image - flat for image in focus_pair(flat, generator=seeded(), slanted=0.0, noise=(0.01, 0.01)))
    for noise in (near, far):
        assert noise.std(dim=(1, 2, 3)).sub(0.01).abs().max() < 0.001
    assert (near * far).mean().abs() < 0.05 * 0.01**2
    assert ideal.equal(torch.where(layer_mask(flat, generator=seeded()) > 0.5, near, far))


def test_in_a_slanted_scene_blur_changes_slowly_and_the_less_blurred_is_ideal():
    photo = torch.rand(4, 1, 96, 96, generator=seeded(3))
    lens = {"radius": (3.0, 3.0), "slanted": 1.0, "noise": (0.0, 0.0)}
    near, far, ideal = focus_pair(photo, generator=seeded(), **lens)
    lost = [(image - photo).abs() for image in (near, far, ideal)]
    assert (lost[2] <= torch.maximum(lost[0], lost[1]) + 1e-6).all()
    assert lost[2].mean() < 0.8 * min(lost[0].mean(), lost[1].mean())
    between = (lost[0] > 0.02) & (lost[1] > 0.02)
    assert (between & (lost[2] > 0.02)).float().mean() > 0.1  # nothing is quite sharp there
    assert torch.minimum((ideal - near).abs(), (ideal - far).abs()).max() == 0


def test_wider_circles_blur_more(photos):
    gentle = focus_pair(photos, generator=seeded(), radius=(1.0, 1.0))
    strong = focus_pair(photos, generator=seeded(), radius=(4.0, 4.0))
    for less, more in zip(gentle[:2], strong[:2], strict=True):
        assert (slope(more) < slope(less)).all()


def test_layers_are_both_present(photos):
    share = (layer_mask(photos.repeat(8, 1, 1, 1), generator=seeded()) > 0.5).float().mean((1, 2, 3))
    assert share.min() > 0.1
    assert share.max() < 0.9
    assert share.std() > 0.05


def test_exposures_lie_around_the_photo_in_eight_bits(photos):
    over, under = exposure_pair(photos, generator=seeded(), noise=(0.0, 0.0))
    assert (over.mean((1, 2, 3)) > photos.mean((1, 2, 3)) + 0.05).all()
    assert (under.mean((1, 2, 3)) < photos.mean((1, 2, 3)) - 0.05).all()
    for image in (over, under):
        torch.testing.assert_close(image * 255, (image * 255).round(), atol=1e-3, rtol=0)


def test_over_exposure_clips_highlights_and_under_exposure_keeps_their_order():
    ramp = torch.linspace(0, 1, 64).expand(4, 1, 32, 64)
    over, under = exposure_pair(ramp, generator=seeded(), stops=(2.0, 2.0), noise=(0.0, 0.0))
    assert (over[..., 48:] == 1).all()
    assert (under[..., 48:].diff(dim=-1) >= 0).all()
    assert (under[..., -1] - under[..., 48] > 0.1).all()


def test_noise_sits_in_the_shadows():
    dark = torch.full((4, 1, 64, 64), 0.1)
    clean, noisy = (exposure_pair(dark, generator=seeded(), noise=(n, n))[1] for n in (0.0, 0.002))
    assert clean.std() < noisy.std()
    assert clean[0].std() == 0


@pytest.mark.parametrize("shape", [(8, 2, 40, 40), (8, 2, 30, 60), (8, 2, 60, 30)])
def test_misalignment_stays_within_its_limit(shape):
    rows = torch.arange(shape[2], dtype=torch.float32).view(1, 1, -1, 1).expand(shape[0], 1, *shape[2:])
    columns = torch.arange(shape[3], dtype=torch.float32).view(1, 1, 1, -1).expand(shape[0], 1, *shape[2:])
    grid = torch.cat([rows, columns], 1)
    moved = (misalign(grid, generator=seeded(), pixels=3.0) - grid).abs()
    assert moved.max() <= 3.0 + 1e-3
    assert (moved.amax((1, 2, 3)) > 0.3).all()
    assert misalign(grid, generator=seeded(), pixels=0.0).allclose(grid, atol=1e-4)


def test_srgb_curve_and_its_inverse():
    values = torch.linspace(0, 1, 1001, dtype=torch.float64)
    torch.testing.assert_close(to_srgb(to_linear(values)), values, atol=1e-6, rtol=0)
    # IEC 61966-2-1: 18 % grey is encoded near 0.461, and code 0.5 is 21.4 % light.
    assert to_srgb(torch.tensor(0.18)).item() == pytest.approx(0.4614, abs=1e-4)
    assert to_linear(torch.tensor(0.5)).item() == pytest.approx(0.2140, abs=1e-4)


@pytest.mark.parametrize("make", [focus_pair, exposure_pair, misalign, layer_mask])
@pytest.mark.parametrize("image", [torch.zeros(3, 32, 32), torch.zeros(1, 1, 32, 32, dtype=torch.uint8)])
def test_wrong_shape_or_type_is_named(make, image):
    with pytest.raises(FilmError, match=r"\(B, C, H, W\)"):
        make(image, generator=seeded())


@pytest.mark.gpu
@pytest.mark.parametrize("make", [focus_pair, exposure_pair, misalign])
def test_cuda_images_with_a_cpu_generator_give_what_the_cpu_gives(make, photos):
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    here, there = make(photos, generator=seeded()), make(photos.cuda(), generator=seeded())
    for one, two in zip(here, there, strict=True):
        torch.testing.assert_close(one, two.cpu(), atol=0.01, rtol=0)
