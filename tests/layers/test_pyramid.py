"""Laplacian pyramids: nothing gets lost, whatever the size."""

import pytest
import torch

from film.layers.pyramid import enlarge, halve, join, split


@pytest.mark.parametrize("size", [(64, 96), (17, 23), (1, 5), (101, 2)])
def test_what_is_split_can_be_joined(size: tuple[int, int]) -> None:
    image = torch.rand(2, 1, *size)
    parts = split(image, 5)
    assert [tuple(part.shape[-2:]) for part in parts[:2]] == [size, tuple(-(-side // 2) for side in size)]
    torch.testing.assert_close(join(parts), image)


def test_a_flat_image_is_all_base() -> None:
    *details, base = split(torch.full((1, 1, 33, 47), 0.3), 4)
    assert max(detail.abs().max() for detail in details) < 1e-6
    torch.testing.assert_close(base, torch.full_like(base, 0.3))


def test_grids_stay_centred() -> None:
    """A ramp keeps its place: halved and enlarged it is the same ramp, away from the border."""
    ramp = torch.linspace(0, 1, 64).expand(1, 1, 64, 64)
    there_and_back = enlarge(halve(ramp), ramp)
    torch.testing.assert_close(there_and_back[..., 4:-4], ramp[..., 4:-4])
