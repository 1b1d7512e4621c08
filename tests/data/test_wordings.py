"""The wordings: complete, split honestly, and read with errors that help."""

import re
from itertools import chain
from pathlib import Path

import pytest
import yaml

from film.concepts import OPPOSITES
from film.data.wordings import (
    FILE,
    Wordings,
    append,
    concerns,
    content_words,
    fits,
    load_instructions,
    load_wordings,
    placed,
    scan_of,
    stem,
)
from film.errors import FilmError
from film.tasks import TASKS


@pytest.fixture(scope="module")
def words() -> Wordings:
    return load_wordings()


@pytest.mark.parametrize(
    ("word", "root"),
    [
        ("brightness", "bright"),
        ("brighten", "bright"),
        ("brightened", "bright"),
        ("noisy", "nois"),
        ("noise", "nois"),
        ("details", "detail"),
        ("sharpening", "sharp"),
        ("sharpest", "sharp"),
        ("illumination", "illumin"),
        ("illuminate", "illumin"),
        ("red", "red"),
    ],
)
def test_stem(word: str, root: str) -> None:
    assert stem(word) == root


def test_content_sees_through_forms_and_leaves_nouns_of_the_task_out() -> None:
    assert content_words(("Could you brighten the first image?", "BRIGHTER!")) == {"bright"}
    assert content_words(("over-exposed", "MRI, not CT", "source B")) == set()


@pytest.mark.parametrize("key", OPPOSITES)
def test_held_out_instructions_share_no_content_word_with_training(words: Wordings, key: str) -> None:
    held_out = words.pooled(key).held_out
    for trained in (key, OPPOSITES[key]):
        shared = content_words(held_out) & content_words(words.pooled(trained).train)
        guilty = [wording for wording in held_out if content_words((wording,)) & shared]
        assert not shared, f"{shared} of {key} held out are trained on in {trained}: {guilty}"


@pytest.mark.parametrize("key", OPPOSITES)
def test_enough_instructions(words: Wordings, key: str) -> None:
    assert len(words.instructions[key].train) >= 80
    assert len(words.instructions[key].held_out) >= 20


@pytest.mark.parametrize("task", TASKS)
def test_enough_about_every_task(words: Wordings, task: str) -> None:
    about = words.tasks[task]
    assert len(about.sentences.train) >= 40
    assert len(about.sentences.held_out) >= 10
    assert min(len(about.order_ab.train), len(about.order_ba.train)) >= 12
    for split in about.instructions.values():
        assert len(split.train) >= 40
        assert len(split.held_out) >= 10


def test_enough_of_the_rest(words: Wordings) -> None:
    assert len(words.nonsense.train) >= 80
    assert len(words.nonsense.held_out) >= 20
    assert all(len(split.train) >= 10 for split in words.regions.values())
    assert all(len(split.train) >= 10 for split in words.intensifiers.values())


def test_no_wording_means_two_things(words: Wordings) -> None:
    """But for the general ones of a task, each text has one meaning; a held-out text is trained on nowhere."""
    meanings = [*(words.pooled(key) for key in OPPOSITES), words.nonsense]
    for task in TASKS:
        meanings += [words.tasks[task].sentences, words.tasks[task].order_ab, words.tasks[task].order_ba]
    texts = [text.lower().rstrip(".!?") for split in meanings for text in chain(split.train, split.held_out)]
    assert sorted({text for text in texts if texts.count(text) > 1}) == []


def test_keys_of_a_task(words: Wordings) -> None:
    assert "heat" in words.keys("IVF")
    assert "heat" not in words.keys("MIF")
    assert "bone" in words.keys("MIF")
    assert words.keys("MEF") == words.keys("MFF")
    assert {"emphasise_a", "emphasise_b", "brighter", "darker"} < set(words.keys("MFF"))


