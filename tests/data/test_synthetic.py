import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from film.data.synthetic import SyntheticPairs, draw_pair
from film.errors import FilmError
from film.tasks import TASKS


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("size", [(48, 64), (70, 33), (16, 16)])
def test_items_have_the_keys_shapes_and_ranges_of_every_data_set(task, size):
    item = SyntheticPairs(task, size, length=3)[1]
    assert set(item) == {"a", "b", "text", "name"}
    for key in ("a", "b"):
        assert item[key].shape == (1, *size)
        assert item[key].dtype == torch.float32
        assert item[key].min() >= 0
        assert item[key].max() <= 1
        assert item[key].std() > 0.01
    assert item["text"].startswith("Synthetic")
    assert item["name"].startswith("synthetic")


@pytest.mark.parametrize("task", TASKS)
def test_a_pair_depends_on_seed_and_index_only(task):
    pairs = SyntheticPairs(task, 32, length=4, seed=5)
    assert torch.equal(pairs[2]["a"], pickle.loads(pickle.dumps(pairs))[2]["a"])
    assert torch.equal(pairs[-2]["b"], pairs[2]["b"])
    assert not torch.equal(pairs[2]["a"], pairs[3]["a"])
    assert not torch.equal(pairs[2]["a"], SyntheticPairs(task, 32, length=4, seed=6)[2]["a"])
    assert len({pairs[index]["name"] for index in range(4)}) == 4


def test_a_loader_stacks_them_and_ends():
    batches = list(DataLoader(SyntheticPairs("MFF", 24, length=5), batch_size=2))
    assert [len(batch["name"]) for batch in batches] == [2, 2, 1]
    assert batches[0]["a"].shape == (2, 1, 24, 24)


def test_night_hides_people_from_the_colour_camera_but_not_from_the_thermal_one():
    infrared, visible, _ = draw_pair("IVF", (96, 128), seed=1)
    hot = infrared > 0.7
    assert 0.002 < hot.mean() < 0.3
    assert visible[hot].mean() < 0.4
    assert visible.ndim == 3
    assert infrared.ndim == 2


def test_medical_sources_show_different_tissue():
    kinds = set()
    for index in range(12):
        mri, second, text = draw_pair("MIF", 64, index=index)
        kinds.add(text.rsplit(" ", 1)[-1])
        assert mri.ndim == 2
        assert second.ndim == (2 if text.endswith(" CT.") else 3)
        grey = second if second.ndim == 2 else second.mean(2)
        assert abs(np.corrcoef(mri.ravel(), grey.ravel())[0, 1]) < 0.9
    assert kinds == {"CT.", "PET.", "SPECT."}


def test_exposures_clip_at_opposite_ends():
    over, under, _ = draw_pair("MEF", (96, 128))
    blown_out = over.min(2) > 0.99
    assert blown_out.mean() > 0.05
    assert under[blown_out].mean() < 0.9
    assert under[blown_out].std() > 0.05
    assert under[~blown_out].mean() < 0.2
    assert over.mean() > 2 * under.mean()


def test_each_focus_is_sharper_somewhere():
    near, far, _ = draw_pair("MFF", (96, 128))
    sharper = np.abs(np.diff(near.mean(2))) - np.abs(np.diff(far.mean(2)))
    assert (sharper > 0.05).mean() > 0.02
    assert (sharper < -0.05).mean() > 0.02


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(("XYZ", 32), "XYZ"), (("IVF", 8), "8x8"), (("IVF", (64, 15)), "64x15")],
)
def test_bad_arguments_are_named(arguments, named):
    with pytest.raises(FilmError, match=named):
        SyntheticPairs(*arguments)


def test_lengths_are_held():
    with pytest.raises(FilmError, match="-1"):
        SyntheticPairs("IVF", 32, length=-1)
    with pytest.raises(IndexError):
        SyntheticPairs("IVF", 32, length=2)[2]
