"""What is said at the end of a run: where everything lies, and how to use it."""

from pathlib import Path

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, ModelCheckpoint


class RunSummary(Callback):
    """Prints where checkpoints, curve, pictures and logs lie, and the commands that fuse with the trained model."""

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print, in one process."""
        if trainer.is_global_zero and not trainer.fast_dev_run:  # type: ignore[attr-defined]  # set by name
            print(summary(trainer))  # noqa: T201  # for whoever ran the command, not for a log


def summary(trainer: Trainer) -> str:
    """Say what a run has left behind, and the commands that come next."""
    folder = _short(trainer.default_root_dir)
    lines = [f"\n{trainer.current_epoch} epochs, {trainer.global_step} steps. The run lies in {folder}:"]
    lines += [f"  {what:12} {path}" for what, path in _left_behind(trainer, folder)]
    model = folder / "model.safetensors"
    return "\n".join(
        [*lines, "Fuse with it:", f"  film export {folder} --output {model}", f"  film fuse A B --model {model}"]
    )


def _left_behind(trainer: Trainer, folder: Path) -> list[tuple[str, str]]:
    found = []
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ModelCheckpoint) and callback.best_model_path:
            path = str(_short(callback.best_model_path))
            score = f"   {callback.monitor} = {callback.best_model_score:.4g}" if callback.monitor else ""
            found.append((callback.filename or "checkpoint", path + score))
    names = {"config": "config.yaml", "loss curve": "loss_curve.png", "pictures": "pictures"}
    found += [(what, str(folder / name)) for what, name in names.items() if (folder / name).exists()]
    return found + [("log", str(_short(str(logger.log_dir)))) for logger in trainer.loggers if _writes_files(logger)]


def _writes_files(logger: object) -> bool:
    return isinstance(getattr(logger, "log_dir", None), str)


def _short(path: str) -> Path:
    """Without the folder that the user stands in."""
    absolute = Path(path).absolute()
    return absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute
