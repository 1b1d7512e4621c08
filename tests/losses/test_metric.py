"""Metrics as terms of the loss."""

import pytest
import torch

from film.errors import FilmError
from film.layers.pyramid import sharper
from film.losses.metric import MetricTerm
from film.metrics.base import Pair, find_metrics
from film.metrics.edge_preservation import EdgePreservation


@pytest.mark.parametrize("metric", ["VIF", "Qabf", "MEF-SSIM", "SSIM"])
def test_a_step_down_the_slope_makes_it_better(metric: str) -> None:
    torch.manual_seed(0)
    a, b = torch.rand(2, 2, 1, 64, 64)
    fused = ((a + b) / 2).requires_grad_()
    term = MetricTerm({metric: 1.0})
    before = term(fused, a, b)
    before.backward()
    assert fused.grad is not None
    after = term((fused - 0.01 * fused.grad / fused.grad.abs().max()).detach(), a, b)
    assert after < before


def test_equal_images_are_best() -> None:
    image = torch.rand(1, 1, 64, 64)
    for metric in ("VIF", "Qabf", "SSIM"):
        assert MetricTerm({metric: 1.0})(image, image, image).item() == pytest.approx(0, abs=1e-3)


def test_black_images_have_a_finite_slope() -> None:
    black = torch.zeros(2, 1, 64, 64)
    black[1, :, 20:40] = torch.rand(1, 20, 64)
    for metric in ("VIF", "Qabf", "MEF-SSIM"):
        fused = (black * 0.9).requires_grad_()
        MetricTerm({metric: 1.0})(fused, black, black).backward()
        assert fused.grad is not None
        assert fused.grad.isfinite().all()


def test_images_too_small_for_the_metric_do_not_count() -> None:
    fused = torch.rand(1, 1, 16, 16).requires_grad_()
    term = MetricTerm({"VIF": 1.0})(fused, fused.detach(), fused.detach())
    term.backward()
    assert term.isfinite()
    assert fused.grad is not None
    assert fused.grad.abs().max() == 0


def test_several_metrics_add_up() -> None:
    a, b = torch.rand(2, 1, 1, 64, 64)
    together = MetricTerm({"VIF": 0.5, "Qabf": 2.0})(a, a, b)
    alone = 0.5 * MetricTerm({"VIF": 1.0})(a, a, b) + 2 * MetricTerm({"Qabf": 1.0})(a, a, b)
    torch.testing.assert_close(together, alone)


def test_rounded_measures_what_a_file_holds_and_keeps_the_slope() -> None:
    torch.manual_seed(0)
    a, b = (128 + 3 * torch.randn(2, 1, 1, 64, 64)).round() / 255  # smooth areas: few levels apart
    near = (a + 0.98 * (torch.rand_like(a) - 0.5) / 255).requires_grad_()
    plain, rounded = MetricTerm({"Qabf": 1.0}), MetricTerm({"Qabf": 1.0}, rounded=True)
    torch.testing.assert_close(rounded(near, a, b), plain(a, a, b))
    assert plain(near, a, b) > plain(a, a, b) + 0.01
    rounded(near, a, b).backward()
    assert near.grad is not None
    assert near.grad.abs().max() > 0


def test_rounded_measures_nothing_beyond_black_and_white() -> None:
    a, b = torch.rand(2, 1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    beyond = (2 * a - 0.5).requires_grad_()
    rounded = MetricTerm({"VIF": 1.0}, rounded=True)
    assert rounded(beyond, a, b).equal(rounded(beyond.clamp(0, 1), a, b))
    rounded(beyond, a, b).backward()
    assert beyond.grad is not None
    assert not beyond.grad[(beyond < 0) | (beyond > 1)].any()
    assert beyond.grad.any()


def test_of_the_image_alone_as_much_counts_as_a_pyramid_of_the_sources_has() -> None:
    a, b = torch.rand(2, 3, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    best = sharper(a, b)
    term = MetricTerm({"SF": 1.0, "AG": 0.5})
    assert term(best, a, b).item() == pytest.approx(1.5 * (1 - 1 / 1.02), abs=1e-6)
    assert term(best + 0.3 * (best - best.mean()), a, b).item() == pytest.approx(0, abs=1e-6)
    flat = (0.918 * best).requires_grad_()
    loss = term(flat, a, b)
    assert loss.item() == pytest.approx(1.5 * 0.1, abs=1e-4)
    loss.backward()
    assert flat.grad is not None
    assert (flat.grad * best).sum() < 0  # more of it is better


def test_stripes_along_the_border_are_no_sharpness() -> None:
    a, b = torch.rand(2, 1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    flat = 0.9 * sharper(a, b)
    striped = flat.clone()
    striped[..., 0], striped[..., 1] = 0, 1
    term = MetricTerm({"SF": 1.0, "AG": 1.0})
    assert term(striped, a, b).equal(term(flat, a, b))


def test_a_checkerboard_is_no_sharpness() -> None:
    a, b = torch.rand(2, 1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    flat = 0.9 * sharper(a, b)
    board = 0.02 * (-1.0) ** (torch.arange(64).view(-1, 1) + torch.arange(64))
    term = MetricTerm({"SF": 1.0, "AG": 1.0})
    torch.testing.assert_close(term(flat + board, a, b), term(flat, a, b))


def test_brightness_along_the_border_is_no_edge() -> None:
    """Dark and bright sources with the same edges are equally good, which zeros around them would deny."""
    a = 0.4 * torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    a, b = (255 * a).round() / 255, (255 * a + 100).round() / 255
    measured = [EdgePreservation.of(255 * fused, 255 * a, 255 * b).item() for fused in (a, b)]
    assert measured[1] > measured[0] + 0.01
    term = MetricTerm({"Qabf": 1.0})
    flatter = (128 * a).round() / 255  # not the best
    assert term(flatter + 100 / 255, a, b).item() == pytest.approx(term(flatter, a, b).item(), abs=1e-4)


@pytest.mark.parametrize("metric", ["EN", "nonsense"])
def test_what_can_be_no_term_is_refused(metric: str) -> None:
    with pytest.raises(FilmError):
        MetricTerm({metric: 1.0})


def test_pairs_with_a_constant_source_and_what_is_better_than_equal_do_not_count() -> None:
    """Relative to what an all but constant source holds, a fused image holds thousands of times as much."""
    image = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    faint = 0.5 + 1e-3 * image
    assert find_metrics(["VIF"])[0].values(Pair(255 * image, 255 * faint, 255 * image)).max() > 10
    term = MetricTerm({"VIF": 1.0})
    assert term(image, faint, image).item() == 0
    mixed = term(0.5 * image, torch.cat([faint[:1], image[1:]]), image)
    torch.testing.assert_close(mixed, term(0.5 * image[1:], image[1:], image[1:]))
    assert term((2 * image - 0.5), image, image).item() == 0
