"""What benchmarks on a few test pairs share: their options, and which pairs they take."""

import argparse
import os
from pathlib import Path

from film.commands.evaluation.cases import find_set, spread

SETS = ("IVF/MSRS", "IVF/RoadScene", "MIF/Harvard")
"""Sets of tasks with instructions of their own."""


def options_of(about: str | None, *, pairs: int) -> argparse.Namespace:
    """Read `data`, `model` and `pairs` from the command line.

    Args:
        about: What `--help` says.
        pairs: How many pairs of each set are taken by default.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("FILM_DATA"), help="default: FILM_DATA")
    parser.add_argument("--model", default="film-small", metavar="NAME|FILE")
    parser.add_argument("--pairs", type=int, default=pairs, help="of each set, spread over all of them")
    options = parser.parse_args()
    if options.data is None:
        parser.error("set FILM_DATA, or give --data, to the folder that holds VLFDataset")
    return options


def pairs_of(options: argparse.Namespace, name: str) -> list[tuple[Path, Path]]:
    """Files of A and B of some test pairs of a set."""
    return spread(list(find_set(Path(options.data), name, "test").values()), options.pairs)
