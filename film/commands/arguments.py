"""What the parsers of all subcommands share: an error is one line, and long options aren't abbreviated."""

import argparse
import shutil
import textwrap
from typing import NoReturn

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


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=30, width=_width())


def _width() -> int:
    return min(shutil.get_terminal_size().columns, 120) - 2
