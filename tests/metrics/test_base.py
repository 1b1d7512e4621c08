"""What all fusion metrics share: shapes, batches, sizes, ranks, precision, windows."""

import math
import pickle

import numpy as np
import pytest
import torch
from scipy.ndimage import sobel as scipy_sobel
from scipy.signal import convolve2d
from torch import Tensor

from film.errors import FilmError
from film.metrics.base import (
    FusionMetric,
    FusionMetrics,
    Pair,
    available,
    find_metrics,
    gaussian,
    local_moments,
    separable,
    sobel,
    uniform,
    windows,
)

NAMES = list(available())
METRICS = list(available().values())


def images(batch: int = 2, height: int = 64, width: int = 80) -> list[Tensor]:
    """A fused image and its sources, smooth and noisy parts, integer levels."""
    return [image.round() for image in unrounded(batch, height, width)]


def unrounded(batch: int, height: int, width: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(3)
    coarse = torch.rand(3, batch, 1, 6, 8, generator=generator, dtype=torch.float64)
    smooth = torch.stack([torch.nn.functional.interpolate(image, (height, width), mode="bicubic") for image in coarse])
    a, b, noise = (smooth * 200 + 20 * torch.rand(smooth.shape, generator=generator, dtype=torch.float64)).clamp(0, 255)
    return [0.45 * a + 0.45 * b + 0.1 * noise, a, b]


def large_enough(cls: type[FusionMetric], batch: int = 2) -> list[Tensor]:
    return images(batch, max(64, cls.min_side), max(80, cls.min_side))


@pytest.mark.parametrize("cls", METRICS, ids=NAMES)
class TestEveryMetric:
    def test_says_what_it_is(self, cls: type[FusionMetric]) -> None:
        function = next(
            item
            for name, item in vars(__import__(cls.__module__, fromlist=["_"])).items()
            if callable(item)
            and getattr(item, "__module__", "") == cls.__module__
            and f"`{name}`" in (cls.__doc__ or "")
        )
        assert "Args:" in function.__doc__
        assert "Returns:" in function.__doc__
        assert torch.equal(function(*large_enough(cls)[: 3 if cls.needs_sources else 1]), cls.of(*large_enough(cls)))

    def test_batch_is_loop(self, cls: type[FusionMetric]) -> None:
        batch = large_enough(cls, 3)
        singly = torch.cat([cls.of(*(image[i : i + 1] for image in batch)) for i in range(3)])
        assert torch.allclose(cls.of(*batch), singly, rtol=1e-12, atol=1e-12)

    def test_float32_is_close(self, cls: type[FusionMetric]) -> None:
        exact, single = cls.of(*large_enough(cls)), cls.of(*(image.float() for image in large_enough(cls)))
        assert exact.dtype == torch.float64
        assert torch.allclose(single, exact.float(), rtol=1e-3, atol=1e-4)

    def test_mean_over_updates_in_any_order(self, cls: type[FusionMetric]) -> None:
        batch = large_enough(cls, 3)
        metric = cls(double=True)
        metric.update(*(image[:1] for image in batch))
        metric.update(*(image[1:] for image in batch))
        assert metric.compute().item() == pytest.approx(cls.of(*batch).mean().item(), rel=1e-12)

    def test_state_survives_pickle(self, cls: type[FusionMetric]) -> None:
        metric = cls()
        metric.update(*large_enough(cls))
        assert pickle.loads(pickle.dumps(metric)).compute() == metric.compute()

    @pytest.mark.parametrize("level", [0.0, 77.0, 255.0])
    def test_constant_images_have_a_value(self, cls: type[FusionMetric], level: float) -> None:
        _, a, b = large_enough(cls, 1)
        flat = torch.full_like(a, level)
        assert not cls.of(flat, flat, flat).isnan().any()
        assert not cls.of(flat, a, b).isnan().any()
        assert not cls.of(a, flat, b).isnan().any()

    def test_smallest_image(self, cls: type[FusionMetric]) -> None:
        side = cls.min_side
        small = [image[..., :side, :side].contiguous() for image in images(1, 200, 200)]
        assert not cls.of(*small).isnan().any()
        if side > 1:
            smaller = [image[..., : side - 1, :] for image in small]
            with pytest.raises(FilmError, match=f"{cls.name} needs images of at least {side}x{side}"):
                cls.of(*smaller)
            assert cls.values(Pair(*smaller)).isnan().all()

    def test_nan_pixel_gives_nan_and_is_not_counted(self, cls: type[FusionMetric]) -> None:
        batch = large_enough(cls)
        good = cls.of(*batch)[1]
        batch[0][0, 0, 5, 5] = torch.nan
        assert cls.of(*batch).isnan().tolist() == [True, False]
        metric = cls(double=True)
        metric.update(*batch)
        assert metric.compute().item() == pytest.approx(good.item(), rel=1e-12)

    def test_gradient_reaches_the_fused_image(self, cls: type[FusionMetric]) -> None:
        fused, a, b = unrounded(
            1, max(48, cls.min_side), max(50, cls.min_side)
        )  # no ties: Qabf jumps where two magnitudes are equal
        fused.requires_grad_()
        value = cls.of(fused, a, b)
        assert value.requires_grad == cls.is_differentiable
        if cls.is_differentiable:
            (slope,) = torch.autograd.grad(value.sum(), fused)
            assert slope.isfinite().all()
            assert slope.abs().max() > 0
            step = torch.randn(slope.shape, generator=torch.Generator().manual_seed(0), dtype=slope.dtype)
            around = [cls.of((fused + sign * 1e-4 * step).detach(), a, b) for sign in (1, -1)]
            assert ((around[0] - around[1]) / 2e-4).item() == pytest.approx(
                (slope * step).sum().item(), rel=1e-3, abs=1e-7
            )

    def test_autocast_does_not_reach_it(self, cls: type[FusionMetric]) -> None:
        batch = [image.float() for image in large_enough(cls)]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.equal(cls.of(*batch), cls.of(*batch).float())
            inside = cls.of(*batch)
        assert torch.equal(inside, cls.of(*batch))


def test_rounded_products_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """`torch.set_float32_matmul_precision` is for networks; variances would be lost."""
    batch = [image.float() for image in images(2, 180, 180)]
    exact = FusionMetrics(NAMES).per_image(*batch)
    torch.set_float32_matmul_precision("medium")
    try:
        rounded = FusionMetrics(NAMES).per_image(*batch)
    finally:
        torch.set_float32_matmul_precision("highest")
    for name in NAMES:
        assert torch.allclose(rounded[name], exact[name], rtol=1e-3, atol=1e-4), name


@pytest.mark.parametrize(("height", "width"), [(17, 17), (24, 41), (63, 50), (97, 131)])
@pytest.mark.parametrize("stride", [1, 2])
def test_windows_equal_scipy(height: int, width: int, stride: int) -> None:
    taps = gaussian(9, 9 / 5)
    image = torch.rand(2, height, width, dtype=torch.float64)
    expected = [convolve2d(one, np.outer(taps, taps), mode="valid")[::stride, ::stride] for one in image.numpy()]
    assert np.allclose(separable(image, taps, stride), expected, atol=1e-13)
    torch.set_float32_matmul_precision("high")
    try:
        assert np.allclose(separable(image, taps, stride), expected, atol=1e-13)
    finally:
        torch.set_float32_matmul_precision("highest")


@pytest.mark.parametrize("stride", [1, 2])
def test_windows_of_many_images_at_once_are_those_of_each(stride: int) -> None:
    """A GPU filters all at once, a CPU one by one."""
    taps = gaussian(9, 9 / 5)
    images = torch.rand(3, 41, 63, dtype=torch.float64)
    band = windows._band(taps, stride, images.dtype, images.device)
    filtered = windows._banded(windows._aligned(images, taps, stride), band, windows._BLOCK * stride).flatten(-2)
    expected = separable(images, taps, stride)
    torch.testing.assert_close(filtered[:, : expected.shape[1], : expected.shape[2]], expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("stride", [1, 2])
def test_windows_are_as_exact_on_a_gpu(stride: int) -> None:
    images = 255 * torch.rand(2, 3, 61, 100, generator=torch.Generator().manual_seed(0))
    taps = gaussian(17, 17 / 5)
    exact = separable(images.double(), taps, stride)
    found = separable(images.cuda(), taps, stride)
    torch.testing.assert_close(found.cpu().double(), exact, rtol=1e-6, atol=0)


def test_moments_equal_numpy() -> None:
    fused, a, b = (image[:, 0, :40, :43] for image in images())
    moments = local_moments(fused, torch.stack([a, b]), uniform(7))
    window = (..., slice(5, 12), slice(20, 27))
    assert moments.cov.shape == (2, 2, 34, 37)
    assert moments.mean_s[0, 1, 5, 20].item() == pytest.approx(a[1][window].mean().item())
    assert moments.var_f[1, 5, 20].item() == pytest.approx(fused[1][window].var(correction=0).item())
    assert moments.cov[1, 1, 5, 20].item() == pytest.approx(
        np.cov(fused[1][window].flatten(), b[1][window].flatten(), bias=True)[0, 1]
    )


def test_sobel_equals_scipy() -> None:
    image = images(1)[0][0]
    across, down = sobel(image)
    assert np.allclose(across[0], scipy_sobel(image[0].numpy(), axis=1, mode="constant"))
    assert np.allclose(down[0], scipy_sobel(image[0].numpy(), axis=0, mode="constant"))


def test_collection_equals_single_metrics() -> None:
    batch = images(2, 180, 180)
    collection = FusionMetrics(NAMES, double=True)
    values = collection.per_image(*batch)
    assert list(values) == NAMES
    for cls in METRICS:
        assert torch.equal(values[cls.name], cls.of(*batch))
    logged = collection(*batch)
    collection.update(*batch)
    means = collection.compute()
    for name in NAMES:
        assert means[name].item() == pytest.approx(values[name].mean().item(), rel=1e-12)
        assert logged[name].item() == pytest.approx(means[name].item(), rel=1e-12)
    collection.reset()
    assert collection["EN"].count == 0


def test_collection_scales_what_networks_return() -> None:
    batch = images()
    unit = FusionMetrics(["SD", "MI", "VIF"], data_range=1.0, double=True, prefix="val/")
    unit.update(*(image / 255 for image in batch))
    levels = FusionMetrics(["SD", "MI", "VIF"], double=True, prefix="val/")
    levels.update(*batch)
    for name, value in levels.compute().items():
        assert name.startswith("val/")
        assert unit.compute()[name].item() == pytest.approx(value.item(), rel=1e-9)


def test_only_the_fused_image_is_needed_by_some() -> None:
    fused = images()[0]
    alone = FusionMetrics([cls.name for cls in METRICS if not cls.needs_sources], double=True).per_image(fused)
    for name, value in alone.items():
        assert torch.equal(value, find_metrics([name])[0].of(*images()))
    with pytest.raises(FilmError, match="give a and b"):
        FusionMetrics(["VIF"]).update(fused)


def test_integer_and_half_images() -> None:
    fused, a, b = images()
    whole = FusionMetrics(["EN", "VIF"]).per_image(fused.byte(), a.byte(), b.byte())
    assert torch.equal(whole["VIF"], find_metrics(["VIF"])[0].of(fused.float(), a.float(), b.float()))
    assert torch.equal(find_metrics(["SD"])[0].of(fused.half()), find_metrics(["SD"])[0].of(fused.half().float()))


def test_names() -> None:
    assert [cls.name for cls in find_metrics(["qabf", "EN", "EN"])] == ["Qabf", "EN"]
    assert find_metrics(["film.metrics.entropy.Entropy"])[0].name == "EN"
    with pytest.raises(FilmError, match=r"no metric 'VIFF', did you mean VIF\? Known: AG, CC, .*VIF"):
        find_metrics(["VIFF"])
    with pytest.raises(FilmError, match=r"no metric at 'film\.metrics\.nowhere\.X'"):
        find_metrics(["film.metrics.nowhere.X"])
    with pytest.raises(FilmError, match="is no FusionMetric"):
        find_metrics(["math.sqrt"])


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ([(1, 3, 8, 8), (1, 3, 8, 8), (1, 3, 8, 8)], r"fused must be luminance \(B, 1, H, W\), got \(1, 3, 8, 8\)"),
        ([(8, 8), (8, 8), (8, 8)], "fused must be luminance"),
        ([(1, 1, 8, 8), (1, 1, 8, 9), (1, 1, 8, 8)], r"a is \(1, 1, 8, 9\) but fused is \(1, 1, 8, 8\)"),
    ],
)
def test_wrong_shapes(shapes: list[tuple[int, ...]], words: str) -> None:
    with pytest.raises(FilmError, match=words):
        Pair(*(torch.zeros(shape) for shape in shapes))


def test_nothing_counted_is_nan() -> None:
    metric = find_metrics(["VIF"])[0]()
    metric.update(*(torch.zeros(1, 1, 20, 20) for _ in range(3)))
    assert math.isnan(metric.compute().item())
