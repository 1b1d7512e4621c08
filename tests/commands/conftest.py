"""Small pairs on disk, and a model file that fuses them in milliseconds."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from film.checkpoint import Model, build_network, save_model
from film.cli import main

TINY = {
    "class_path": "film.network.FusionNetwork",
    "init_args": {
        "image_encoder": {"class_path": "film.image_encoders.conv.ConvEncoder", "init_args": {"channels": 4}},
        "text_encoder": {"class_path": "film.text_encoders.precomputed.PrecomputedText", "init_args": {"dim": 8}},
        "fusion": {"class_path": "film.fusion.modulation.ModulationStage", "init_args": {"hidden": 4}},
        "decoder": {"class_path": "film.decoders.conv.BlendDecoder"},
        "stages": 1,
    },
}


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a few weights that reads text features 8 wide."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_model(Model("tiny", build_network(TINY).eval(), TINY), path)
    return path


@pytest.fixture
def write() -> Callable[..., Path]:
    """Write a random image; grey, or RGB."""
    rng = np.random.default_rng(0)

    def write(path: Path, *, size: tuple[int, int] = (24, 20), grey: bool = False) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (size[1], size[0]) if grey else (size[1], size[0], 3)
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(path)
        return path

    return write


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Path]) -> Path:
    """The working folder, with a grey `ir.png` and a colour `vi.png` of the same size."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "ir.png", grey=True)
    write(tmp_path / "vi.png")
    return tmp_path


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Path]) -> Path:
    """The working folder, with `a/{x,y,z}.png` and `b/{x,y,z}.jpg`."""
    monkeypatch.chdir(tmp_path)
    for stem in "xyz":
        write(tmp_path / f"a/{stem}.png", grey=True)
        write(tmp_path / f"b/{stem}.jpg")
    return tmp_path


@pytest.fixture
def film(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command line; gives exit code, stdout and stderr."""

    def film(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return film


@pytest.fixture
def fuse(film: Callable[..., tuple[int, str, str]], model_file: Path) -> Callable[..., tuple[int, str, str]]:
    """Run `film fuse` with the small model."""
    return lambda *arguments: film("fuse", "--model", model_file, "--device", "cpu", *arguments)
