"""`film data check` and `film data prepare`."""

import shutil

import cv2
import numpy as np
import pytest

from film.commands.data import main
from film.data.infrared_visible import InfraredVisibleDataModule
from film.errors import FilmError


def picture(seed):
    small = np.random.default_rng(seed).integers(0, 256, (4, 6), dtype=np.uint8)
    return cv2.resize(small, (64, 48), interpolation=cv2.INTER_LINEAR)


@pytest.fixture
def root(tmp_path):
    """Six pairs in MSRS: four to train on, two to test on."""
    folder = tmp_path / "data/Image/IVF/MSRS"
    for side, first in (("IR", 0), ("VI", 100)):
        (folder / side).mkdir(parents=True)
        for index in range(6):
            cv2.imwrite(str(folder / side / f"{index}.png"), picture(first + index))
    (folder / "train.txt").write_text("0.png\n1.png\n2.png\n3.png\n")
    (folder / "test.txt").write_text("4.png\n5.png\n")
    return tmp_path / "data"


@pytest.fixture
def folder(root):
    return root / "Image/IVF/MSRS"


def check(root, capsys):
    code = main(["check", str(root)])
    return code, capsys.readouterr().out.splitlines()


def test_a_good_set_is_a_table_and_nothing_else(root, capsys):
    code, lines = check(root, capsys)
    assert code == 0
    assert lines[0].split() == ["set", "train", "val", "test", "unlisted", "size", "texts", "problems"]
    assert lines[1].split() == ["IVF/MSRS", "4", "-", "2", "-", "64x48", "-", "0"]
    assert lines[2:] == ["no problems"]


def spoil_partner(folder):
    (folder / "VI/0.png").unlink()


def spoil_extra(folder):
    cv2.imwrite(str(folder / "IR/9.png"), picture(9))


def spoil_size(folder):
    cv2.imwrite(str(folder / "VI/1.png"), picture(1)[:-8])


def spoil_file(folder):
    (folder / "IR/2.png").write_bytes((folder / "IR/2.png").read_bytes()[:-100])


def spoil_lists(folder):
    (folder / "test.txt").write_text("3.png\n4.png\n5.png\n")


def leak_copy(folder):
    shutil.copy(folder / "VI/4.png", folder / "VI/0.png")


def leak_saved_again(folder):
    for side in ("IR", "VI"):
        half = cv2.resize(cv2.imread(str(folder / side / "5.png"), 0), (32, 24), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / side / "1.png"), half)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (spoil_partner, "train.txt names 0.png, which is not in VI"),
        (spoil_extra, "9 is in IR only"),
        (spoil_size, "1: A is 64x48, B is 64x40"),
        (spoil_file, "IR/2.png is broken or cut short"),
        (spoil_lists, "3.png stands in train.txt and in test.txt"),
        (leak_copy, "0 of train and 4 of test share an image"),
        (leak_saved_again, "1 of train and 5 of test are the same pair, saved again"),
    ],
)
def test_what_is_wrong_is_told_with_exit_code_1(root, folder, capsys, spoil, problem):
    spoil(folder)
    code, lines = check(root, capsys)
    assert code == 1
    assert any(line.startswith("IVF/MSRS: ") and problem in line for line in lines), lines


def test_texts_that_stand_twice_are_empty_or_alone(root, capsys):
    texts = root / "Text/IVF/MSRS/IR"
    texts.mkdir(parents=True)
    for name, text in (("0", "A street."), ("1", "A  street.\n"), ("2", " "), ("7", "Nobody.")):
        (texts / f"{name}.txt").write_text(text)
    code, lines = check(root, capsys)
    assert code == 1
    assert "IVF/MSRS: one text stands 2 times in IR: 0.txt, 1.txt" in lines
    assert "IVF/MSRS: the text IR/2.txt is empty" in lines
    assert "IVF/MSRS: the text IR/7.txt belongs to no pair" in lines
    assert lines[-1] == "3 problems"


def test_an_hdf5_file_is_checked(tmp_path, capsys):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "MSRS_test.h5"
    with h5py.File(path, "w") as file:
        for index in range(3):
            for group in ("imageA", "imageB"):
                file.create_dataset(f"{group}/{index}", data=np.full((1, 16, 20), 0.5 + 0.3 * index, np.float32))
            file.create_dataset(f"text/{index}", data=np.zeros((1, 4, 8), np.float32))
    code, lines = check(path, capsys)
    assert code == 1
    assert lines[1].split() == [str(path), "3", "20x16", "3", "2"]
    assert lines[2:] == [f"{path}: A of 2 is not in [0, 1]", f"{path}: B of 2 is not in [0, 1]", "2 problems"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "nowhere"], "no data folder nowhere; set FILM_DATA"),
        (["check", "."], "holds no data set"),
        (["chekc"], "unknown action 'chekc'; choose from check, prepare"),
        (["prepare", "."], "--output"),
    ],
)
def test_bad_input_is_one_error(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FilmError, match=message):
        main(arguments)


def test_help_shows_examples(capsys):
    assert main([]) == 0
    assert "film data prepare data -o data/prepared" in capsys.readouterr().out


def test_prepared_sets_train_as_the_files_do(root, tmp_path, capsys):
    output = tmp_path / "prepared"
    assert main(["prepare", str(root), "-o", str(output), "--val-share", "0.3"]) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "IVF/MSRS train",
        "IVF/MSRS val",
        "IVF/MSRS test",
    ]
    options = {"test": ["MSRS"], "num_workers": 0, "batch_size": 2, "val_share": 0.3, "crop": 32}
    files, prepared = (InfraredVisibleDataModule(str(place), ["MSRS"], **options) for place in (root, output))
    for one, other in zip(files.train_dataloader(), prepared.train_dataloader(), strict=True):
        assert one["name"] == other["name"]
        assert one["a"].equal(other["a"])
    assert len(prepared.test_dataloader()) == 2


def test_only_the_sets_that_are_named_are_prepared(root, tmp_path):
    with pytest.raises(FilmError, match=r"no set 'MRSR' in .*; there are MSRS"):
        main(["prepare", str(root), "-o", str(tmp_path / "prepared"), "--set", "MRSR"])


@pytest.mark.realdata
def test_the_real_sets_are_in_order(film_data, capsys):
    code, lines = check(film_data, capsys)
    assert (code, lines[-1]) == (0, "no problems")
    assert any(line.split()[:2] == ["IVF/MSRS", "1083"] for line in lines)
