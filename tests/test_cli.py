"""The command line as a user meets it."""

import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import film
from film import cli
from film.errors import FilmError


def run(*arguments: str, python: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *python, "-m", "film", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], []])
def test_help_names_every_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 0
    out = capsys.readouterr().out
    for name, (_, text) in cli.COMMANDS.items():
        assert f"  {name} " in out
        assert text in out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"film {film.__version__}\n"


def test_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fsue", "a", "b"]) == 2
    assert capsys.readouterr().err == f"film: error: unknown command 'fsue'; choose from {', '.join(cli.COMMANDS)}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["fuse", "--help"], ["list", "--help"], ["import", "--help"]])
def test_help_does_not_import_torch(arguments: list[str]) -> None:
    done = run(*arguments, python=("-X", "importtime"))
    assert done.returncode == 0
    assert done.stdout.startswith("usage: film")
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "film.cli" in imported
    assert not {"torch", "transformers", "lightning", "kornia"} & imported


def test_bad_input_is_found_without_importing_torch(tmp_path: Path) -> None:
    done = run("fuse", str(tmp_path / "a.png"), str(tmp_path / "b.png"), python=("-X", "importtime"))
    assert done.returncode == 2
    assert not any(line.rpartition("|")[2].strip() == "torch" for line in done.stderr.splitlines())


def test_help_shows_examples() -> None:
    out = run("fuse", "--help").stdout
    assert "examples:\n  film fuse ir.png vi.png --task IVF" in out
    for option in ("--output", "--task", "--text-a", "--model", "--device", "--precision", "--compare", "--tile"):
        assert option in out


def fails(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    def main(arguments: list[str]) -> int:
        raise error

    monkeypatch.setattr("film.commands.import_model.main", main)
    return cli.main(["import"])


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (FilmError("two\n  lines"), 2, "film import: error: two lines"),
        (FileNotFoundError(2, "No such file", "x.png"), 2, "film import: error: x.png: No such file"),
        (KeyboardInterrupt(), 130, "film import: error: interrupted"),
    ],
)
def test_errors_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, line: str
) -> None:
    assert fails(monkeypatch, error) == code
    assert capsys.readouterr().err == f"{line}\n"


def test_a_mistake_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        fails(monkeypatch, ZeroDivisionError())


def test_logs_are_plain_and_warnings_of_libraries_stay_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def main(arguments: list[str]) -> int:
        log = logging.getLogger("film.somewhere")
        log.debug("not shown")
        log.info("fusing %d", 3)
        log.warning("careful")
        warnings.warn("some library", FutureWarning, stacklevel=1)
        return 0

    monkeypatch.setattr("film.commands.import_model.main", main)
    handlers = list(logging.getLogger("film").handlers)
    assert cli.main(["import"]) == 0
    assert capsys.readouterr().err == "fusing 3\nwarning: careful\n"
    assert logging.getLogger("film").handlers == handlers


def test_a_file_name_that_cannot_be_printed(tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")
    (tmp_path / "a.png").write_bytes(b"")
    done = run("fuse", str(tmp_path / "a.png"), name)
    assert done.returncode == 2
    assert "\\udcff.png doesn't exist" in done.stderr


def test_a_real_run_says_what_it_should_and_no_more(tmp_path: Path) -> None:
    from PIL import Image

    a = os.fsdecode(os.fsencode(tmp_path) + b"/a\xff.png")  # not UTF-8
    Image.new("L", (40, 30), 90).save(a, "PNG")
    Image.new("RGB", (40, 30), (200, 120, 40)).save(tmp_path / "b.png")
    done = run("fuse", a, str(tmp_path / "b.png"), "--output", str(tmp_path / "out.png"), "--device", "cpu")
    assert done.returncode == 0
    assert "a\\udcff.png + " in done.stdout
    assert len(done.stdout.splitlines()) == 1
    neutral, model = done.stderr.splitlines()
    assert neutral.startswith("no task given: using the neutral sentence")
    assert model == "fusing with film-small on cpu"
    assert (tmp_path / "out.png").is_file()
