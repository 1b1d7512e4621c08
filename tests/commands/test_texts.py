"""`film texts check`: every kind of problem is found, and good texts have none."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from film.commands.proofreading.alike import near_copies
from film.commands.proofreading.rules import problems_of

Run = Callable[..., tuple[int, str, str]]

GOOD = (
    "In this infrared image, {} people walk beside a parked car whose bonnet is hot, while the road in front of them "
    "and the trees behind are cool and dark."
)


def kinds(text: str, task: str | None = None, side: str | None = None, **options: bool) -> list[str]:
    return [kind for kind, _ in problems_of(text, task, side, **options)]


@pytest.mark.parametrize(
    "text",
    [
        GOOD.format("two"),
        "A T2-weighted MRI slice of the brain: the ventricles are bright, the skull is dark, and both sides are alike.",
        "A player in a white jersey with the number 12 serves the ball, and the clock above the door says 10:30.",
        "A hand holds a sign with “The Peak I Love You 2019” on it in front of a blurred 3D model of a 1960s house.",
        "Behind the fence stands a 4x4 truck with a sticker that says 'Call 911' and a B52 poster on its door.",
        "The PET image is in false colours: uptake of 18F-FDG is high in the cortex and low in the ventricles.",
        "A woman coordinates a group of children who cannot be seen as well as the trees in the background.",
        "The writing on the wall is in a language that I cannot name, but the café beside it is in sharp focus.",
        "An empty street at night, lit by lamps; sure enough, the pavement is wet and the shops are closed.",
    ],
)
def test_good_texts(text: str) -> None:
    assert kinds(text) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("empty", " \n"),
        ("empty", "12, 34."),
        ("refusal", "I'm sorry, but I can't help with identifying the people in this image of a street at night."),
        ("refusal", "I cannot see the image, so the best that I can do is a guess at what might be in it."),
        ("refusal", "As an AI language model, the image of the street is not something that I have access to."),
        ("refusal", "There was no image provided with the message, so please upload it and ask again."),
        ("leftover", "Sure! Here is a description of the image: a man walks down the road beside a parked car."),
        ("leftover", "Here's the paragraph: a man walks down the road beside a parked car at night in the rain."),
        ("leftover", "**Description:** a man walks down the road beside a parked car at night in the rain."),
        ("leftover", "A man walks down the road, as described in the region semantic information of the image."),
        ("leftover", "A man walks down the road beside a parked car at night in the rain.<|im_end|>"),
        ("leftover", "- A man walks down the road\n- A car is parked beside it and the lamps are lit in the rain"),
        ("leftover", "In the image I can see a man who walks down the road beside a parked car at night."),
        ("language", "Auf der Straße steht ein Mann mit dem Hund, und im Hintergrund sind die Häuser nicht zu sehen."),
        ("language", "Un homme marche dans la rue avec un chien, et les maisons sont dans le fond de la scène."),
        ("language", "夜晚的街道上有两个行人走在停着的汽车旁边,路灯照亮了人行道。"),
        ("language", "여자와 개가 차 옆에 서 있고 그 뒤에 나무와 집이 있다."),
        ("language", "man walking dog street night car parked lamp lit rain wet pavement shop closed"),
        ("numbers", "A woman is positioned at coordinates [90, 37, 322, 383] in front of a hedge and a building."),
        ("numbers", "A woman stands at (0.25, 0.75) in front of a hedge and there is a building behind her."),
        ("numbers", "A woman stands in front of a hedge that is 200 pixels wide and there is a building behind her."),
        ("numbers", "There are 3 people in front of the hedge and a building stands behind them in the sun."),
        ("numbers", "The sky takes 45 % of the image and the rest of it is a road with a car and some trees."),
        ("length", "A street at night."),
        ("length", "The road is wet and dark. " * 60),
        ("encoding", "A street in front of a cafÃ© with people who sit at the tables in the sun, in focus."),
        ("encoding", "A person\ufffds hand holds a small camera in front of the globe, which is not in focus."),
    ],
)
def test_what_goes_wrong(kind: str, text: str) -> None:
    assert kind in kinds(text)


@pytest.mark.parametrize(
    ("task", "side", "text"),
    [
        ("IVF", "a", "Two people walk beside a car on a road in front of some trees and a house."),
        ("MIF", "b", "A round grey shape with a bright ring at the edge and dark spots in the middle of it."),
        ("MFF", "a", "A golfer swings his club on a green lawn and there are white balls on the ground."),
        ("MEF", "a", "A church stands on a hill and there are some people on the path that leads up to it."),
    ],
)
def test_texts_that_could_be_about_any_image(task: str, side: str, text: str) -> None:
    assert kinds(text, task, side) == ["task"]
    assert kinds(text) == []
    assert kinds(f"{text} It is in focus, infrared, over-exposed, a PET slice.", task, side) == []


def test_other_languages_on_request() -> None:
    german = "Auf der Straße steht ein Mann mit dem Hund, und im Hintergrund sind die Häuser nicht zu sehen."
    assert kinds(german, "IVF", "a", any_language=True) == []


STORIES = [
    "A golfer in a striped shirt swings his club on a lawn with many white balls on it.",
    "A child dressed in pink walks along a path between the trunks of tall trees.",
    "The harbour lies below the mountains, with skyscrapers in haze on both of its shores.",
    "Two white tigers stand on rocks in front of dense green plants and play with each other.",
    "A brown horse with a bridle stands next to a person who wears a cowboy hat.",
    "A red padlock in the shape of a heart hangs on the railing of a bridge.",
    "A bottle of beer is held up in front of a lake, and its label shows a pond.",
    "A notebook with a spiral binding lies on the desk of a man who looks at clocks.",
    "A baby in a blue shirt with striped sleeves holds on to a metal bar in a playground.",
]


def test_texts_in_other_words() -> None:
    names = [str(index) for index in range(len(STORIES) + 1)]
    other = "On a lawn with white balls, a golfer who wears a striped shirt takes a swing with the club."
    assert [(a, b) for a, b, _ in near_copies(names, [*STORIES, other])] == [("0", "9")]
    assert list(near_copies(names[:-1], STORIES)) == []


def test_texts_of_a_template_are_not_copies() -> None:
    """Where all are alike, only what is far more alike than usual counts."""
    places = ["left", "right", "top", "bottom", "centre"]
    grades = ["dark", "grey", "bright", "pale"]
    texts = [
        f"In this infrared image the {place} is {grade} and the {places[place_index - 1]} is {grades[index - 1]}."
        for place_index, place in enumerate(places)
        for index, grade in enumerate(grades)
    ]
    assert list(near_copies([str(index) for index in range(20)], texts)) == []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Path]) -> Path:
    """The working folder, with `texts/` about `images/`, both of good quality."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts").mkdir()
    for stem, story in zip("abcdefghi", STORIES, strict=True):
        write(tmp_path / f"images/{stem}.png")
        (tmp_path / f"texts/{stem}.txt").write_text(story)
    return tmp_path


