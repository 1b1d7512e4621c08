"""A training that goes on sees what it would have seen, whenever its checkpoint was written."""

import warnings

import pytest
import torch
from lightning import Callback, LightningModule, Trainer, seed_everything

from film.data.augment import Augmentation
from film.data.generated import SyntheticDataModule

EPOCHS, STEPS = 2, 4


class Tiny(LightningModule):
    """One convolution, which notes what it was shown."""

    def __init__(self):
        super().__init__()
        self.fuse = torch.nn.Conv2d(2, 1, 3, padding=1)
        self.seen = []

    def training_step(self, batch, batch_idx):
        self.seen.append((self.current_epoch, batch_idx, *batch["name"], batch["a"].sum().item()))
        return (self.fuse(torch.cat([batch["a"], batch["b"]], 1)) - batch["a"]).square().mean()

    def validation_step(self, batch, batch_idx):
        self.log("mean", batch["a"].mean(), batch_size=1)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 1e-3)


class SaveEach(Callback):
    """Writes a checkpoint whenever one may be written."""

    def __init__(self, folder):
        self.folder = folder

    def _save(self, trainer, when):
        if not trainer.sanity_checking:
            trainer.save_checkpoint(self.folder / f"{trainer.global_step:02d}_{when}.ckpt")

    def on_train_batch_end(self, trainer, *_):
        self._save(trainer, "batch")

    def on_validation_end(self, trainer, *_):
        self._save(trainer, "validation")

    def on_train_epoch_end(self, trainer, *_):
        self._save(trainer, "epoch")


def train(*callbacks, workers=0, checkpoint=None):
    seed_everything(0, verbose=False)
    model = Tiny()
    augment = Augmentation(exposure=0.3, misalignment=0.5)
    data = SyntheticDataModule(
        size=(16, 16), train_pairs=3 * STEPS, val_pairs=2, batch_size=3, crop=12, augment=augment, num_workers=workers
    )
    trainer = Trainer(
        max_epochs=EPOCHS,
        accelerator="cpu",
        callbacks=list(callbacks),
        val_check_interval=0.5,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning has advice about workers
        trainer.fit(model, data, ckpt_path=checkpoint, weights_only=False)
    return model


@pytest.mark.parametrize("workers", [0, 1])
def test_it_goes_on_bit_for_bit_from_every_checkpoint(tmp_path, workers):
    whole = train(SaveEach(tmp_path), workers=workers)
    assert len(whole.seen) == len(set(whole.seen)) == EPOCHS * STEPS
    checkpoints = sorted(tmp_path.glob("*.ckpt"))
    assert {path.stem.partition("_")[2] for path in checkpoints} == {"batch", "validation", "epoch"}
    # With workers a handful will do: they take seconds to start.
    for checkpoint in checkpoints[:: 5 if workers else 1]:
        resumed = train(workers=workers, checkpoint=checkpoint)
        assert resumed.seen == whole.seen[int(checkpoint.stem[:2]) :], checkpoint.stem
        for ours, theirs in zip(resumed.parameters(), whole.parameters(), strict=True):
            assert ours.equal(theirs), checkpoint.stem
