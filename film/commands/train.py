"""`film fit|validate|test|predict`: LightningCLI whose config files can build on one another."""

import argparse
import logging
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import yaml
from jsonargparse import Namespace
from lightning import Trainer
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from lightning.pytorch.utilities.exceptions import SIGTERMException

from film.callbacks.config import SaveRunConfig
from film.commands.explanations import explain, innermost
from film.config import compose
from film.data.base import FusionDataModule
from film.errors import FilmError
from film.task import FusionTask, read_checkpoint

_log = logging.getLogger("film")

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
        composed, flags = compose_arguments(list(args or []))
        file = [f"--config={yaml.safe_dump(composed, sort_keys=False)}"] if composed else []
        behind = 1 if flags and not flags[0].startswith("-") else 0  # the subcommand stands first
        try:
            self.config = parser.parse_args([*flags[:behind], *file, *flags[behind:]])
        except FilmError as error:
            raise FilmError(explain(str(error), composed)) from error
        if subcommand := self.config.get("subcommand"):
            # Kept from Lightning for now: it would silently put the arguments of the model that stand in a checkpoint
            # over those that are asked for.
            self._named, self.config[subcommand].ckpt_path = self.config[subcommand].ckpt_path, None

    def before_instantiate_classes(self) -> None:
        """Find the checkpoint of a run before anything is built."""
        if self.subcommand:
            given = self.config[self.subcommand]
            given.ckpt_path = _find_checkpoint(self._named, given, training=self.subcommand == "fit")
            if "verbose" in given:
                given.verbose = False  # its table repeats every number once for each test set

    def instantiate_classes(self) -> None:
        """Build everything; what a component objects to is what the user gets to read."""
        try:
            super().instantiate_classes()
        except (ValueError, ImportError, MisconfigurationException) as error:
            raise FilmError(str(innermost(error))) from error

    def after_validate(self) -> None:
        """Print the results."""
        print(_table(self.trainer.callback_metrics))

    def after_test(self) -> None:
        """Print the results."""
        print(_table(self.trainer.callback_metrics))

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Build the Trainer with the callbacks that have names.

        Raises:
            FilmError: The strategy can't do what is asked for.
        """
        _check_strategy(self.config.get(str(self.subcommand), self.config).trainer)
        config = self.config_init.get(str(self.subcommand), self.config_init)
        named = [callback for callback in config.callbacks.values() if callback]
        listed = config.trainer.callbacks or []
        return super().instantiate_trainer(callbacks=[*listed, *named], **kwargs)


def compose_arguments(arguments: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Compose the files of every `-c FILE` into one, with interpolations resolved.

    Returns:
        The composed config, and the arguments that are left: subcommand and flags.

    Raises:
        FilmError: A file is missing or wrong.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS)
    parser.add_argument("-c", "--config", action="append", default=[])
    for name in _INTERPOLATED:
        parser.add_argument(f"--{name}")
    known, rest = parser.parse_known_args(arguments)
    files = vars(known).pop("config")
    return compose(files, {name: yaml.safe_load(value) for name, value in vars(known).items()}), rest


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
    except SIGTERMException:  # a SystemExit without a code, which would look like success
        _log.warning("stopped by SIGTERM; --ckpt_path last goes on from here")
        return 128 + signal.SIGTERM
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


def _check_strategy(trainer: Namespace) -> None:
    options = trainer.strategy.get("init_args", {}) if isinstance(trainer.strategy, Namespace) else {}
    if trainer.accumulate_grad_batches > 1 and options.get("static_graph"):
        raise FilmError(  # torch fails an internal assertion in the first step that doesn't exchange gradients
            f"accumulate_grad_batches {trainer.accumulate_grad_batches} and a static graph exclude each other; add "
            "--trainer.strategy.init_args.static_graph=false"
        )


def _find_checkpoint(named: str | None, config: Namespace, *, training: bool) -> str | None:
    """The file that `--ckpt_path` names; evaluation takes the best of the run where none and no weights are given."""
    if named is None and not training and config.model.weights is None:
        named = "best"
    if named is None:
        return None
    path = Path(config.output_dir, "checkpoints", f"{named}.ckpt") if named in ("best", "last") else Path(named)
    if training and named == "last" and not path.exists():
        # So that a job which is started again and again needs no other command at first.
        _log.info("no checkpoint %s yet: training begins anew", path)
        return None
    if not path.is_file():
        raise FilmError(f"no checkpoint {path}; train first, or give --ckpt_path FILE or --model.weights FILE")
    read_checkpoint(path)  # a broken one is said now, in words
    return str(path)


def _table(metrics: Mapping[str, Any]) -> str:
    """One line for each set: test/MSRS/SSIM stands in the line test/MSRS under SSIM."""
    lines: dict[str, dict[str, float]] = {}
    for name, value in metrics.items():
        stage, _, column = name.rpartition("/")
        lines.setdefault(stage, {})[column] = float(value)
    columns = list(next(iter(lines.values()), {}))
    width = max([12, *map(len, lines)])
    head = f"{'':{width}}" + "".join(f"{column:>12}" for column in columns)
    rows = [
        f"{stage:{width}}" + "".join(f"{line[column]:12.4f}" for column in columns) for stage, line in lines.items()
    ]
    return "\n".join([head, *rows])
