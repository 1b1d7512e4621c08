"""Which pair belongs to training, validation and test: lists where there are any, else a hash of the name."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from film.errors import FilmError

Split = Literal["train", "val", "test", "all"]


def stable_number(*parts: object) -> int:
    """Hash anything that has a text form to 63 bits, the same on every machine and in every run."""
    return int.from_bytes(hashlib.sha256("\0".join(map(str, parts)).encode()).digest()[:8], "big") >> 1


def held_out(names: Sequence[str], share: float, *, seed: int, purpose: str) -> set[str]:
    """Choose a part of the names by their hash, so that no other name changes side when files are added.

    Args:
        names: All names.
        share: About how large the part is, in [0, 1).
        seed: Another seed chooses another part.
        purpose: Another purpose chooses another part.

    Returns:
        At least one name if there are two and `share` isn't 0.
    """
    numbers = {name: stable_number(seed, purpose, name) / 2**63 for name in names}
    chosen = {name for name, number in numbers.items() if number < share}
    if not chosen and share > 0 and len(numbers) > 1:
        chosen = {min(numbers, key=numbers.__getitem__)}
    return chosen


def read_list(path: Path) -> list[str]:
    """Read a split list: one file name a line.

    Raises:
        FilmError: It is missing, empty, or has a name twice.
    """
    try:
        names = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise FilmError(f"can't read the list {path}: {error}") from error
    if not names:
        raise FilmError(f"{path} is empty; a split list has one file name a line")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise FilmError(f"{path} has {twice!r} twice; keep one of the lines")
    return names


def choose(names: Sequence[str], split: Split, *, seed: int, val_share: float, test_share: float) -> list[str]:
    """Pick the names of one split out of all, for a set without lists.

    Args:
        names: All names.
        split: `all` takes every one.
        seed: Another seed splits otherwise.
        val_share: About how much of what isn't test is held out for validation.
        test_share: About how much is held out for test.
    """
    if split == "all":
        return list(names)
    test = held_out(names, test_share, seed=seed, purpose="test")
    rest = [name for name in names if name not in test]
    if split == "test":
        return [name for name in names if name in test]
    return train_or_val(rest, split, seed=seed, share=val_share)


def train_or_val(names: Sequence[str], split: Split, *, seed: int, share: float) -> list[str]:
    """Part a train list into what trains and what validates."""
    val = held_out(names, share, seed=seed, purpose="val")
    return [name for name in names if (name in val) == (split == "val")]
