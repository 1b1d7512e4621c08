"""What `pip install` brings: configs, models and samples, and a command that works from any folder."""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def files_below(folder: Path) -> set[str]:
    """Relative paths of all files but compiled ones."""
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix() for path in files}


def test_the_wheel_holds_the_package_and_its_configs_and_nothing_else(wheel: Path, root: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {f"film/{name}" for name in files_below(root / "film")}
    expected |= {f"film/configs/{name}" for name in files_below(root / "configs")}
    assert {name for name in names if ".dist-info/" not in name} == expected
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < 20e6


def test_the_wheel_fuses_far_from_the_checkout(wheel: Path, root: Path, tmp_path: Path) -> None:
    """The files of the wheel alone: samples, embedded model and configs are found from an empty folder."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = "import film; from film.config import CONFIGS; print(film.__file__, CONFIGS)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}

    def python(*arguments: str) -> str:
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert all(path.startswith(str(tmp_path)) for path in python("-c", code).split())
    sample = tmp_path / "site" / "film" / "samples" / "IVF"
    python("-m", "film", "fuse", str(sample / "IR"), str(sample / "VI"), "--task", "IVF", "--output", "fused")
    assert len(list((tmp_path / "fused").iterdir())) == len(list((sample / "IR").iterdir()))


def test_the_command_is_installed() -> None:
    (script,) = entry_points(group="console_scripts", name="film")
    assert callable(script.load())
    command = shutil.which("film", path=str(Path(sys.executable).parent))
    assert command, "no film beside this python; run `pip install --editable .`"
    done = subprocess.run([command, "--help"], capture_output=True, text=True, check=True)
    assert "fuse" in done.stdout
