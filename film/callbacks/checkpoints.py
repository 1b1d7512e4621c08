"""Checkpoints that appear whole or not at all, and when the last one is taken."""

import os
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.fabric.plugins.io import TorchCheckpointIO
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.utilities.exceptions import SIGTERMException

from film.imaging.files import write_atomically


class LastCheckpoint(ModelCheckpoint):
    """Saves also where a run is stopped by SIGTERM or Ctrl+C, but not where it fails.

    After an error the weights may be worthless, and of several processes only some may have had it: saving would wait
    for the others forever. Arguments as `ModelCheckpoint`.
    """

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Save if `exception` is a request to stop."""
        if isinstance(exception, (SIGTERMException, KeyboardInterrupt)):
            super().on_exception(trainer, pl_module, exception)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside its place, flushes it to the disk, and then puts it there in one move.

    Lightning's own writes to the system's folder for temporary files and moves it: where that is another disk, a copy
    that can stop half-way. A plugin of the Trainer.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Save.

        Args:
            checkpoint: What `torch.save` takes.
            path: A local file; what stood there stays untouched if the disk is full.
            storage_options: Not used.

        Raises:
            FilmError: It can't be written.
        """
        write_atomically(Path(path), lambda temporary: _write(checkpoint, temporary))


def _write(checkpoint: dict[str, Any], path: Path) -> None:
    try:
        torch.save(checkpoint, path)
    except RuntimeError as error:  # how torch's writer says that the disk is full
        raise OSError(None, "writing failed half-way, is the disk full?") from error
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