def test_a_good_folder(folder: Path, film: Run) -> None:
    code, out, _ = film("texts", "check", "texts", "--images", "images", "--strict")
    assert (code, out.splitlines()) == (0, ["texts of  texts  words", "texts     9      15-18", "no problems"])


def test_what_only_shows_beside_others(folder: Path, film: Run) -> None:
    Path("texts/a.txt").unlink()
    Path("texts/x.txt").write_text(f"{STORIES[3].upper()}\n")
    Path("texts/b.txt").write_bytes("A café in front of the trees, with tables in the sun.".encode("latin-1"))
    Path("texts/c.txt").write_text("The harbour lies below the mountains. " * 10)
    code, out, _ = film("texts", "check", "texts", "--images", "images")
    assert code == 0
    assert out.splitlines()[0].split() == [
        "texts",
        "of",
        "texts",
        "words",
        "missing",
        "stray",
        "encoding",
        "length",
        "twice",
    ]
    assert out.splitlines()[2:] == [
        "texts/a: missing: no text",
        "texts/x: stray: no image",
        "texts/b: encoding: not UTF-8 at byte 5",
        "texts/x: twice: the same as texts/d.txt",
        "texts/c: length: 60 words, 17 are usual here",
        "5 problems",
    ]
    assert film("texts", "check", "texts", "--images", "images", "--strict")[0] == 1


