"""A run whose loss is no longer a number stops."""

from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from film.errors import FilmError


class FiniteLoss(Callback):
    """Looks at the loss as often as it is logged, and stops all processes when that of any is NaN or infinite."""

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Check the loss of this batch.

        Raises:
            FilmError: It isn't finite in some process.
        """
        if (batch_idx + 1) % trainer.log_every_n_steps:  # type: ignore[attr-defined]  # set by name
            return
        finite = bool(outputs["loss"].isfinite())
        if not trainer.strategy.reduce_boolean_decision(finite):
            raise FilmError(
                f"the loss is no longer a number at step {trainer.global_step}; take a lower learning rate, "
                "--trainer.gradient_clip_val=1, or --trainer.precision=32-true, and go on from an earlier checkpoint"
            )
