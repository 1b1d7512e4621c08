"""Augmentation: the images of a pair change alike, and only their own seed decides how."""

import pytest
import torch

from film.data.augment import Augmentation, finish_batch
from film.errors import FilmError

EVERYTHING = Augmentation(exposure=0.5, misalignment=1.0)


def batch(count=6, *, size=(16, 16), simulation=None, same=False, task="MFF"):
    generator = torch.Generator().manual_seed(0)
    a = torch.rand(count, 1, *size, generator=generator)
    return {
        "a": a,
        "b": a.clone() if same or simulation else torch.rand(count, 1, *size, generator=generator),
        "name": [f"pair{index}" for index in range(count)],
        "task": [task] * count,
        "seed": list(range(100, 100 + count)),
        "simulation": [simulation] * count,
    }


def part(whole, picked):
    return {
        key: value[picked] if isinstance(value, torch.Tensor) else [value[index] for index in picked]
        for key, value in whole.items()
    }


def test_nothing_to_do_leaves_the_images_alone():
    before = batch()
    after = finish_batch(before, {"IVF": EVERYTHING})
    assert after["a"] is before["a"]
    assert set(after) == {"a", "b", "name", "task"}


def test_both_images_move_and_brighten_alike():
    settings = Augmentation(exposure=0.5)
    after = finish_batch(batch(same=True), {"MFF": settings})
    assert after["a"].equal(after["b"])
    assert not after["a"].allclose(batch()["a"])


def test_pixels_are_moved_not_made():
    before, after = batch(32), finish_batch(batch(32), {"MFF": Augmentation()})
    assert after["a"].flatten(1).sort().values.equal(before["a"].flatten(1).sort().values)
    seen = {tuple(image.flatten()[:1].tolist()) for image in (after["a"] - before["a"])}
    assert len(seen) > 16
    kept = sum(one.equal(other) for one, other in zip(before["a"], after["a"], strict=True))
    assert 0 < kept < 16  # one in eight


def test_images_that_are_not_square_keep_their_shape():
    assert finish_batch(batch(8, size=(16, 24)), {"MFF": EVERYTHING})["a"].shape == (8, 1, 16, 24)


@pytest.mark.parametrize("simulation", [None, "focus", "exposure"])
def test_a_pair_depends_on_its_own_seed_only(simulation):
    whole = finish_batch(batch(simulation=simulation), {"MFF": EVERYTHING})
    picked = finish_batch(part(batch(simulation=simulation), [4, 1]), {"MFF": EVERYTHING})
    for key in ("a", "b"):
        assert picked[key].equal(whole[key][[4, 1]])


def test_misalignment_moves_b_only():
    still = finish_batch(batch(), {"MFF": Augmentation()})
    moved = finish_batch(batch(), {"MFF": Augmentation(misalignment=2.0)})
    assert moved["a"].equal(still["a"])
    assert not moved["b"].allclose(still["b"], atol=1e-3)


def test_exposure_stays_within_its_range():
    grey = batch(64) | {"a": torch.full((64, 1, 16, 16), 0.5), "b": torch.full((64, 1, 16, 16), 0.5)}
    after = finish_batch(grey, {"MFF": Augmentation(exposure=0.5)})["a"][:, 0, 0, 0]
    low, high = 0.5 ** (2**0.5), 0.5 ** (2**-0.5)
    assert low - 1e-6 <= after.min() < low + 0.05
    assert high - 0.05 < after.max() <= high + 1e-6


def test_focus_pairs_have_the_sharp_photo_with_noise_as_target():
    before = batch(size=(32, 32), simulation="focus")
    after = finish_batch(before, {})
    lost = (after["target"] - before["a"]).abs().amax((1, 2, 3))
    assert lost.median() < 0.02  # but for noise, 8 bits and slanted scenes
    assert not after["a"].equal(after["b"])
    augmented = finish_batch(before, {"MFF": Augmentation(exposure=0.3)})
    better = (augmented["a"] - augmented["target"]).abs().amin(1), (augmented["b"] - augmented["target"]).abs().amin(1)
    # Everything is sharp in one of the two, so the target went through the same augmentation.
    assert torch.minimum(*better).mean() < 0.5 * torch.maximum(*better).mean()


def test_exposure_pairs_have_no_target():
    after = finish_batch(batch(simulation="exposure", task="MEF"), {})
    assert "target" not in after
    assert (after["a"].mean((1, 2, 3)) > after["b"].mean((1, 2, 3))).all()


def test_a_mixed_batch_has_no_target_and_varies_each_task_its_own_way():
    mixed = batch() | {"task": ["MFF"] * 3 + ["IVF"] * 3, "simulation": ["focus"] * 3 + [None] * 3}
    after = finish_batch(mixed, {"MFF": EVERYTHING})
    assert "target" not in after
    assert after["b"][3:].equal(mixed["b"][3:])
    assert not after["a"][:3].equal(mixed["a"][:3])


@pytest.mark.parametrize("settings", [{"zoom": (2.0, 1.0)}, {"zoom": (0.0, 1.0)}, {"exposure": -1.0}])
def test_senseless_settings_are_refused(settings):
    with pytest.raises(FilmError, match=r"zoom \(|exposure -1"):
        Augmentation(**settings)
