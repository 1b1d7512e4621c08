"""The layout of the VLF data set: lists, texts and text features."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from film.data.folders import PairFolders
from film.data.infrared_visible import InfraredVisibleDataModule
from film.data.multi_task import MultiTaskDataModule
from film.data.packed import pack
from film.data.sets import find_root, open_set
from film.data.source import Reading
from film.errors import FilmError
from film.layers.text import TextFeatures
from film.tasks import SENTENCES

TRAIN = [f"t{index}.png" for index in range(12)]
TEST = ["x0.png", "x1.png"]


@pytest.fixture
def root(make_vlf):
    return make_vlf({"train": TRAIN, "test": TEST})


def names(root, split, **reading):
    return list(open_set(root, "IVF", name="Tiny", split=split, reading=Reading(**reading)).names)


def test_lists_decide_and_validation_comes_out_of_training(root):
    train, val = names(root, "train", val_share=0.25), names(root, "val", val_share=0.25)
    assert sorted(train + val) == sorted(name.removesuffix(".png") for name in TRAIN)
    assert 1 <= len(val) <= 6
    assert names(root, "test") == ["x0", "x1"]


def test_a_list_for_validation_is_taken(root):
    (root / "VLFDataset/Image/IVF/Tiny/val.txt").write_text("t3.png\n")
    (root / "VLFDataset/Image/IVF/Tiny/train.txt").write_text("t1.png\nt2.png\n")
    assert names(root, "val") == ["t3"]
    assert names(root, "train") == ["t1", "t2"]


def test_the_root_may_be_the_data_set_or_hold_it(root):
    assert find_root(root) == find_root(root / "VLFDataset") == root / "VLFDataset"


def test_lists_may_leave_out_suffixes(root):
    (root / "VLFDataset/Image/IVF/Tiny/test.txt").write_text("x1\nx0\n")
    assert names(root, "test") == ["x1", "x0"]


def test_texts_are_joined_a_first(root):
    for side, text in (("VI", "A lit street."), ("IR", "Two warm people.")):
        folder = root / "VLFDataset/Text/IVF/Tiny" / side
        folder.mkdir(parents=True)
        (folder / "x0.txt").write_text(text)
    source = open_set(root, "IVF", name="Tiny", split="test", reading=Reading())
    assert source.text(0) == "Two warm people. A lit street."
    assert source.text(1) == SENTENCES["IVF"]
    only_task = open_set(root, "IVF", name="Tiny", split="test", reading=Reading(words="task"))
    assert only_task.text(0) == SENTENCES["IVF"]


@pytest.fixture
def features(root):
    """Text features of both test pairs, one in each format."""
    folder = root / "VLFDataset/TextFeature/IVF/Tiny"
    folder.mkdir(parents=True)
    np.save(folder / "x0.npy", np.full((1, 3, 8), 0.5, np.float32))
    mask = torch.tensor([True, True, False, False, False])
    save_file({"tokens": torch.ones(5, 8), "mask": mask}, folder / "x1.safetensors")
    return folder


def read_features(root, **reading):
    source = open_set(root, "IVF", name="Tiny", split="test", reading=Reading(words="features", **reading))
    return [source.text(index) for index in range(len(source))]


def test_text_features_of_both_formats(root, features):
    first, second = read_features(root, text_dim=8)
    assert isinstance(first, TextFeatures)
    assert first.tokens.equal(torch.full((1, 3, 8), 0.5))
    assert first.mask.all()
    assert second.tokens.shape == (1, 5, 8)
    assert second.mask.sum() == 2


def test_features_of_another_width_are_known_before_training(root, features):
    with pytest.raises(FilmError, match=r"x0\.npy has text features 8 wide, expected 768"):
        open_set(root, "IVF", name="Tiny", split="test", reading=Reading(words="features", text_dim=768))


def test_missing_features_are_known_before_training(root, features):
    (features / "x1.safetensors").unlink()
    with pytest.raises(FilmError, match=r"no text features x1\.npy .* `film encode`"):
        open_set(root, "IVF", name="Tiny", split="test", reading=Reading(words="features"))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((1, 3, 8), np.nan, np.float32), r"x0\.npy doesn't hold text features: there are NaN"),
        (np.zeros((3, 8), np.float32), r"x0\.npy doesn't hold text features: .* \(3, 8\)"),
    ],
)
def test_spoiled_features_are_refused(root, features, array, message):
    np.save(features / "x0.npy", array)
    with pytest.raises(FilmError, match=message):
        read_features(root)


def test_a_listed_name_without_a_file_is_known_before_training(root):
    (root / "VLFDataset/Image/IVF/Tiny/VI/t5.png").unlink()
    with pytest.raises(FilmError, match=r"train\.txt names 't5\.png', which is not in .*VI"):
        names(root, "train", val_share=0.0)


def test_an_empty_list_is_refused(root):
    (root / "VLFDataset/Image/IVF/Tiny/train.txt").write_text("")
    with pytest.raises(FilmError, match=r"train\.txt is empty"):
        names(root, "train")


def test_a_set_without_the_list_that_is_asked_for(root):
    (root / "VLFDataset/Image/IVF/Tiny/train.txt").unlink()
    with pytest.raises(FilmError, match=r"has no train\.txt; it has test\.txt"):
        names(root, "train")


def test_an_unknown_set_is_answered_with_the_known(root):
    with pytest.raises(FilmError, match=r"no set 'Tinny' for IVF .* sets there: Tiny"):
        open_set(root, "IVF", name="Tinny", split="train", reading=Reading())


def test_a_missing_root_names_the_variable_and_the_flag(tmp_path):
    with pytest.raises(FilmError, match=r"no data folder .*nowhere; set FILM_DATA .*--data\.init_args\.root"):
        open_set(tmp_path / "nowhere", "IVF", name="Tiny", split="train", reading=Reading())


def write_texts(folder):
    for side, text in (("VI", "A lit street."), ("IR", "Two warm people.")):
        place = folder / "Text/IVF/Tiny" / side
        place.mkdir(parents=True)
        (place / "x0.txt").write_text(text)
    return str(folder)


def test_texts_may_lie_elsewhere_and_take_the_place_of_those_beside_the_images(root, tmp_path):
    write_texts(root / "VLFDataset")
    (root / "VLFDataset/Text/IVF/Tiny/IR/x1.txt").write_text("Not to be read.")
    elsewhere = write_texts(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/Text/IVF/Tiny/VI/x0.txt").write_text("A dark street.")
    source = open_set(root, "IVF", name="Tiny", split="test", reading=Reading(texts=elsewhere))
    assert [source.text(0), source.text(1)] == ["Two warm people. A dark street.", SENTENCES["IVF"]]
    assert source.read(0).a.shape == (24, 32)


def test_texts_of_elsewhere_reach_the_batches_of_every_layout(root, tmp_path):
    elsewhere = write_texts(tmp_path / "elsewhere")
    for _ in pack(open_set(root, "IVF", name="Tiny", split="test", reading=Reading()), tmp_path / "p/IVF/Tiny/test"):
        pass
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "Tiny_test.h5", "w") as file:
        for group in ("imageA", "imageB"):
            file[f"{group}/x0"] = np.zeros((1, 24, 32), np.float32)
    for place, name in ((root, "Tiny"), (tmp_path / "p", "Tiny"), (tmp_path, str(tmp_path / "Tiny_test.h5"))):
        module = InfraredVisibleDataModule(str(place), test=[name], texts=elsewhere, num_workers=0)
        assert next(iter(module.test_dataloader()))["text"] == ["Two warm people. A lit street."]
    tasks = MultiTaskDataModule(str(root), train={}, test={"IVF": ["Tiny"]}, texts=elsewhere, num_workers=0)
    assert next(iter(tasks.test_dataloader()))["text"] == ["Two warm people. A lit street."]


def test_features_may_lie_elsewhere(root, features, tmp_path):
    (root / "VLFDataset/TextFeature").rename(tmp_path / "TextFeature")
    first, second = read_features(root, texts=str(tmp_path))
    assert (first.tokens.shape, second.tokens.shape) == ((1, 3, 8), (1, 5, 8))
    (tmp_path / "TextFeature/IVF/Tiny/x0.npy").unlink()
    with pytest.raises(FilmError, match=r"no text features x0\.npy"):
        read_features(root, texts=str(tmp_path))


def test_texts_that_lead_nowhere_are_known_before_training(root, tmp_path, caplog):
    with pytest.raises(FilmError, match=r"nowhere holds no folder Text; .*film describe"):
        names(root, "test", texts=str(tmp_path / "nowhere"))
    (tmp_path / "empty/Text").mkdir(parents=True)
    assert names(root, "test", texts=str(tmp_path / "empty")) == ["x0", "x1"]
    assert "no texts of IVF/Tiny" in caplog.text
    folders = PairFolders("a", "b")
    with pytest.raises(FilmError, match="text_a_dir"):
        InfraredVisibleDataModule(folders=folders, texts=str(tmp_path)).sources("test")
