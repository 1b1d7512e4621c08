"""The command `film`: finds the subcommand, and says in one line what the user can mend."""

import importlib
import io
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from film import __version__
from film.errors import FilmError

COMMANDS = {  # module[:function] and one line of help; imported when called, as torch takes seconds
    "fuse": ("film.commands.fuse", "fuse a pair of images, or two folders of pairs"),
    "evaluate": ("film.commands.evaluate", "measure fused images beside trivial baselines, as tables and a report"),
    "describe": ("film.commands.describe", "write a paragraph about each image, for text-guided fusion"),
    "texts": ("film.commands.texts", "check the texts of a data set"),
    "encode": ("film.commands.encode", "turn texts into features once, so that training needs no language model"),
    "list": ("film.commands.list_components", "show the components of networks, and the models that ship"),
    "import": ("film.commands.import_model", "convert a released FILM checkpoint into a model file"),
    "fit": ("film.commands.train:fit", "train, or continue a run"),
    "validate": ("film.commands.train:validate", "measure a run on its validation pairs"),
    "test": ("film.commands.train:test", "measure a run on its test pairs"),
    "predict": ("film.commands.train:predict", "fuse the test pairs of a run"),
    "data": ("film.commands.data", "check a data set, or prepare it for faster reading"),
    "export": ("film.commands.export", "make a model file from a run, for film fuse --model"),
}
_QUIET = {  # read by libraries that are imported later
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "OPENCV_LOG_LEVEL": "SILENT",
    "TOKENIZERS_PARALLELISM": "false",
    "TORCH_CPP_LOG_LEVEL": "ERROR",
    "TRANSFORMERS_VERBOSITY": "error",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: What follows `film`; None takes those of the process.

    Returns:
        0 if all went well, 1 if part of the work failed, 2 for bad input, 130 if interrupted.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names may hold anything
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name in ("-h", "--help"):
        print(_help())
        return 0
    if name == "--version":
        print(f"film {__version__}")
        return 0
    if name not in COMMANDS:
        return _fail("film", f"unknown command {name!r}; choose from {', '.join(COMMANDS)}")
    with _plain_terminal():
        try:
            module, _, function = COMMANDS[name][0].partition(":")
            return getattr(importlib.import_module(module), function or "main")(rest)
        except FilmError as error:
            return _fail(f"film {name}", str(error))
        except OSError as error:
            return _fail(f"film {name}", f"{error.filename or 'the system'}: {error.strerror or error}")
        except KeyboardInterrupt:
            _fail(f"film {name}", "interrupted")
            return 130


def _help() -> str:
    commands = "\n".join(f"  {name:8} {text}" for name, (_, text) in COMMANDS.items())
    return (
        "usage: film COMMAND …\n\n"
        "Text-guided image fusion: infrared + visible, medical, multi-exposure, multi-focus.\n\n"
        f"commands:\n{commands}\n\n"
        "`film COMMAND --help` explains one of them, `film --version` says which film this is."
    )


def _fail(command: str, message: str) -> int:
    print(f"{command}: error: {' '.join(message.split())}", file=sys.stderr)
    return 2


@contextmanager
def _plain_terminal() -> Iterator[None]:
    """Show what film logs as plain lines on stderr, and nothing of what its libraries have to say."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    log, handler = logging.getLogger("film"), logging.StreamHandler(sys.stderr)
    handler.setFormatter(_PlainFormatter())
    state = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        with warnings.catch_warnings():
            if not sys.warnoptions:  # python -W … is for those who look for something
                warnings.simplefilter("ignore")
            yield
    finally:
        log.removeHandler(handler)
        log.level, log.propagate = state


class _PlainFormatter(logging.Formatter):
    """The bare message; from a warning on with its level in front."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        return message if record.levelno < logging.WARNING else f"{record.levelname.lower()}: {message}"
