"""Components from class paths, and describers from names and files: what is built and what is refused."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from film.components import build
from film.config import CONFIGS
from film.describers.base import Describer, Description, Outcome, Subject
from film.errors import FilmError
from film.words import load_describer


class Part(ABC):
    """Something a describer is made of."""

    @abstractmethod
    def word(self) -> str:
        """One word."""


class Loud(Part):
    """A part with an argument."""

    def __init__(self, times: int = 1) -> None:
        self.times = times

    def word(self) -> str:
        return "loud" * self.times


class Parrot(Describer):
    """Says the same of every image."""

    def __init__(self, text: str = "a picture", *, part: Part | None = None, options: dict[str, int] | None = None):
        self.text, self.part, self.options = text, part, options

    def identity(self) -> dict[str, Any]:
        return {"text": self.text}

    def describe(self, subjects: Iterable[Subject]) -> Iterator[Outcome]:
        for subject in subjects:
            yield subject, Description(self.text)


def parrot(**arguments: Any) -> Any:
    return build({"class_path": f"{__name__}.Parrot", "init_args": arguments}, Describer, name="describer")


def part(**arguments: Any) -> dict[str, Any]:
    return {"class_path": f"{__name__}.Loud", "init_args": arguments}


def test_parts_are_built_where_the_type_is_a_component() -> None:
    built = parrot(text="hello", part=part(times=2))
    assert (built.text, built.part.word()) == ("hello", "loudloud")
    assert parrot(part=None).part is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"texts": "hi"}, r"Parrot has no argument 'texts'; it has text, part, options"),
        ({"part": part(volume=3)}, r"Loud has no argument 'volume'; it has times"),
        ({"part": {"class_path": "subprocess.Popen"}}, r"'subprocess.Popen' is not a Part"),
        ({"part": {"class_path": f"{__name__}.Parrot"}}, "is not a Part"),
        ({"part": "os.system"}, "a component is a class_path"),
        ({"text": {"class_path": "subprocess.Popen"}}, "argument 'text' cannot be a component"),
        ({"options": {"a": {"class_path": "x"}}}, "argument 'options' cannot be a component"),
        ({"part": part(times="many")}, "the describer cannot be built: .*times"),
    ],
)
def test_what_is_no_component_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(FilmError, match=message):
        parrot(**arguments)


@pytest.mark.parametrize("name", sorted(path.stem for path in (CONFIGS / "describer").glob("*.yaml")))
def test_every_describer_that_comes_with_film_is_built_by_its_name(name: str) -> None:
    assert isinstance(load_describer(name), Describer)


def test_a_describer_of_ones_own_with_other_arguments(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        f"describer:\n  class_path: {__name__}.Parrot\n  init_args: {{text: hi, options: {{a: 1, b: 2}}}}\n"
    )
    described = load_describer(file, {"text": "ho", "options": {"b": 3}})
    assert isinstance(described, Parrot)
    assert (described.text, described.options) == ("ho", {"a": 1, "b": 3})
    assert load_describer(str(file)).identity() == {"text": "hi"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("statistic", None, "no describer 'statistic'; choose from .*statistics"),
        ("gone.yaml", None, "no config file"),
        ("mine.yaml", "model: 3", "has no describer"),
        ("mine.yaml", "describer: {class_path: nowhere.Describer}", "'nowhere.Describer' is not a Describer"),
    ],
)
def test_describers_that_there_are_not(tmp_path: Path, name: str, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(FilmError, match=message):
        load_describer(name if content is None else tmp_path / name)
