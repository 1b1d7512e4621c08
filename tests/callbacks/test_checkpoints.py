"""Checkpoints appear whole or not at all."""

import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from film.callbacks.checkpoints import AtomicCheckpointIO
from film.errors import FilmError


@pytest.fixture
def _small_disk() -> Iterator[None]:
    """Files can't grow beyond 100 kB, which to a writer is a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "new" / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"state_dict": {"x": torch.arange(3)}}, path)
    assert AtomicCheckpointIO().load_checkpoint(path)["state_dict"]["x"].tolist() == [0, 1, 2]
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.usefixtures("_small_disk")
def test_full_disk_leaves_the_last_one_intact(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"step": 1}, path)
    before = path.read_bytes()
    with pytest.raises(FilmError, match=r"last\.ckpt: writing failed half-way, is the disk full"):
        AtomicCheckpointIO().save_checkpoint({"step": 2, "x": torch.zeros(100_000)}, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
