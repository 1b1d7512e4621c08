"""How many pairs a second are trained on."""

import time
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback


class Throughput(Callback):
    """Logs `train/images_per_s`, the pairs a second of all processes together, without the time of validation."""

    def __init__(self) -> None:
        self._restart()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to count."""
        self._restart()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to count anew."""
        self._restart()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count, and log as often as everything else is logged."""
        self._pairs += len(batch["a"])
        if (batch_idx + 1) % trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]  # set by name
            rate = self._pairs * trainer.world_size / (time.perf_counter() - self._start)
            pl_module.log("train/images_per_s", rate, batch_size=1)
            self._restart()

    def _restart(self) -> None:
        self._start, self._pairs = time.perf_counter(), 0
