"""Two folders of images with the same names."""

import cv2
import pytest

from film.data.folders import PairFolders
from film.data.multi_focus import MultiFocusDataModule
from film.data.sets import open_folders
from film.data.source import Reading
from film.errors import FilmError
from film.tasks import SENTENCES


@pytest.fixture
def folders(make_vlf, tmp_path):
    """Ten pairs without lists, one with another suffix, one without partner."""
    folder = make_vlf({"unlisted": [f"{index}.png" for index in range(10)]}) / "VLFDataset/Image/IVF/Tiny"
    cv2.imwrite(str(folder / "VI/3.bmp"), cv2.imread(str(folder / "VI/3.png")))
    (folder / "VI/3.png").unlink()
    (folder / "VI/9.png").unlink()
    return PairFolders(str(folder / "IR"), str(folder / "VI"), text_a_dir=str(tmp_path / "texts"))


def test_pairs_are_found_by_name_whatever_the_suffix(folders):
    source = open_folders(folders, "IVF", split="all", reading=Reading())
    assert source.names == [str(index) for index in range(9)]
    a, b = source.read(3)
    assert a.shape == (24, 32)
    assert b.shape == (24, 32, 3)


def test_splits_are_made_of_the_names(folders):
    reading = Reading(val_share=0.3, test_share=0.3)
    parts = [
        set(open_folders(folders, "IVF", split=split, reading=reading).names) for split in ("train", "val", "test")
    ]
    assert set.union(*parts) == {str(index) for index in range(9)}
    assert sum(map(len, parts)) == 9


def test_texts_stand_beside_or_the_sentence_of_the_task_does(folders, tmp_path):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/2.txt").write_text("A street\nat night. ")
    source = open_folders(folders, "IVF", split="all", reading=Reading())
    assert source.text(2) == "A street at night."
    assert source.text(0) == SENTENCES["IVF"]


def test_a_module_reads_them(folders):
    module = MultiFocusDataModule(folders=folders, batch_size=2, num_workers=0, test_share=0.3)
    module.setup("fit")
    batch = next(iter(module.train_dataloader()))
    assert batch["a"].shape == (2, 1, 24, 32)
    assert batch["task"] == ["MFF", "MFF"]
    assert len(module.test_dataloader()) >= 1


def test_folders_without_common_names_are_refused(folders, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FilmError, match=r"no image in .* has a partner"):
        open_folders(PairFolders(folders.a_dir, str(tmp_path / "empty")), "IVF", split="all", reading=Reading())
    with pytest.raises(FilmError, match="there is no folder"):
        open_folders(PairFolders(folders.a_dir, str(tmp_path / "none")), "IVF", split="all", reading=Reading())


def test_unequal_sizes_are_refused_when_read(folders):
    cv2.imwrite(f"{folders.a_dir}/1.png", cv2.imread(f"{folders.a_dir}/1.png")[:-2])
    source = open_folders(folders, "IVF", split="all", reading=Reading())
    with pytest.raises(FilmError, match=r"1\.png is 32x22, B is 32x24"):
        source.read(1)
