"""Prepared pairs: what was decoded once is what is decoded again."""

import numpy as np
import pytest
import torch

from film.data.infrared_visible import InfraredVisibleDataModule
from film.data.packed import PackedPairs, pack
from film.data.reading import luminance, unit
from film.data.sets import open_set
from film.data.source import Reading
from film.errors import FilmError


@pytest.fixture
def root(make_vlf):
    return make_vlf({"test": [f"{index}.png" for index in range(5)]})


@pytest.fixture
def source(root):
    texts = root / "VLFDataset/Text/IVF/Tiny/IR"
    texts.mkdir(parents=True)
    (texts / "1.txt").write_text("A warm person.")
    return open_set(root, "IVF", name="Tiny", split="test", reading=Reading())


@pytest.mark.parametrize("shard_bytes", [1, 2**20])
def test_pairs_come_back(source, tmp_path, shard_bytes):
    folder = tmp_path / "prepared/IVF/Tiny/test"
    assert list(pack(source, folder, shard_bytes=shard_bytes)) == source.names
    assert len(list(folder.iterdir())) == (5 if shard_bytes == 1 else 1)
    packed = PackedPairs(folder)
    assert (packed.names, packed.task) == (source.names, "IVF")
    assert [packed.text(index) for index in range(5)] == [source.text(index) for index in range(5)]
    for index in range(5):
        for ours, theirs in zip(packed.read(index), source.read(index), strict=True):
            np.testing.assert_allclose(unit(ours), unit(luminance(theirs)), atol=8e-6)
        assert packed.read(index).a.dtype == np.uint8  # grey stays as it is


def test_a_module_reads_what_was_prepared_as_it_reads_the_files(source, root, tmp_path):
    for _ in pack(source, tmp_path / "prepared/IVF/Tiny/test"):
        pass
    options = {"test": ["Tiny"], "num_workers": 2}
    modules = [InfraredVisibleDataModule(str(place), **options) for place in (root, tmp_path / "prepared")]
    for one, other in zip(*(module.test_dataloader() for module in modules), strict=True):
        assert (one["name"], one["text"]) == (other["name"], other["text"])
        assert (one["a"] - other["a"]).abs().max() == 0
        assert (one["b"] - other["b"]).abs().max() < 8e-6


@pytest.mark.parametrize("batch_size", [1, 3])
def test_compact_batches_become_the_same_ones_on_the_device(root, tmp_path, batch_size):
    features = root / "VLFDataset/TextFeature/IVF/Tiny"
    features.mkdir(parents=True)
    for index in range(5):
        np.save(features / f"{index}.npy", np.random.default_rng(index).random((1, 2 + index, 8), np.float32))
    source = open_set(root, "IVF", name="Tiny", split="test", reading=Reading("features"))
    for _ in pack(source, tmp_path / "prepared/IVF/Tiny/test"):
        pass
    options = {"test": ["Tiny"], "words": "features", "num_workers": 0, "eval_batch_size": batch_size}
    plain, compact = (
        InfraredVisibleDataModule(str(tmp_path / "prepared"), compact=compact, **options) for compact in (False, True)
    )
    for one, other in zip(plain.test_dataloader(), compact.test_dataloader(), strict=True):
        assert one["a"].dtype == torch.float32
        assert (other["a"].dtype, other["text"].tokens.dtype) == (torch.uint8, torch.float16)
        done = compact.on_after_batch_transfer(other, 0)
        assert {done[side].dtype for side in "ab"} == {torch.float32}
        torch.testing.assert_close([done["a"], done["b"]], [one["a"], one["b"]], rtol=0, atol=1e-7)
        assert torch.equal(done["text"].tokens, one["text"].tokens)
        assert torch.equal(done["text"].mask, one["text"].mask)


def test_preparing_again_replaces_everything(source, tmp_path):
    list(pack(source, tmp_path, shard_bytes=1))
    list(pack(source, tmp_path))
    assert len(PackedPairs(tmp_path)) == 5


def test_a_file_cut_short_or_of_another_kind_is_refused(source, tmp_path):
    list(pack(source, tmp_path / "prepared"))
    path = tmp_path / "prepared/00000.safetensors"
    content = path.read_bytes()
    for spoiled in (content[:-1], content[:40], content.replace(b"film-pairs-1", b"film-pears-1")):
        path.write_bytes(spoiled)
        with pytest.raises(FilmError, match=r"00000\.safetensors can't be read as prepared pairs"):
            PackedPairs(tmp_path / "prepared")
    with pytest.raises(FilmError, match="no prepared pairs"):
        PackedPairs(tmp_path / "nowhere")


def test_features_that_were_not_prepared_are_known_before_training(source, tmp_path):
    list(pack(source, tmp_path / "prepared"))
    with pytest.raises(FilmError, match="has no tokens of 0"):
        PackedPairs(tmp_path / "prepared", words="features")