def test_one_image_in_two_sets_may_have_one_text(folder: Path, film: Run) -> None:
    Path("again").mkdir()
    Path("again/q.txt").write_text(STORIES[0])
    for place in ("texts/a.json", "again/q.json"):
        Path(place).write_text(json.dumps({"image_sha256": "same"}))
    assert film("texts", "check", "texts", "again", "--strict")[0] == 0
    Path("again/q.json").write_text(json.dumps({"image_sha256": "other"}))
    assert "again/q: twice: the same as texts/a.txt" in film("texts", "check", "texts", "again")[1]


def test_many_problems_are_counted_and_listed_on_request(folder: Path, film: Run) -> None:
    for index in range(14):
        Path(f"texts/{index}.txt").write_text(" ")
    _, out, _ = film("texts", "check", "texts")
    assert "texts: empty: 4 more; --all lists them" in out
    assert "14 problems" in out
    assert sum(": empty: there" in line for line in film("texts", "check", "texts", "--all")[1].splitlines()) == 14


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Path]) -> Path:
    """A set in the VLF layout, whose B has no texts at all."""
    monkeypatch.chdir(tmp_path)
    for side in ("IR", "VI"):
        for stem in "pqr":
            write(tmp_path / f"data/VLFDataset/Image/IVF/Tiny/{side}/{stem}.png")
    texts = tmp_path / "data/VLFDataset/Text/IVF/Tiny/IR"
    texts.mkdir(parents=True)
    for stem, count in zip("pq", ("two", "three"), strict=True):
        (texts / f"{stem}.txt").write_text(GOOD.format(count))
    return tmp_path / "data"


def test_the_layout_says_what_is_missing(data: Path, film: Run) -> None:
    code, out, _ = film("texts", "check", data, "--strict")
    assert code == 1
    assert out.splitlines()[1:] == [
        "IVF/Tiny/IR  2      30-30  1",
        "IVF/Tiny/VI  0      -      3",
        "IVF/Tiny/IR/r: missing: no text",
        "IVF/Tiny/VI: missing: none of its 3 images has a text",
        "4 problems",
    ]
    root = data / "VLFDataset"
    assert "1 problem" in film("texts", "check", root / "Text/IVF/Tiny/IR")[1]  # the images are found from there, too
    (root / "Text").rename("Text")
    assert "no problems" in film("texts", "check", ".")[1]  # without images nothing can be missing
    assert "4 problems" in film("texts", "check", ".", "--images", data)[1]


def test_texts_must_be_about_their_side(data: Path, film: Run) -> None:
    (data / "VLFDataset/Text/IVF/Tiny/IR/r.txt").write_text(STORIES[0])
    _, out, _ = film("texts", "check", data)
    assert "IVF/Tiny/IR/r: task: nothing says that it is about infrared" in out
    (data / "VLFDataset/Text/IVF/Tiny/IR").rename("mixed")
    assert "no problems" in film("texts", "check", "mixed")[1]
    assert "about infrared or visible light" in film("texts", "check", "mixed", "--task", "IVF")[1]


@pytest.mark.parametrize("side", ["NEAR", "FAR"])
def test_published_texts(film_data: Path, film: Run, side: str) -> None:
    """Of the VLF data set: the coordinates of one text, and one pair that carries another's paragraph."""
    _, out, _ = film("texts", "check", film_data / "VLFDataset/Text/MFF/Lytro" / side, "--all")
    assert ("lytro_07: numbers: coordinates" in out) == (side == "FAR")
    assert ("lytro_04: alike: it shares" in out and "with lytro_05.txt" in out) == (side == "NEAR")
    assert out.count(": alike: ") == (side == "NEAR")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("look texts", "unknown action 'look'; choose from check"),
        ("check", "required: DIR"),
        ("check gone", "there is no folder gone"),
        ("check images", "there are no texts (.txt) in images"),
        ("check texts --images gone", "there is no folder gone with images"),
        ("check texts --task XYZ", "choose from 'IVF'"),
    ],
)
def test_bad_input(folder: Path, film: Run, arguments: str, message: str) -> None:
    code, out, err = film("texts", *arguments.split())
    assert (code, out) == (2, "")
    assert message in err
