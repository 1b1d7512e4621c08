"""The release's HDF5 files."""

import pickle

import numpy as np
import pytest
import torch

from film.data.hdf5 import HDF5Pairs
from film.data.infrared_visible import InfraredVisibleDataModule
from film.errors import FilmError

h5py = pytest.importorskip("h5py")


def write(path, count=10, *, size=(12, 16), width=8, skip=()):
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        for index in range(count):
            for group in ("imageA", "imageB"):
                file.create_dataset(f"{group}/{index:03d}D", data=random.random((1, *size), dtype=np.float32))
            if index not in skip:
                file.create_dataset(f"text/{index:03d}D", data=random.random((1, 5, width), dtype=np.float32))
    return path


def test_pairs_are_what_the_file_holds(tmp_path):
    path = write(tmp_path / "Tiny_test.h5")
    source = HDF5Pairs(path, "IVF")
    with h5py.File(path) as file:
        assert np.array_equal(source.read(3).a, file["imageA/003D"][0])
        assert np.array_equal(source.read(3).b, file["imageB/003D"][0])
        assert source.text(3).tokens.equal(torch.from_numpy(file["text/003D"][:]))


def test_the_file_is_opened_once_in_a_process_and_not_handed_to_workers(tmp_path):
    source = HDF5Pairs(write(tmp_path / "Tiny_test.h5"), "IVF")
    source.read(0)
    opened = dict(source._files._opened)
    source.read(1)
    assert source._files._opened == opened
    copy = pickle.loads(pickle.dumps(source))
    assert copy._files._opened == {}
    assert np.array_equal(copy.read(1).a, source.read(1).a)


def test_a_module_finds_the_release_files_and_parts_the_train_file(tmp_path):
    write(tmp_path / "VLFDataset_h5/Tiny_train.h5")
    write(tmp_path / "VLFDataset_h5/Tiny_test.h5", count=3)
    options = {"words": "features", "text_dim": 8, "val_share": 0.3, "num_workers": 1, "batch_size": 2}
    module = InfraredVisibleDataModule(str(tmp_path), ["Tiny"], test=["Tiny"], **options)
    train, val, test = (next(iter(module.sources(split).values())).names for split in ("train", "val", "test"))
    assert len(train) + len(val) == 10
    assert not set(train) & set(val)
    assert len(test) == 3
    batch = next(iter(module.train_dataloader()))
    assert batch["a"].shape == (2, 1, 12, 16)
    assert batch["text"].tokens.shape == (2, 5, 8)


@pytest.mark.parametrize("name", ["Tiny_train.h5", "VLFDataset_h5/Tiny_train.h5"])
def test_a_file_may_be_named_itself(tmp_path, name):
    write(tmp_path / name)
    module = InfraredVisibleDataModule(str(tmp_path), [name], words="task")
    (source,) = module.sources("train").values()
    assert 0 < len(source) < 10


def test_a_corrupt_file_is_refused(tmp_path):
    path = write(tmp_path / "Tiny_test.h5")
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(FilmError, match=r"Tiny_test\.h5 can't be read as HDF5"):
        HDF5Pairs(path, "IVF")


def test_incomplete_pairs_and_missing_groups_are_known_before_training(tmp_path):
    path = write(tmp_path / "Tiny_test.h5", skip=(4,))
    with pytest.raises(FilmError, match="'004D' in only one of imageA and text"):
        HDF5Pairs(path, "IVF")
    with h5py.File(path, "a") as file:
        del file["text"]
    with pytest.raises(FilmError, match="no group 'text'"):
        HDF5Pairs(path, "IVF")
    assert len(HDF5Pairs(path, "IVF", words="task")) == 10


def test_features_of_another_width_are_known_before_training(tmp_path):
    with pytest.raises(FilmError, match="8 wide, expected 768"):
        HDF5Pairs(write(tmp_path / "Tiny_test.h5"), "IVF", text_dim=768)


def test_spoiled_content_is_refused_by_name(tmp_path):
    path = write(tmp_path / "Tiny_test.h5")
    with h5py.File(path, "a") as file:
        file["text/002D"][0, 0, 0] = np.nan
        del file["imageB/003D"]
        file.create_dataset("imageB/003D", data=np.zeros((1, 12, 18), np.float32))
    source = HDF5Pairs(path, "IVF")
    with pytest.raises(FilmError, match=r"002D in .* NaN"):
        source.text(2)
    with pytest.raises(FilmError, match=r"003D in .* is 16x12, B is 18x12"):
        source.read(3)
