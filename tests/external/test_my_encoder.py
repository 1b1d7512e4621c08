"""A component outside the package, named by its class path in a YAML, works like one inside."""

import sys
from pathlib import Path

import pytest
import torch
from my_encoder import MyEncoder

from film.checkpoint import Model, build_network, load_model, save_model
from film.config import compose
from film.errors import FilmError

FOLDER = Path(__file__).parent


@pytest.fixture
def config() -> dict:
    return compose([FOLDER / "my_network.yaml"])["model"]["network"]


def test_the_network_is_built_with_it(config: dict) -> None:
    network = build_network(config).eval()
    encoder = network.image_encoders[0]
    assert isinstance(encoder, MyEncoder)
    assert encoder.body[2].dilation == (3, 3)  # the argument of the YAML arrived
    fused = network(torch.rand(1, 1, 17, 23), torch.rand(1, 1, 17, 23))
    assert fused.shape == (1, 1, 17, 23)


def test_a_model_file_with_it_comes_back(config: dict, tmp_path: Path) -> None:
    network = build_network(config).eval()
    a, b = torch.rand(2, 1, 1, 17, 23)
    save_model(Model("mine", network, config), tmp_path / "mine.safetensors")
    assert torch.equal(load_model(tmp_path / "mine.safetensors").network(a, b), network(a, b))


def test_a_file_cannot_have_it_imported(config: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    """A config may come from a stranger: it names only what its user imported."""
    monkeypatch.delitem(sys.modules, "my_encoder")
    with pytest.raises(FilmError, match=r"my_encoder\.MyEncoder.*imported first"):
        build_network(config)
    assert "my_encoder" not in sys.modules


@pytest.mark.parametrize("name", ["my_encoder.py", "my_network.yaml"])
def test_contributing_shows_these_very_files(root: Path, name: str) -> None:
    language = {".py": "python", ".yaml": "yaml"}[Path(name).suffix]
    block = f"```{language}\n# {name}\n{(FOLDER / name).read_text()}```"
    assert block in (root / "CONTRIBUTING.md").read_text()
