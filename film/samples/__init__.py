"""Small image pairs of all four tasks that ship with the package; `README.md` beside them names their sources."""

from pathlib import Path
from typing import NamedTuple

from film.tasks import SOURCES

FOLDER = Path(__file__).parent


class SamplePair(NamedTuple):
    """Where a sample lies.

    Attributes:
        task: IVF, MIF, MEF or MFF.
        a: Image file of source A.
        b: Image file of source B, of the same name and size.
    """

    task: str
    a: Path
    b: Path


def pairs() -> list[SamplePair]:
    """List the sample pairs, task by task and by name."""
    return [
        SamplePair(task, path, FOLDER / task / second / path.name)
        for task, (first, second) in SOURCES.items()
        for path in sorted((FOLDER / task / first).glob("*.png"))
    ]
