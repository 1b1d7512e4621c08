"""What tasks and instructions want to see: each change moves the property that `film evaluate` measures."""

import numpy as np
import pytest
import torch
from torch import Tensor

from film.commands.evaluation.properties import PROPERTIES, gradient_energy, likeness_in_bright_a
from film.concepts import OPPOSITES
from film.data import rules
from film.data.guidance import _GLOBAL, _LOCAL
from film.data.reading import luminance, unit
from film.data.rules import Aim
from film.data.synthetic import draw_pair
from film.data.wordings import load_wordings
from film.errors import FilmError
from film.tasks import TASKS


def pair(task: str, index: int = 0) -> tuple[Tensor, Tensor]:
    """A drawn pair, (1, 1, H, W) each."""
    images = draw_pair(task, (96, 128), seed=3, index=index)[:2]
    a, b = (torch.from_numpy(unit(luminance(pixels)))[None, None] for pixels in images)
    return a, b


def levels(image: Tensor) -> np.ndarray:
    return (image.clamp(0, 1) * 255)[0, 0].numpy()


TASK_OF = {"uptake": "MIF", "less_uptake": "MIF", "soft_tissue": "MIF", "bone": "MIF"}


@pytest.mark.parametrize("key", list(OPPOSITES))
@pytest.mark.parametrize("index", range(3))
def test_every_instruction_wants_what_is_measured(key: str, index: int) -> None:
    task = TASK_OF.get(key, "IVF")
    a, b = pair(task, index)
    aim = rules.neutral(task, a, b)
    wanted = _GLOBAL[key](aim) if key in _GLOBAL else _LOCAL[key](aim, a, b)
    sources = levels(a), levels(b)
    rise = PROPERTIES[key](levels(wanted.image), *sources) - PROPERTIES[key](levels(aim.image), *sources)
    assert rise > 0


def test_every_instruction_has_a_rule_and_a_property() -> None:
    assert set(_GLOBAL) | set(_LOCAL) == set(OPPOSITES) == set(PROPERTIES) == set(load_wordings().instructions)
    assert not set(_GLOBAL) & set(_LOCAL)


def test_stressed_regions_look_as_in_their_source() -> None:
    a, b = pair("IVF")
    aim = rules.neutral("IVF", a, b)
    stressed = rules.stressed(aim, a)
    assert likeness_in_bright_a(levels(stressed.image), levels(a), levels(b)) > 0.98


def test_what_is_hot_all_over_stands_out_and_what_is_cold_all_over_doesnt() -> None:
    """As in crops, whose mean says little of the image."""
    texture = torch.rand(1, 1, 96, 96, generator=torch.Generator().manual_seed(0)) - 0.5
    dark = torch.full_like(texture, 0.2)
    for level, brighter in ((0.85, True), (0.1, False)):
        aim = rules.neutral("IVF", a := level + 0.02 * texture, dark)
        assert (rules.stressed(aim, a).image.mean() > aim.image.mean()) == brighter


def test_tasks_want_different_things_of_one_pair() -> None:
    a, b = pair("IVF")
    wanted = {task: rules.neutral(task, a, b).image for task in TASKS}
    torch.testing.assert_close(wanted["MIF"], torch.maximum(a, b))
    light, greater = (rules.low(image, 3).mean() for image in (wanted["IVF"], wanted["MIF"]))
    torch.testing.assert_close(light, greater, rtol=0, atol=2 / 255)
    energy = {task: gradient_energy(levels(wanted[task]), levels(a), levels(b)) for task in TASKS}
    assert energy["IVF"] > 1.05 * energy["MIF"]
    assert (wanted["MEF"] - wanted["IVF"]).abs().mean() > 5 / 255
    assert (wanted["MFF"] - wanted["IVF"]).abs().mean() > 5 / 255
    with pytest.raises(FilmError, match="no rule of fusion"):
        rules.neutral("XXX", a, b)


def test_exposures_meet_a_little_above_their_mean() -> None:
    dark, bright = (torch.full((1, 1, 64, 64), level) for level in (0.2, 0.8))
    for a, b in ((bright, dark), (dark, bright)):
        torch.testing.assert_close(rules.neutral("MEF", a, b).image, torch.full_like(a, 0.56))
        torch.testing.assert_close(rules.neutral("MFF", a, b).image, torch.full_like(a, 0.5))


def test_a_sharp_photo_is_the_aim_of_a_focus_pair() -> None:
    a, b = pair("MFF")
    sharp = torch.rand_like(a)
    assert rules.neutral("MFF", a, b, sharp=sharp).image is sharp


def test_smoothing_takes_noise_and_leaves_edges() -> None:
    edge = torch.cat([torch.full((1, 1, 32, 16), 0.2), torch.full((1, 1, 32, 16), 0.8)], -1)
    noisy = edge + 0.01 * torch.randn(edge.shape, generator=torch.Generator().manual_seed(0))
    smooth = rules.smooth(noisy)
    assert (smooth - edge).square().mean() < 0.3 * (noisy - edge).square().mean()
    assert (smooth[..., 16] - smooth[..., 15]).mean() > 0.5


def test_bright_regions_are_the_brightest_twentieth_and_never_black() -> None:
    image = torch.rand(1, 1, 100, 100, generator=torch.Generator().manual_seed(0))
    mask = rules.bright_regions(image)
    assert (mask == 1).float().mean() == pytest.approx(0.05, abs=0.01)
    assert mask[image < 0.8].max() == 0
    assert rules.bright_regions(torch.zeros(1, 1, 20, 20)).max() == 0


def test_towards_mixes_place_by_place() -> None:
    dark, light = (Aim(*[torch.full((1, 1, 4, 4), value)] * 3) for value in (0.0, 1.0))
    left = torch.tensor([1.0, 1.0, 0.0, 0.0])
    assert dark.towards(light, left).image[0, 0, 0].tolist() == [1, 1, 0, 0]