def test_filtered_leaves_out_training_wordings_of_instructions_only(words: Wordings) -> None:
    some = words.filtered(lambda key, text: key != "heat" and "e" in text)
    assert some.instructions["heat"].train == ()
    for key in OPPOSITES:
        expected = [text for text in words.pooled(key).train if "e" in text and key != "heat"]
        assert list(some.pooled(key).train) == expected
        assert some.pooled(key).held_out == words.pooled(key).held_out
    assert some.tasks["IVF"].sentences == words.tasks["IVF"].sentences


def test_instruction_joins_general_words_and_those_of_the_task(words: Wordings) -> None:
    joined = words.instruction("emphasise_a", "IVF")
    assert set(words.instructions["emphasise_a"].train) < set(joined.train)
    assert set(words.tasks["IVF"].instructions["emphasise_a"].held_out) < set(joined.held_out)
    assert words.instruction("brighter", "IVF") == words.instructions["brighter"]


@pytest.mark.parametrize(
    ("wording", "scans"),
    [
        ("Keep the CT.", {"CT"}),
        ("Boost the tracer uptake.", {"PET", "SPECT"}),
        ("Let the PET dominate.", {"PET"}),
        ("Show the fracture.", {"CT"}),
        ("Fuse an MRI with a CT, PET or SPECT image.", {"CT", "PET", "SPECT"}),
        ("Emphasise the second image.", {"CT", "PET", "SPECT"}),
        ("Fuse the MRI.", {"CT", "PET", "SPECT"}),
    ],
)
def test_wordings_that_name_a_scan_fit_only_it(wording: str, scans: set[str]) -> None:
    assert {scan for scan in ("CT", "PET", "SPECT") if fits(wording, scan)} == scans


def test_fits_knows_its_scans() -> None:
    with pytest.raises(FilmError, match=r"no scan 'MRI'; there are CT, PET, SPECT"):
        fits("anything", "MRI")


@pytest.mark.parametrize("scan", ["CT", "PET", "SPECT"])
def test_every_scan_has_its_wordings(words: Wordings, scan: str) -> None:
    for key in ("emphasise_a", "emphasise_b"):
        split = words.tasks["MIF"].instructions[key]
        assert sum(fits(wording, scan) for wording in split.train) >= 10
        assert sum(fits(wording, scan) for wording in split.held_out) >= 3


def test_a_place_may_stand_in_front_or_for_the_whole() -> None:
    assert placed("Make it brighter.", "on the left") == "Make the left brighter."
    assert placed("The whole image should be sharper.", "in the upper half") == "The upper half should be sharper."
    assert placed("Make it brighter.", "only on the left") == "Make it brighter only on the left."
    assert placed("It is too dark.", "on the left") == "It is too dark on the left."
    assert placed("No visitor likes merit in it", "at the top edge") == "No visitor likes merit in the top edge"
    assert placed("Make it brighter.", "on the left", first=True) == "On the left, make it brighter."
    assert placed("MRI first.", "on the left", first=True) == "On the left, MRI first."


def test_append_keeps_the_end_of_the_sentence() -> None:
    assert append("Brighten it.", "on the left") == "Brighten it on the left."
    assert append("Could you brighten it? ", "on the left", "slightly") == "Could you brighten it on the left slightly?"
    assert append("brighter", "slightly") == "brighter slightly"


