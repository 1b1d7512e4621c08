"""The contract of every describer, found by walking the room: what is added to it is tested by being there."""

import dataclasses
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator

import httpx2
import numpy as np
import pytest
from my_describer import MyDescriber

import film.describers
from film.components import build
from film.describers.base import Describer, Description, Outcome, Subject
from film.describers.openai import OpenAIDescriber
from film.errors import FilmError
from film.imaging.picture import Picture
from film.tasks import SOURCES

HEAVY = {"transformers", "openai", "timm", "sentence_transformers"}
PLACES = [(task, side) for task in SOURCES for side in "ab"]


def describers() -> list[type[Describer]]:
    """Every concrete describer of the package, and one outside it."""
    found = [MyDescriber]
    for module in pkgutil.walk_packages(film.describers.__path__, "film.describers."):
        members = inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        found += [
            member
            for _, member in members
            if issubclass(member, Describer) and member.__module__ == module.name and not inspect.isabstract(member)
        ]
    return found


@pytest.fixture(scope="module", params=describers(), ids=lambda kind: kind.__name__)
def describer(request: pytest.FixtureRequest) -> Describer:
    """A small instance; building models for it takes seconds, so all tests share one."""
    made = request.param.tiny()
    return served(made) if isinstance(made, OpenAIDescriber) else made


def served(describer: OpenAIDescriber) -> OpenAIDescriber:
    """Give it a server that always says the same; what it makes of real ones is in its own tests."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        message = {"role": "assistant", "content": "A bright spot."}
        usage = {"prompt_tokens": 300, "completion_tokens": 9, "total_tokens": 309}
        choices = [{"index": 0, "finish_reason": "stop", "message": message}]
        body = {"id": "x", "object": "chat.completion", "model": "tiny", "choices": choices, "usage": usage}
        return httpx2.Response(200, json=body)

    describer._server = dataclasses.replace(describer._server, transport=httpx2.MockTransport(answer))
    return describer


def picture(seed: int, *, size: tuple[int, int] = (48, 64), colour: bool = True) -> Picture:
    """Soft noise with a bright spot."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 200, (6, 8, 3) if colour else (6, 8), dtype=np.uint8)
    pixels = coarse.repeat(-(-size[0] // 6), 0).repeat(-(-size[1] // 8), 1)[: size[0], : size[1]].copy()
    pixels[5:15, 10:25] = 250
    return Picture(pixels)


def run(describer: Describer, *subjects: Subject) -> dict[str, Description]:
    """Texts by name; every subject must have one."""
    outcomes = list(describer.describe(iter(subjects)))
    assert sorted(subject.name for subject, _ in outcomes) == sorted(subject.name for subject in subjects)
    assert all(isinstance(outcome, Description) for _, outcome in outcomes), outcomes
    return {subject.name: outcome for subject, outcome in outcomes if isinstance(outcome, Description)}


def test_images_become_paragraphs_with_json_details(describer: Describer) -> None:
    described = run(describer, Subject("x", picture(1)), Subject("y", picture(2, size=(64, 48), colour=False)))
    for description in described.values():
        assert description.text.strip()
        assert "\n" not in description.text
        json.dumps(dict(description.details), allow_nan=False)


def test_every_source_of_every_task_is_described(describer: Describer) -> None:
    pictures = {"a": picture(1, colour=False), "b": picture(2)}
    alone = [Subject(f"{task}{side}", pictures[side], task=task, side=side) for task, side in PLACES]
    pairs = [
        Subject(f"{task}{side}2", pictures[side], task=task, side=side, partner=pictures["ba"["ab".index(side)]])
        for task, side in PLACES
    ]
    assert len(run(describer, *alone, *pairs)) == 16


def test_subjects_come_back_themselves(describer: Describer) -> None:
    subjects = [Subject(str(number), picture(number)) for number in range(3)]
    returned = [subject for subject, _ in describer.describe(iter(subjects))]
    assert {id(subject) for subject in returned} == {id(subject) for subject in subjects}


def test_the_same_image_gets_the_same_words(describer: Describer) -> None:
    first, second = (run(describer, Subject("x", picture(1)))["x"].text for _ in range(2))
    assert first == second


def test_images_are_left_alone(describer: Describer) -> None:
    subject = Subject("x", picture(1), task="IVF", side="a", partner=picture(2))
    run(describer, subject)
    assert np.array_equal(subject.picture.pixels, picture(1).pixels)
    assert subject.partner is not None
    assert np.array_equal(subject.partner.pixels, picture(2).pixels)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((32, 40), np.uint8),
        np.full((32, 40, 3), 65535, np.uint16),
        np.random.default_rng(0).random((33, 47, 3), np.float32),
        np.random.default_rng(0).integers(0, 255, (16, 400), dtype=np.uint8),
        np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8),
    ],
    ids=["black", "white 16 bit", "float", "long", "smallest"],
)
def test_odd_images(describer: Describer, pixels: np.ndarray) -> None:
    assert run(describer, Subject("x", Picture(pixels)))["x"].text


