"""Composition of config files."""

import pytest

from film.config import CONFIGS, compose, merge
from film.errors import FilmError


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(name: str, text: str) -> None:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    return write


def test_mappings_merge_key_by_key():
    assert merge({"loss": {"a": 1, "b": 2}, "x": [1]}, {"loss": {"b": 3}, "x": [2]}) == {
        "loss": {"a": 1, "b": 3},
        "x": [2],
    }


def test_another_class_starts_afresh():
    old = {"class_path": "A", "init_args": {"width": 1}}
    assert merge(old, {"class_path": "B"}) == {"class_path": "B"}
    assert merge(old, {"class_path": "A", "init_args": {"depth": 2}})["init_args"] == {"width": 1, "depth": 2}
    assert merge(old, {"init_args": {"width": 3}}) == {"class_path": "A", "init_args": {"width": 3}}


def test_extends_is_relative_to_the_file_and_ordered(write):
    write("base/one.yaml", "a: 1\nb: 1\nc: 1\n")
    write("base/two.yaml", "extends: one.yaml\nb: 2\n")
    write("top.yaml", "extends: [base/two.yaml]\nc: 3\n")
    write("last.yaml", "a: 4\n")
    assert compose(["top.yaml", "last.yaml"]) == {"a": 4, "b": 2, "c": 3}


def test_configs_of_film_are_found_from_any_folder(write):
    write("mine.yaml", "extends: network/film.yaml\nmodel: {network: {init_args: {stages: 1}}}\n")
    arguments = compose(["mine.yaml"])["model"]["network"]["init_args"]
    assert arguments["stages"] == 1
    assert arguments["text_width"] == 256
    assert (CONFIGS / "network/film.yaml").is_file()


def test_interpolation_sees_overrides(write):
    write("run.yaml", "name: x\noutput: out/${name}\n")
    assert compose(["run.yaml"], {"name": "y"})["output"] == "out/y"


def test_interpolation_of_the_environment(write, monkeypatch):
    write("run.yaml", "root: ${oc.env:SOME_PLACE,data}\n")
    assert compose(["run.yaml"])["root"] == "data"
    monkeypatch.setenv("SOME_PLACE", "elsewhere")
    assert compose(["run.yaml"])["root"] == "elsewhere"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: {b: 1}\nc: ${a.b}\n", "only top-level keys"),
        ("a: [1\n", "not valid YAML"),
        ("- 1\n", "must hold a mapping"),
        ("extends: nowhere.yaml\n", r"no config file nowhere.yaml; film brings: .*network/film.yaml"),
        ("extends: bad.yaml\n", "extends itself"),
        ("a: ${b}\n", "b"),
    ],
)
def test_bad_files(write, text, message):
    write("bad.yaml", text)
    with pytest.raises(FilmError, match=message):
        compose(["bad.yaml"])
