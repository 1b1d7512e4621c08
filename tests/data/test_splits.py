"""Splits: lists, and stable hashes where there are none."""

import pytest

from film.data.splits import choose, held_out, read_list, stable_number, train_or_val
from film.errors import FilmError

NAMES = [f"{number:04d}" for number in range(400)]


def test_splits_part_all_names():
    parts = [choose(NAMES, split, seed=0, val_share=0.1, test_share=0.2) for split in ("train", "val", "test")]
    assert sorted(name for part in parts for name in part) == NAMES
    assert choose(NAMES, "all", seed=0, val_share=0.1, test_share=0.2) == NAMES
    assert 50 <= len(parts[2]) <= 110
    assert 15 <= len(parts[1]) <= 50


def test_a_name_keeps_its_side_when_files_are_added():
    before = held_out(NAMES[:200], 0.1, seed=0, purpose="val")
    after = held_out(NAMES, 0.1, seed=0, purpose="val")
    assert before == after & set(NAMES[:200])


def test_another_seed_holds_out_others():
    assert held_out(NAMES, 0.1, seed=0, purpose="val") != held_out(NAMES, 0.1, seed=1, purpose="val")


def test_something_is_held_out_of_very_few():
    assert len(train_or_val(["a", "b"], "val", seed=0, share=0.01)) == 1
    assert train_or_val(["a", "b"], "val", seed=0, share=0.0) == []


def test_the_hash_is_the_same_everywhere():
    assert stable_number("name") == 4706729727550678847
    assert 0 <= stable_number(0, "val", "x") < 2**63


@pytest.mark.parametrize(("content", "message"), [("\n \n", "is empty"), ("a.png\nb.png\na.png\n", "'a.png' twice")])
def test_bad_lists_are_refused(tmp_path, content, message):
    (tmp_path / "train.txt").write_text(content)
    with pytest.raises(FilmError, match=message):
        read_list(tmp_path / "train.txt")
