"""The loss curve as a picture in the run's folder, whatever the logger is."""

import importlib.util
import logging
import time
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

_REDRAW_SECONDS = 30

_log = logging.getLogger("film")


class LossCurve(Callback):
    """Draws `loss_curve.png`: the total of training and validation, and each term of training.

    The points are part of the checkpoint, so a resumed run draws all of its curve. Needs matplotlib.

    Args:
        filename: Where, within the run's folder.
    """

    def __init__(self, filename: str = "loss_curve.png") -> None:
        self.filename = filename
        self.curves: dict[str, list[tuple[int, float]]] = {}
        self._drawn = 0.0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Take a point as often as everything else is logged."""
        if (batch_idx + 1) % trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]  # set by name
            self._add("train/loss", trainer.global_step, outputs["loss"])

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the means of the epoch, and draw now and then."""
        for name, value in trainer.callback_metrics.items():
            if name == "val/loss" or (name.startswith("train/") and name.endswith("_epoch")):
                self._add(name, trainer.global_step, value)
        if time.monotonic() - self._drawn > _REDRAW_SECONDS:
            self._draw(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the whole curve."""
        self._draw(trainer)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Draw how far it came."""
        self._draw(trainer)

    def state_dict(self) -> dict[str, Any]:
        """Give the points."""
        return {"curves": self.curves}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the points of the run that is resumed."""
        self.curves = state_dict["curves"]

    def _add(self, name: str, step: int, value: Any) -> None:
        self.curves.setdefault(name, []).append((step, float(value)))

    def _draw(self, trainer: Trainer) -> None:
        if not trainer.is_global_zero or trainer.fast_dev_run or not self.curves:  # type: ignore[attr-defined]  # set by name
            return
        if not importlib.util.find_spec("matplotlib"):
            _log.warning("no loss curve is drawn: pip install matplotlib")
            return
        draw_curves(self.curves, Path(trainer.default_root_dir) / self.filename)
        self._drawn = time.monotonic()


def draw_curves(curves: dict[str, list[tuple[int, float]]], path: Path) -> None:
    """Draw curves over steps, totals left and single terms right.

    Args:
        curves: Points (step, value) by name, `train/loss`, `train/<term>_epoch`, `val/loss`.
        path: The picture to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), layout="constrained")
    totals, terms = figure.subplots(1, 2)
    for name, points in curves.items():
        axes = totals if name.removesuffix("_epoch").endswith("/loss") else terms
        thin = {"linewidth": 0.6, "alpha": 0.5} if name == "train/loss" else {"marker": ".", "markersize": 3}
        axes.plot(*zip(*points, strict=True), label=name.replace("_epoch", ", mean of the epoch"), **thin)
    beside = {"loc": "center left", "bbox_to_anchor": (1, 0.5), "fontsize": "small"}  # there may be many
    for axes, title, place in ((totals, "total loss", {}), (terms, "terms of the loss, unweighted", beside)):
        axes.set(title=title, xlabel="step", yscale="log")
        axes.grid(alpha=0.3)
        if axes.has_data():
            axes.legend(**place)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
