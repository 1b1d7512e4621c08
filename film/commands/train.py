"""`film fit|validate|test|predict`: LightningCLI whose config files can build on one another."""

import argparse
import copy
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import yaml
from lightning import Trainer
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI

from film.callbacks.config import SaveRunConfig
from film.config import compose
from film.data.base import FusionDataModule
from film.errors import FilmError
from film.task import FusionTask

_INTERPOLATED = ("name", "output_dir", "seed_everything")  # flags that `${…}` in config files sees


class _Parser(LightningArgumentParser):
    """Raises what it doesn't like, instead of printing the usage of all flags."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        raise FilmError(message) from ex


class FilmCLI(LightningCLI):
    """Lightning's command line, with config files that extend one another and callbacks that have names."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add what every run has."""
        parser.add_argument("--name", type=str, default="default", help="Name of the experiment.")
        parser.add_argument("--output_dir", type=str, default="outputs", help="Where the run writes.")
        parser.add_argument(
            "--callbacks",
            type=dict[str, Callback | None],
            default={},
            help="Callbacks by name, so that a file or flag can change one and keep the others; null leaves one out.",
        )

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Compose all config files into one, then parse it with the flags laid over it."""
        self.config = parser.parse_args(compose_arguments(list(args or [])))
        self._asked = copy.deepcopy(self.config)

    def before_instantiate_classes(self) -> None:
        """Let config and flags count, and find the checkpoint of a run.

        Lightning silently puts the model's arguments that stand in a checkpoint over those that were asked for.
        """
        if not self.subcommand:
            return
        given, asked = self.config[self.subcommand], self._asked[self.subcommand]
        given.model = asked.model
        if self.subcommand != "fit":
            given.ckpt_path = _find_checkpoint(given)

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Build the Trainer with the callbacks that have names."""
        config = self.config_init.get(str(self.subcommand), self.config_init)
        named = [callback for callback in config.callbacks.values() if callback]
        listed = config.trainer.callbacks or []
        return super().instantiate_trainer(callbacks=[*listed, *named], **kwargs)


def compose_arguments(arguments: Sequence[str]) -> list[str]:
    """Replace every `-c FILE` by one composed, resolved config, ahead of the other flags.

    Raises:
        FilmError: A file is missing or wrong.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS)
    parser.add_argument("-c", "--config", action="append", default=[])
    for name in _INTERPOLATED:
        parser.add_argument(f"--{name}")
    known, rest = parser.parse_known_args(arguments)
    files = vars(known).pop("config")
    values = {name: yaml.safe_load(value) for name, value in vars(known).items()}
    if not files and not values:
        return rest
    composed = yaml.safe_dump(compose(files, values), sort_keys=False)
    behind = 1 if rest and not rest[0].startswith("-") else 0  # the subcommand stands first
    return [*rest[:behind], f"--config={composed}", *rest[behind:]]


def load_experiment(path: str | Path, *overrides: str) -> FilmCLI:
    """Build task, data and trainer of an experiment, for notebooks and tests; nothing runs yet.

    Args:
        path: A config file, from the working directory or among those that come with film.
        overrides: Flags as on the command line, `--trainer.max_epochs=2`.

    Returns:
        An object with `model`, `datamodule` and `trainer`: `run.trainer.fit(run.model, run.datamodule)`.

    Raises:
        FilmError: Something in it is wrong.
    """
    return _build(["-c", str(path), *overrides], run=False)


def fit(arguments: Sequence[str]) -> int:
    """Run `film fit`: train."""
    return _main("fit", arguments)


def validate(arguments: Sequence[str]) -> int:
    """Run `film validate`: measure on the validation pairs."""
    return _main("validate", arguments)


def test(arguments: Sequence[str]) -> int:
    """Run `film test`: measure on the test pairs."""
    return _main("test", arguments)


def predict(arguments: Sequence[str]) -> int:
    """Run `film predict`: fuse the test pairs."""
    return _main("predict", arguments)


def _main(subcommand: str, arguments: Sequence[str]) -> int:
    helps = {"-h", "--help", "--print_config"}
    if not any(argument.split("=")[0] in {"-c", "--config", *helps} for argument in arguments):
        raise FilmError(
            f"no experiment is given; say film {subcommand} -c FILE, as experiments/reproduce/infrared_visible.yaml"
        )
    sys.path.insert(0, str(Path.cwd()))  # components in a file of one's own, beside the experiment
    try:
        _build([subcommand, *arguments], run=True)
    except MisconfigurationException as error:
        raise FilmError(str(error)) from error
    return 0


def _build(arguments: list[str], *, run: bool) -> FilmCLI:
    return FilmCLI(
        FusionTask,
        FusionDataModule,
        subclass_mode_data=True,
        auto_configure_optimizers=False,
        seed_everything_default=0,
        save_config_callback=SaveRunConfig,
        save_config_kwargs={"overwrite": True, "save_to_log_dir": False},
        parser_class=_Parser,
        args=arguments,
        run=run,
    )


def _find_checkpoint(config: Any) -> str | None:
    """The checkpoint to evaluate: the one that is named, else the best one of the run, unless weights are given."""
    folder = Path(config.output_dir) / "checkpoints"
    if config.ckpt_path in ("best", "last"):
        config.ckpt_path = str(folder / f"{config.ckpt_path}.ckpt")
    if config.ckpt_path is None and config.model.weights is None:
        config.ckpt_path = str(folder / "best.ckpt")
    if config.ckpt_path and not Path(config.ckpt_path).is_file():
        raise FilmError(
            f"no checkpoint {config.ckpt_path}; train first, or give --ckpt_path FILE or --model.weights FILE"
        )
    return config.ckpt_path
