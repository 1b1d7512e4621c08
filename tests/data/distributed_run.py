"""Run by test_distributed: one of two processes trains and validates, and writes down what it was shown."""

import json
import sys
import warnings
from pathlib import Path

import torch
from lightning import LightningModule, Trainer, seed_everything

from film.data.augment import Augmentation
from film.data.generated import SyntheticDataModule


class Tiny(LightningModule):
    """One weight and a buffer, which DDP keeps equal in all processes."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))
        self.norm = torch.nn.BatchNorm2d(1)
        self.shown = {"train": [], "val": []}

    def _note(self, split, batch):
        sums = batch["a"].sum((1, 2, 3)).tolist()
        self.shown[split].append([[name, round(total, 3)] for name, total in zip(batch["name"], sums, strict=True)])

    def training_step(self, batch, batch_idx):
        self._note("train", batch)
        return (self.weight * self.norm(batch["a"])).square().mean()

    def validation_step(self, batch, batch_idx):
        self._note("val", batch)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 1e-3)


def main(output: Path, devices: int) -> None:
    """Two epochs; `devices` processes share batches of 4."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    seed_everything(0, verbose=False)
    model = Tiny()
    data = SyntheticDataModule(
        size=(16, 16), train_pairs=11, val_pairs=5, batch_size=4 // devices, augment=Augmentation(exposure=0.3)
    )
    trainer = Trainer(
        max_epochs=2,
        accelerator="cpu",
        devices=devices,
        strategy="ddp" if devices > 1 else "auto",
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, data)
    (output / f"{devices}_{trainer.global_rank}.json").write_text(json.dumps(model.shown))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
