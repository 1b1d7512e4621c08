"""Tiles add up to the whole image."""

import pytest
import torch
from torch import Tensor

from film.errors import FilmError
from film.imaging.tiles import check_tiling, fuse_in_tiles


@pytest.mark.parametrize("size", [(64, 64), (65, 300), (131, 257), (16, 999), (500, 17)])
@pytest.mark.parametrize(("tile", "overlap"), [(64, None), (64, 0), (64, 32), (100, 7), (128, 64)])
def test_weights_sum_to_one(size: tuple[int, int], tile: int, overlap: int | None) -> None:
    a, b = torch.rand(2, 1, *size), torch.rand(2, 1, *size)
    shapes = []

    def fuse(a: Tensor, b: Tensor) -> Tensor:
        shapes.append(a.shape[-2:])
        return (a + b) / 2

    torch.testing.assert_close(fuse_in_tiles(fuse, a, b, tile=tile, overlap=overlap), (a + b) / 2, atol=1e-6, rtol=0)
    assert max(max(shape) for shape in shapes) <= tile
    assert min(min(shape) for shape in shapes) >= 16
    assert len(set(shapes)) == 1  # one shape, so that nothing is compiled or tuned twice


def test_constant_tiles_show_no_seam() -> None:
    levels = iter(torch.linspace(0.3, 0.7, 9))
    fused = fuse_in_tiles(
        lambda a, b: torch.full_like(a, next(levels)), *torch.rand(2, 1, 1, 160, 160), tile=64, overlap=16
    )
    steps = torch.cat([fused.diff(dim=-1).abs().flatten(), fused.diff(dim=-2).abs().flatten()])
    assert steps.max() < 0.3 / 8  # a jump of 0.3 between two rows of tiles is spread over the inner half of the overlap


def test_a_local_network_sees_no_tiles() -> None:
    network = torch.nn.Sequential(*(torch.nn.Conv2d(1, 1, 3, padding=1) for _ in range(6))).requires_grad_(False)

    def fuse(a: Tensor, b: Tensor) -> Tensor:
        return network(a).sigmoid() * b

    a, b = torch.rand(1, 1, 200, 310), torch.rand(1, 1, 200, 310)
    tiled = fuse_in_tiles(fuse, a, b, tile=128, overlap=32)
    torch.testing.assert_close(tiled, fuse(a, b), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("tile", "calls"), [(None, 9), (0, 1), (4096, 1), (1500, 4)])
def test_only_large_images_are_cut_by_themselves(tile: int | None, calls: int) -> None:
    seen = []

    def fuse(a: Tensor, b: Tensor) -> Tensor:
        seen.append(a.shape)
        return a

    large = torch.zeros(1, 1, 2100, 2100)
    fuse_in_tiles(fuse, large, large, tile=tile, overlap=None)
    assert len(seen) == calls
    seen.clear()
    fuse_in_tiles(fuse, large[..., :2000, :2000], large[..., :2000, :2000], tile=None, overlap=None)
    assert len(seen) == 1


def test_result_is_clamped_and_keeps_its_place() -> None:
    a = torch.rand(1, 1, 70, 70)
    for tile in (0, 64):
        fused = fuse_in_tiles(lambda a, b: (a + 2).double(), a, a, tile=tile, overlap=None)
        assert fused.dtype == torch.float32
        assert fused.min() == fused.max() == 1


@pytest.mark.parametrize(
    ("tile", "overlap", "message"),
    [
        (63, None, "63 px is too small; choose 0 .* or at least 64"),
        (-1, None, "too small"),
        (64, 33, "choose 0 to 32"),
        (None, 513, "choose 0 to 512"),
        (256, -1, "choose 0 to 128"),
    ],
)
def test_tiling_that_does_not_work(tile: int | None, overlap: int | None, message: str) -> None:
    with pytest.raises(FilmError, match=message):
        check_tiling(tile, overlap)
