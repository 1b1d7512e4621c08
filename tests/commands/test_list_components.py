"""`film list` shows every component, and what is missing where one can't be imported."""

import importlib.metadata
import re
from collections.abc import Callable

import pytest

from film.commands import list_components
from film.weights import shipped_models

Run = Callable[..., tuple[int, str, str]]


def test_components_and_models(film: Run) -> None:
    code, out, err = film("list")
    assert (code, err) == (0, "")
    lines = [line.strip() for line in out.splitlines()]
    for class_path, text in {
        "film.image_encoders.restormer.RestormerEncoder": "A 3x3 convolution, PReLU and a Restormer block",
        "film.text_encoders.minilm.MiniLM": "Frozen all-MiniLM-L6-v2",
        "film.fusion.film.FilmStage": "One level of the released network",
        "film.decoders.conv.BlendDecoder": "Blends the sources themselves",
    }.items():
        assert lines[lines.index(class_path) + 1].startswith(text)
    assert not any(re.match(r"film\.\w+\.base\.", line) for line in lines)  # contracts are no components
    assert set(shipped_models()) <= set(lines)
    assert "film-small" in lines


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch, film: Run) -> None:
    requirements = ["torch>=2.4", "timm>=1.0; extra == 'dev'", 'timm>=1.0; extra == "timm"', "pyyaml"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: requirements)
    real = list_components.importlib.import_module

    def import_module(name: str) -> object:
        if name == "film.image_encoders.conv":
            raise ModuleNotFoundError("No module named 'timm'", name="timm")
        if name == "film.image_encoders.restormer":
            raise ModuleNotFoundError("No module named 'other'", name="other")
        return real(name)

    monkeypatch.setattr(list_components.importlib, "import_module", import_module)
    code, out, _ = film("list")
    assert code == 0
    assert (
        "film.image_encoders.conv\n      not available: needs timm, which comes with pip install 'film-fusion[timm]'"
        in out
    )
    assert "film.image_encoders.restormer\n      not available: needs other, which isn't installed" in out


def test_it_takes_no_arguments(film: Run) -> None:
    code, _, err = film("list", "decoders")
    assert code == 2
    assert err.startswith("film list: error: unrecognized arguments: decoders")
