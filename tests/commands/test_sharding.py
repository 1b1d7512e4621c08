"""Several processes that share the work: every name is done once, whoever asks and wherever."""

import subprocess
import sys

import pytest

from film.commands.sharding import Shard, find_shard
from film.errors import FilmError

NAMES = [f"{index:05d}N.png" for index in range(4000)]


def test_without_anything_one_process_does_everything() -> None:
    assert find_shard(None, {}) == Shard(0, 1)
    assert all(Shard().holds(name) for name in NAMES)


@pytest.mark.parametrize("count", [2, 3, 8])
def test_every_name_lies_in_one_part_and_the_parts_are_about_equal(count: int) -> None:
    parts = [{name for name in NAMES if find_shard(f"{index}/{count}", {}).holds(name)} for index in range(count)]
    assert sum(map(len, parts)) == len(set().union(*parts)) == len(NAMES)
    assert max(map(len, parts)) - min(map(len, parts)) < 0.2 * len(NAMES) / count


def test_parts_are_the_same_in_every_process() -> None:
    """Python's own hash of a string isn't."""
    code = "from film.commands.sharding import Shard; print([n for n in map(str, range(50)) if Shard(1, 3).holds(n)])"
    outputs = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env).stdout
        for env in ({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2"})
    }
    assert outputs == {f"{[name for name in map(str, range(50)) if Shard(1, 3).holds(name)]}\n"}


def array(task: int, count: int, **others: int) -> dict[str, str]:
    values = {"ID": task, "COUNT": count, "MIN": 0, "STEP": 1} | {key.upper(): value for key, value in others.items()}
    return {f"SLURM_ARRAY_TASK_{key}": str(value) for key, value in values.items()}


@pytest.mark.parametrize(
    ("environment", "shard"),
    [
        (array(0, 8), (0, 8)),
        (array(7, 8), (7, 8)),
        (array(1, 8, min=1), (0, 8)),
        (array(8, 8, min=1), (7, 8)),
        (array(10, 3, min=4, step=6), (1, 3)),
        ({"SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "4"}, (2, 4)),
        ({"RANK": "3", "WORLD_SIZE": "4"}, (3, 4)),
        (array(2, 5, min=1) | {"RANK": "1", "WORLD_SIZE": "4"}, (5, 20)),
        ({"RANK": "3"}, (0, 1)),
    ],
)
def test_places_in_a_cluster(environment: dict[str, str], shard: tuple[int, int]) -> None:
    assert find_shard(None, environment) == Shard(*shard)


def test_what_is_asked_for_stands_above_the_array_and_is_shared_by_the_ranks() -> None:
    assert find_shard("0/1", array(2, 5)) == Shard(0, 1)
    assert find_shard("1/2", array(2, 5) | {"RANK": "0", "WORLD_SIZE": "3"}) == Shard(3, 6)


def test_ranks_of_all_array_tasks_together_do_everything_once() -> None:
    places = {
        find_shard(None, array(task, 3, min=1) | {"RANK": str(rank), "WORLD_SIZE": "2"})
        for task in (1, 2, 3)
        for rank in (0, 1)
    }
    assert places == {Shard(index, 6) for index in range(6)}


@pytest.mark.parametrize("asked", ["4/4", "1", "a/b", "-1/4", "0/0", "", "1/2/3", "1.5/2"])
def test_what_is_no_part(asked: str) -> None:
    with pytest.raises(FilmError, match=r"--shard '.*' isn't i/n .* the first of four is 0/4"):
        find_shard(asked, {})


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (array(7, 3), "SLURM_ARRAY_TASK_ID 7 is no place among 3 tasks"),
        (array(5, 3, min=4, step=6), "SLURM_ARRAY_TASK_ID 5 is no place among 3 tasks"),
        ({"SLURM_ARRAY_TASK_ID": "1"}, "no place among 0 tasks"),
        ({"RANK": "4", "WORLD_SIZE": "4"}, "RANK 4 is not below WORLD_SIZE 4"),
        ({"RANK": "one", "WORLD_SIZE": "4"}, "RANK is 'one' instead of a number"),
    ],
)
def test_places_that_make_no_sense(environment: dict[str, str], message: str) -> None:
    with pytest.raises(FilmError, match=message):
        find_shard(None, environment)
