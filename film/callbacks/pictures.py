"""What validation looks like: a | b | fused of the same pairs after every epoch, and the fused images of `predict`."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import BasePredictionWriter, Callback
from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger
from PIL import Image
from torch import Tensor

from film.imaging.comparison import side_by_side
from film.imaging.files import FORMATS, save_pil, write_image
from film.imaging.picture import Picture


class PictureGrid(Callback):
    """Writes a | b | fused of the same few validation pairs to `pictures/epoch_NNNN.png` of the run's folder.

    TensorBoard and W&B get the same picture where they are the logger.

    Args:
        count: How many pairs, one below the other; 0 for no picture.
    """

    def __init__(self, count: int = 4) -> None:
        self.count = count
        self._rows: list[Image.Image] = []

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin a new picture."""
        self._rows = []

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Take rows from batches spread over all of them, until there are enough."""
        batches = int(trainer.num_val_batches[dataloader_idx])
        skipped = self.count > 0 and batch_idx % max(1, batches // self.count)
        if not trainer.is_global_zero or trainer.sanity_checking or skipped:
            return
        names = batch.get("name") or [f"pair {batch_idx}.{row}" for row in range(len(outputs))]
        share = -(-self.count // batches)
        for row in range(min(len(outputs), share, self.count - len(self._rows))):
            pictures = [_picture(image[row]) for image in (batch["a"], batch["b"], outputs)]
            self._rows.append(side_by_side(pictures, (f"A   {names[row]}", "B", "fused")))

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the picture."""
        if not self._rows or trainer.fast_dev_run:  # type: ignore[attr-defined]  # set by name
            return
        sheet = _stack(self._rows)
        save_pil(Path(trainer.default_root_dir) / "pictures" / f"epoch_{trainer.current_epoch:04d}.png", sheet)
        for logger in trainer.loggers:
            _show(logger, sheet, trainer.global_step)
        self._rows = []


class FusedWriter(BasePredictionWriter):
    """Writes the fused luminance that `film predict` computes, 8 bits, to `fused/<name>.png` of the run's folder."""

    def __init__(self) -> None:
        super().__init__(write_interval="batch")

    def write_on_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        prediction: Any,
        batch_indices: Sequence[int] | None,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Write the images of a batch."""
        for name, image in zip(batch["name"], prediction, strict=True):
            # Names of joint sets have the set in front of a slash; anything else that isn't plain stays out of paths.
            plain = "/".join(re.sub(r"[^\w.\-]+", "_", part).lstrip(".") or "_" for part in name.split("/"))
            stem = str(Path(plain).with_suffix("")) if Path(plain).suffix.lower() in FORMATS else plain
            write_image(Path(trainer.default_root_dir) / "fused" / f"{stem}.png", _picture(image).as_depth(8))


def _picture(image: Tensor) -> Picture:
    return Picture(image.detach().float().clamp(0, 1)[0].cpu().numpy())


def _stack(rows: Sequence[Image.Image]) -> Image.Image:
    sheet = Image.new("RGB", (max(row.width for row in rows), sum(row.height for row in rows)))
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    return sheet


def _show(logger: Logger, sheet: Image.Image, step: int) -> None:
    if isinstance(logger, TensorBoardLogger):
        logger.experiment.add_image("val/pictures", np.asarray(sheet), step, dataformats="HWC")
    elif isinstance(logger, WandbLogger):
        logger.log_image("val/pictures", [sheet], step=step)
