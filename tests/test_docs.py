"""The documents are true: their commands and code run, their links lead somewhere. CONTRIBUTING.md says how."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from film.samples import pairs
from film.tasks import SOURCES

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]
LEFT_OUT = re.compile(r"<!-- not run: \S.* -->\n$")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"# (\S+\.\w+)\n")


class Block(NamedTuple):
    """One fenced block of a document."""

    language: str
    text: str
    line: int


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a document that are to be run, in order."""
    for match in BLOCK.finditer(text):
        if not LEFT_OUT.search(text[: match.start()]):
            yield Block(match[1], match[2], text.count("\n", 0, match.start()) + 1)


def film_commands(text: str) -> list[str]:
    """The lines that begin with `film`, those continued by a backslash joined."""
    lines = text.replace("\\\n", " ").splitlines()
    return [line for line in (line.removeprefix("$ ").strip() for line in lines) if line.startswith("film ")]


def run(command: list[str], folder: Path, where: str) -> None:
    """Run as a reader would who has just activated the environment, in the folder of his files."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{where}: {done.stdout}{done.stderr}"


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """An empty folder with one sample pair of each task, as two images and as two folders."""
    for task, sources in SOURCES.items():
        pair = next(pair for pair in pairs() if pair.task == task)
        for source, file in zip(sources, (pair.a, pair.b), strict=True):
            name = source.lower()
            (tmp_path / name).mkdir()
            shutil.copy(file, tmp_path / name)
            shutil.copy(file, tmp_path / f"{name}{file.suffix}")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_code_run(document: Path, workplace: Path) -> None:
    for block in blocks(document.read_text()):
        where = f"{document.name}:{block.line}"
        if block.language == "bash":
            for command in film_commands(block.text):
                run(["bash", "-euo", "pipefail", "-c", command], workplace, where)
        elif name := FILE_NAME.match(block.text):
            (workplace / name[1]).write_text(block.text)
        elif block.language == "python":
            run([sys.executable, "-c", block.text], workplace, where)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    text = BLOCK.sub("", document.read_text())
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)|(?:src|href)=\"([^\"#]+)\"", text)
    local = [link for pair in targets for link in pair if link and "://" not in link]
    assert [link for link in local if not (document.parent / link).exists()] == []


def test_the_reader_of_documents_sees_what_is_to_run() -> None:
    text = "```bash\nmake\n$ film a \\\n  b\n```\n<!-- not run: why -->\n```bash\nfilm c\n```\n```python\n1\n```\n"
    found = list(blocks(text))
    assert [(block.language, block.line) for block in found] == [("bash", 1), ("python", 10)]
    assert [command.split() for command in film_commands(found[0].text)] == [["film", "a", "b"]]