def broken(tmp_path: Path, *path: str, value: object) -> Path:
    """The package's file with one place changed."""
    tree = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    node = tree
    for name in path[:-1]:
        node = node[name]
    node[path[-1]] = value
    file = tmp_path / "words.yaml"
    file.write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("instructions", "heat", "train"), [], r"instructions\.heat\.train is not a list of texts"),
        (("instructions", "heat", "train"), ["warm", True], r"instructions\.heat\.train is not a list of texts"),
        (("instructions", "heat", "held_out"), "warm", r"instructions\.heat\.held_out is not a list of texts"),
        (("nonsense", "train"), ["egg", "egg"], r"nonsense\.train has 'egg' twice"),
        (("nonsense",), {"train": ["egg"], "held_out": ["egg"]}, r"nonsense has 'egg' in train and held_out"),
        (("instructions", "hotter"), {}, r"instructions has .*'hotter'.*, not emphasise_a, "),
        (("tasks", "IVF"), None, r"tasks\.IVF has NoneType, not sentences, order_ab, "),
        (("more",), 1, r"the top level has .*'more'.*, not instructions, "),
    ],
)
def test_broken_files_are_told_where(tmp_path: Path, path: tuple[str, ...], value: object, message: str) -> None:
    with pytest.raises(FilmError, match=message):
        load_wordings(broken(tmp_path, *path, value=value))


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(FilmError, match=r"missing\.yaml is no readable YAML"):
        load_wordings(tmp_path / "missing.yaml")
    (tmp_path / "broken.yaml").write_text("a: [")
    with pytest.raises(FilmError, match=r"broken\.yaml is no readable YAML"):
        load_wordings(tmp_path / "broken.yaml")


def test_instructions_concern_the_scans_that_show_what_they_are_about() -> None:
    assert [scan_of(name) for name in ("ct_1", "MIF/Harvard/pet_2", "spect_3", "petrol", "00537D")] == [
        "CT",
        "PET",
        "SPECT",
        None,
        None,
    ]
    assert [concerns("bone", scan) for scan in ("CT", "PET", "SPECT", None)] == [True, False, False, True]
    assert [concerns("uptake", scan) for scan in ("CT", "PET", "SPECT", None)] == [False, True, True, True]
    assert all(concerns("brighter", scan) for scan in ("CT", "PET", "SPECT", None))


def test_instructions_of_ones_own(tmp_path: Path) -> None:
    """What a task says of its pairs alone takes the place of what is said of all; other tasks' are left out."""
    path = tmp_path / "mine.yaml"
    path.write_text(
        "{darker: [Dim it.], heat: [Warm!], bone: [Skull!], IVF: {emphasise_a: [More IR], darker: [Night]}}"
    )
    assert load_instructions(path, "IVF") == {"heat": ("Warm!",), "darker": ("Night",), "emphasise_a": ("More IR",)}
    assert load_instructions(path, "MIF") == {"bone": ("Skull!",), "darker": ("Dim it.",)}
    assert load_instructions(path, "MEF") == {"darker": ("Dim it.",)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[Dim it.]", "must map instructions to lists of texts; they are emphasise_a, "),
        ("{IVF: [Dim it.]}", "must map instructions to lists"),
        ("{dimmer: [Dim it.]}", "there is no instruction 'dimmer'; choose from emphasise_a, "),
        ("{IVF: {MIF: {darker: [Dim it.]}}}", "there is no instruction 'MIF'"),
        ("{darker: Dim it.}", "darker is not a list of texts"),
        ("{darker: []}", "darker is not a list of texts"),
        ("{bone: [Skull!]}", "has no instruction for IVF; its pairs know emphasise_a, "),
        ("{", "is no readable YAML"),
    ],
)
def test_bad_instructions_of_ones_own(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "mine.yaml").write_text(content)
    with pytest.raises(FilmError, match=message):
        load_instructions(tmp_path / "mine.yaml", "IVF")


@pytest.mark.parametrize("path", sorted(Path("benchmarks/instructions").glob("*.yaml")), ids=lambda path: path.stem)
def test_lists_to_test_with_are_not_trained_on(words: Wordings, path: Path) -> None:
    trained = {re.sub(r"\W+", " ", text.lower()).strip() for key in OPPOSITES for text in words.pooled(key).train}
    for task in ("IVF", "MIF"):
        said = load_instructions(path, task)
        assert set(said) == set(words.keys(task))
        assert min(map(len, said.values())) >= 15
        for text in chain(*said.values()):
            assert re.sub(r"\W+", " ", text.lower()).strip() not in trained, text
