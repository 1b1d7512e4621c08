"""`film import` turns a released checkpoint into a model file."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from film.checkpoint import load_model

Run = Callable[..., tuple[int, str, str]]


def test_a_released_checkpoint(film: Run, golden: Path, tmp_path: Path) -> None:
    target = tmp_path / "film-ivf.safetensors"
    code, out, _ = film("import", golden / "film_random.pth", target)
    assert code == 0
    assert out.endswith("film-ivf.safetensors: 2,070,235 parameters\n")
    before, after = (load_model(path).network.state_dict() for path in (golden / "film_random.pth", target))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("gone.pth x.safetensors", "gone.pth doesn't exist"),
        ("code.pth x.safetensors", "code.pth holds pickled code"),
        ("code.pth x.pth", "can't write x.pth: a model file ends in .safetensors"),
        ("code.pth gone/x.safetensors", "can't write gone/x.safetensors: there is no folder gone"),
        ("own.safetensors own.safetensors", "own.safetensors would replace the source"),
        ("code.pth", "required: TARGET"),
    ],
)
def test_bad_input(film: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"model": print}, "code.pth")
    Path("own.safetensors").write_bytes(b"weights")
    code, out, err = film("import", *arguments.split())
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("film import: error: ")
    assert message in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["code.pth", "own.safetensors"]
