"""Regions that a text can name."""

import pytest
import torch

from film.concepts import REGIONS
from film.layers.regions import positions, region_mask, region_masks, spread


def test_positions_run_from_left_top_to_right_bottom() -> None:
    x, y = positions(torch.zeros(1, 3, 4, 5))[0]
    assert x[0].tolist() == pytest.approx([-0.8, -0.4, 0, 0.4, 0.8])
    assert y[:, 0].tolist() == pytest.approx([-0.75, -0.25, 0.25, 0.75])


def test_one_mask_is_that_of_all() -> None:
    image = torch.zeros(1, 1, 30, 50)
    for index, region in enumerate(REGIONS):
        assert region_mask(region, image).equal(region_masks(image)[:, index : index + 1])


def test_numbers_differ_where_a_text_names_a_region() -> None:
    """Between what is asked and what else holds; without a region, and where none is named, what is asked holds."""
    asked, plain = torch.tensor([[1.0, 2.0]]), torch.tensor([[5.0, 6.0]])
    grid = torch.zeros(1, 3, 20, 40)
    assert spread(asked, plain, None, grid).flatten().tolist() == [1, 2]
    nowhere = torch.zeros(1, len(REGIONS))
    assert spread(asked, plain, nowhere, grid).equal(asked[..., None, None].expand(1, 2, 20, 40))
    right = torch.tensor([[float(region == "right") for region in REGIONS]])
    numbers = spread(asked, plain, right, grid)[0, :, 10]
    assert numbers[:, 0].tolist() == pytest.approx([5, 6], abs=0.01)
    assert numbers[:, -1].tolist() == pytest.approx([1, 2], abs=0.01)
