"""What the parsers of all subcommands share: an error is one line, and long options aren't abbreviated."""

import argparse
import importlib
import shutil
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from film.errors import FilmError


class CommandParser(argparse.ArgumentParser):
    """An argument parser that raises what is wrong instead of printing the whole usage.

    Args:
        prog: The command as it is typed, `film fuse`.
        description: What it does.
        epilog: Examples, shown as they are written.
    """

    def __init__(self, prog: str, description: str, *, epilog: str = "") -> None:
        description = textwrap.fill(description, _width())
        super().__init__(prog, description=description, epilog=epilog, allow_abbrev=False, formatter_class=_formatter)

    def error(self, message: str) -> NoReturn:
        """Raise FilmError; the command line prints it as one line."""
        raise FilmError(f"{message} (see {self.prog} --help)")


def add_components(group: Any) -> None:
    """Add `--components` to a parser or a group of it."""
    group.add_argument(
        "--components",
        action="append",
        default=[],
        metavar="MODULE",
        help="your own Python module with components that a model or config names; repeatable",
    )


def import_components(modules: Iterable[str]) -> None:
    """Import the user's own modules, from the working folder too.

    Raises:
        FilmError: There is no such module, or it can't be imported.
    """
    for module in modules:
        sys.path.insert(0, str(Path.cwd()))  # the script `film` looks beside itself, its user here
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise FilmError(
                f"--components {module}: {error}; name a Python module of this folder, or an installed one"
            ) from error


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=30, width=_width())


def _width() -> int:
    return min(shutil.get_terminal_size().columns, 120) - 2
