"""The resolved config of a run, kept beside its results, in its log and in its checkpoints."""

from pathlib import Path
from typing import Any

import yaml
from lightning import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback


class SaveRunConfig(SaveConfigCallback):
    """Writes `config.yaml` to the run's folder, whatever the logger is, and hands the config to the loggers.

    Arguments as `SaveConfigCallback`; the command line adds it by itself.
    """

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write and log, once and in one process."""
        if stage != "fit":
            return
        text = self.parser.dump(self.config, skip_none=False)
        path = Path(trainer.default_root_dir) / self.config_filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        settings: dict[str, Any] = yaml.safe_load(text)
        for logger in trainer.loggers:
            logger.log_hyperparams(settings)
