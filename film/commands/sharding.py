"""Which part of the work this process does, when several share it: by hash of the name, so nobody has to talk.

Shards come from `--shard i/n`, from the array of a Slurm job, and from the ranks of torchrun. Their results are files
of different names, so merging is putting them into one folder.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from film.data.splits import stable_number
from film.errors import FilmError

SHARD_HELP = (
    "do the i-th of n parts, i from 0 to n - 1; default: the place in a Slurm job array, and under torchrun the rank "
    "divides further; 0/1: everything"
)
_ARRAY = ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP")


@dataclass(frozen=True)
class Shard:
    """One of `count` parts that together are the whole; each name lies in exactly one, on every machine.

    Attributes:
        index: Which part, from 0 to count - 1.
        count: Number of parts.
    """

    index: int = 0
    count: int = 1

    def holds(self, name: str) -> bool:
        """Whether a name lies in this part."""
        return stable_number("shard", name) % self.count == self.index

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def find_shard(asked: str | None, environment: Mapping[str, str] = os.environ) -> Shard:
    """Decide what this process does.

    Args:
        asked: `i/n` with i from 0 to n - 1, in place of the Slurm array; None if nothing was asked for.
        environment: Where `SLURM_ARRAY_TASK_ID` and torchrun's `RANK` with `WORLD_SIZE` are looked up.

    Returns:
        The part; the whole, 0/1, where nothing says otherwise. torchrun divides every part further, as its processes
        would do the same work twice otherwise.

    Raises:
        FilmError: Something isn't a place among n.
    """
    outer = _parse(asked) if asked is not None else _of_array(environment)
    inner = _of_ranks(environment)
    return Shard(outer.index * inner.count + inner.index, outer.count * inner.count)


def _parse(text: str) -> Shard:
    match = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", text)
    if not match or int(match[1]) >= int(match[2]):
        raise FilmError(f"--shard {text!r} isn't i/n with i from 0 to n - 1; the first of four is 0/4, the last 3/4")
    return Shard(int(match[1]), int(match[2]))


def _of_array(environment: Mapping[str, str]) -> Shard:
    """Part by a Slurm job array, `--array=0-7`, `1-8` or with a step alike."""
    if "SLURM_ARRAY_TASK_ID" not in environment:
        return Shard()
    task, count, first, step = (_number(environment, name) or 0 for name in _ARRAY)
    index, rest = divmod(task - first, step or 1)
    if rest or not 0 <= index < count:
        raise FilmError(
            f"SLURM_ARRAY_TASK_ID {task} is no place among {count} tasks without gaps; "
            "take an array without gaps, such as --array=0-7, or say --shard i/n"
        )
    return Shard(index, count)


def _of_ranks(environment: Mapping[str, str]) -> Shard:
    """Part by the rank that torchrun gives each process."""
    rank, count = _number(environment, "RANK"), _number(environment, "WORLD_SIZE")
    if rank is None or count is None:
        return Shard()
    if not 0 <= rank < count:
        raise FilmError(f"RANK {rank} is not below WORLD_SIZE {count}; unset both, or start with torchrun")
    return Shard(rank, count)


def _number(environment: Mapping[str, str], name: str) -> int | None:
    value = environment.get(name)
    if value is None:
        return None
    if not value.strip().isdecimal():
        raise FilmError(f"the environment variable {name} is {value!r} instead of a number; unset it")
    return int(value)
