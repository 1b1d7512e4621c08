"""Runs of the tiny network on drawn pairs, which take a second or two."""

import os
import signal
from pathlib import Path
from typing import Any

from lightning.pytorch.callbacks import Callback

from film.commands.train import FilmCLI, load_experiment

SILENT = ["--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false", "--callbacks.curve=null"]
QUICK = [
    *SILENT,
    "--trainer.max_epochs=2",
    "--trainer.log_every_n_steps=2",
    "--data.init_args.size=[16, 16]",
    "--data.init_args.tasks=[IVF]",
    "--model.metrics=[EN]",
]


def experiment(folder: Path, *overrides: str) -> FilmCLI:
    """A run of four steps an epoch on four pairs each, two validation pairs, nothing started yet."""
    return load_experiment("tiny.yaml", *QUICK, f"--output_dir={folder}", *overrides)


def fit(folder: Path, *overrides: str, resume: str | None = None) -> FilmCLI:
    """Train such a run."""
    run = experiment(folder, *overrides)
    run.trainer.fit(run.model, run.datamodule, ckpt_path=resume)
    return run


class Interrupt(Callback):
    """Sends this process a signal in mid-epoch, as a cluster does.

    Args:
        step: After which step of the run.
        name: `SIGTERM`, `SIGKILL`, …
        validating: In the validation that follows this step, after its first batch, instead of at once.
    """

    def __init__(self, step: int, name: str, *, validating: bool = False) -> None:
        self.step, self.signal, self.validating = step, signal.Signals[name], validating

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if trainer.global_step == self.step and not self.validating:
            os.kill(os.getpid(), self.signal)

    def on_validation_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        if trainer.global_step == self.step and self.validating and batch_idx == 0:
            os.kill(os.getpid(), self.signal)