def test_identity_is_json_and_stable(describer: Describer) -> None:
    before = json.dumps(describer.identity(), sort_keys=True, allow_nan=False)
    run(describer, Subject("x", picture(1)))
    assert json.dumps(describer.identity(), sort_keys=True, allow_nan=False) == before
    assert json.loads(before) == describer.identity()  # comes back from a record as it went in
    assert describer.identity() != {}


def test_no_image_no_text(describer: Describer) -> None:
    assert list(describer.describe(iter(()))) == []


def test_images_are_drawn_when_they_are_needed(describer: Describer) -> None:
    """Of a hundred thousand images, only some are in memory when the first text is there."""
    drawn = 0

    def subjects() -> Iterator[Subject]:
        nonlocal drawn
        for number in range(300):
            drawn += 1
            yield Subject(str(number), picture(number % 3, size=(16, 16)))

    outcomes: Iterator[Outcome] = iter(describer.describe(subjects()))
    assert drawn == 0
    next(outcomes)
    assert 0 < drawn < 300
    if hasattr(outcomes, "close"):
        outcomes.close()  # stops in the middle without complaint


def test_an_image_that_cannot_be_read_ends_the_run_with_its_own_error(describer: Describer) -> None:
    """What goes wrong while subjects are drawn is the business of whoever gives them: it comes out as it is."""

    def subjects() -> Iterator[Subject]:
        yield Subject("x", picture(1))
        raise FilmError("the disk is gone")

    with pytest.raises(FilmError, match="the disk is gone"):
        list(describer.describe(subjects()))


def test_estimate_is_a_line_or_nothing(describer: Describer) -> None:
    line = describer.estimate(Subject(str(number), picture(number)) for number in range(3))
    assert line is None or (line.strip() and "\n" not in line)


def test_configs_name_every_describer(describer: Describer) -> None:
    from film.config import CONFIGS, compose

    files = sorted((CONFIGS / "describer").glob("*.yaml"))
    named = [compose([file])["describer"]["class_path"] for file in files]
    kind = type(describer)
    if kind is not MyDescriber:
        module = kind.__module__
        assert any(path.rpartition(".")[0] in (module, module.rpartition(".")[0]) for path in named)
    built = [build(compose([file])["describer"], Describer, name="describer") for file in files]
    assert all(isinstance(found, Describer) for found in built)


def test_importing_and_building_loads_nothing_heavy() -> None:
    code = """
import importlib, pkgutil, sys
import film.describers
for found in pkgutil.walk_packages(film.describers.__path__, "film.describers."):
    importlib.import_module(found.name)
from film.config import CONFIGS
from film.words import load_describer
for file in (CONFIGS / "describer").glob("*.yaml"):
    load_describer(file.stem)
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())
