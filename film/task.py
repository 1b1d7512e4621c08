"""The training code: a network, its loss, metrics and optimizer as one LightningModule."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from lightning import LightningModule
from lightning.pytorch.cli import LRSchedulerCallable, OptimizerCallable, ReduceLROnPlateau
from lightning.pytorch.core.mixins.hparams_mixin import _given_hyperparameters
from torch import Tensor, nn
from torchmetrics import Metric

from film.checkpoint import load_model
from film.errors import FilmError
from film.losses.base import TOTAL, LossTerm, TotalLoss
from film.metrics.base import FusionMetrics
from film.network import FusionNetwork

_NETWORK = "network."


class FusionTask(LightningModule):
    """Trains and evaluates a fusion network.

    A batch is a dict with `a`, `b` (B, 1, H, W) in [0, 1], optionally `text` (B strings or TextFeatures), `name` and
    `task` (B strings) and `target` (B, 1, H, W), the ideal image of simulated pairs. Where the text asks for something
    else than both sources as they are, `aim_a` and `aim_b` (B, 1, H, W) take their place in the loss. In training a
    text reader is told what a text names, if `named` (B, concepts) says so, instead of having to guess it. `asked` (B
    bools) says whether a text asks for more than the rule of its task, for terms of the loss to which that matters.
    `place` (B, 1, H, W) says where that is bright which an instruction is about, for `grounding`.

    Logged: every term of the loss unweighted and their total, per step (`train/loss`, of this process) and as mean of
    the epoch (`train/loss_epoch`, of all processes); in validation and test the same and the metrics, as means over
    all pairs, however many processes share them (`val/loss`, `val/SSIM`).

    Args:
        network: The network.
        loss: Terms of the loss by name, see `configs/loss`; null leaves a term out that another file has named.
        optimizer: Builds the optimizer from the parameters.
        scheduler: Builds the learning-rate scheduler from the optimizer; null keeps the rate.
        scheduler_interval: What the scheduler counts.
        metrics: Names of the metrics logged in validation and test, as `film evaluate` knows them.
        grounding: Weight of `film.layers.grounding` in training: places learn to listen to the words about them; 0
            leaves it out.
        rates: Factors on the learning rate of parts of the network, by the beginning of their names:
            `{text_reader: 0.2}` for a part that is trained already; 0 freezes a part.
        weights: Where training begins: a model that ships, a model file, a released `.pth` or a run's `.ckpt`; it must
            fit the network to the last weight. Null begins with random weights. To continue a run, use `--ckpt_path`.

    Raises:
        FilmError: The weights can't be read or don't fit, a loss term or metric is unknown.
    """

    def __init__(
        self,
        network: FusionNetwork,
        loss: dict[str, LossTerm | None],
        *,
        optimizer: OptimizerCallable,
        scheduler: LRSchedulerCallable | None = None,
        scheduler_interval: Literal["epoch", "step"] = "epoch",
        metrics: tuple[str, ...] = (),
        grounding: float = 0.0,
        rates: dict[str, float] | None = None,
        weights: str | None = None,
    ) -> None:
        super().__init__()
        if _given_hyperparameters.get() is not None:  # a config; live objects have no place in a checkpoint
            self.save_hyperparameters(logger=False)
        self.network = network
        terms = {name: term for name, term in loss.items() if term is not None}
        self.loss = TotalLoss(terms)
        self.optimizer, self.scheduler = optimizer, scheduler
        self.scheduler_interval = scheduler_interval
        self.metrics = metrics
        self.grounding = grounding
        self.rates = rates or {}
        self.val_measures = _Measures(list(terms), metrics, "val")
        self.test_measures: list[_Measures] = []  # one for each test set, see on_test_start
        if weights is not None:
            begin_from(network, weights)
        for name, parameter in network.named_parameters():
            if self._rate(name) == 0:
                parameter.requires_grad_(False)

    def forward(self, a: Tensor, b: Tensor, text: Any = None, *, named: Tensor | None = None) -> Tensor:
        """Fuse, see `FusionNetwork.forward`."""
        return self.network(a, b, text, named=named)

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """Return the loss of a batch."""
        values = self._learn(batch)
        each = {f"train/{name}": value.detach() for name, value in values.items()}
        mean = {f"{name}_epoch": value for name, value in each.items()}
        pairs = len(batch["a"])
        self.log_dict(each, on_step=True, on_epoch=False, batch_size=pairs)
        self.log_dict(mean, on_step=False, on_epoch=True, batch_size=pairs, sync_dist=True)
        return values[TOTAL]

    def _learn(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """Fuse a batch for training: its loss, and that of attention where it is taught."""
        given = (batch["a"], batch["b"], batch.get("text"))
        if not self.grounding:
            return self._compare(self(*given, named=batch.get("named")), batch)
        if "place" not in batch:
            raise FilmError("grounding: nothing says where what is asked for is; give the data a guidance, or take 0")
        watched = self.network.watch(*given, named=batch.get("named"))
        values, missed = self._compare(watched.fused, batch), watched.grounding(batch["place"])
        return values | {TOTAL: values[TOTAL] + self.grounding * missed, "grounding": missed}

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """Measure a batch and return the fused images (B, 1, H, W)."""
        return self._measure(batch, self.val_measures)

    def test_step(self, batch: dict[str, Any], batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        """Measure a batch and return the fused images (B, 1, H, W)."""
        return self._measure(batch, self.test_measures[dataloader_idx])

    def predict_step(self, batch: dict[str, Any], batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        """Return the fused images (B, 1, H, W), in [0, 1]."""
        return self(batch["a"], batch["b"], batch.get("text")).float().clamp(0, 1)

    def on_validation_epoch_end(self) -> None:
        """Log the means of all pairs."""
        self._log_measures(self.val_measures)

    def on_test_start(self) -> None:
        """Measure each test set by itself; several are told apart by their names: `test/MSRS/SSIM`."""
        count = len(self.trainer.num_test_batches)
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        names = data.test_names if hasattr(data, "test_names") else range(count)
        stages = [f"test/{name}" for name in names] if count > 1 else ["test"]
        terms = list(self.loss.terms)
        self.test_measures = [_Measures(terms, self.metrics, stage).to(self.device) for stage in stages]

    def on_test_epoch_end(self) -> None:
        """Log the means of all pairs."""
        for measures in self.test_measures:
            self._log_measures(measures)

    def configure_optimizers(self) -> Any:
        """Build optimizer and scheduler for the parameters that are trained."""
        groups, factors = self._groups()
        optimizer = self.optimizer(groups)
        for group, factor in zip(optimizer.param_groups, factors, strict=True):
            group["lr"] *= factor
        if self.scheduler is None:
            return optimizer
        scheduler = self.scheduler(optimizer)
        plan: dict[str, Any] = {"scheduler": scheduler, "interval": self.scheduler_interval}
        if isinstance(scheduler, ReduceLROnPlateau):
            plan["monitor"] = scheduler.monitor
        return {"optimizer": optimizer, "lr_scheduler": plan}

    def _groups(self) -> tuple[list[dict[str, Any]], list[float]]:
        """Parameters that are trained, those of each rate together, and the rates."""
        groups: dict[float, list[nn.Parameter]] = {1.0: []}
        for name, parameter in self.network.named_parameters():
            if parameter.requires_grad:
                groups.setdefault(self._rate(name), []).append(parameter)
        names = [name for name, _ in self.network.named_parameters()]
        if unknown := {part for part in self.rates if not any(name.startswith(part) for name in names)}:
            parts = ", ".join(name for name, _ in self.network.named_children())
            raise FilmError(f"rates: no weight of the network begins with {sorted(unknown)[0]!r}; its parts: {parts}")
        filled = {rate: group for rate, group in groups.items() if group}
        return [{"params": group} for group in filled.values()], list(filled)

    def _rate(self, name: str) -> float:
        part = max((part for part in self.rates if name.startswith(part)), key=len, default=None)
        return 1.0 if part is None else self.rates[part]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse a checkpoint of another network, in words.

        Raises:
            FilmError: Its weights don't fit.
        """
        if problems := _misfits(self.state_dict(), checkpoint["state_dict"]):
            raise FilmError(f"the checkpoint is of another network: {problems}")

    def _compare(self, fused: Tensor, batch: dict[str, Any]) -> dict[str, Tensor]:
        """The loss, against what is wanted of the sources where that isn't all of them."""
        a, b = batch.get("aim_a", batch["a"]), batch.get("aim_b", batch["b"])
        return self.loss(fused, a, b, batch.get("target"), tasks=batch.get("task"), asked=batch.get("asked"))

    def _measure(self, batch: dict[str, Any], measures: "_Measures") -> Tensor:
        fused = self(batch["a"], batch["b"], batch.get("text")).float()
        values = self._compare(fused, batch)
        measures.update(values, fused.clamp(0, 1), batch["a"].float(), batch["b"].float())
        return fused

    def _log_measures(self, measures: "_Measures") -> None:
        # In the end of the epoch instead of step by step: a process may have had no pair at all, and still takes part.
        self.log_dict(measures.compute(), sync_dist=True)  # all have the same values by now; Lightning can't know
        measures.reset()


class _Measures(nn.Module):
    """Means over all pairs of a stage: of the terms of the loss, and of the metrics."""

    def __init__(self, terms: list[str], metrics: tuple[str, ...], stage: str) -> None:
        super().__init__()
        self.names = [f"{stage}/{name}" for name in (TOTAL, *terms)]
        self.losses = _Means(len(self.names))
        self.metrics = FusionMetrics(list(metrics), data_range=1.0, prefix=f"{stage}/")

    def update(self, values: dict[str, Tensor], fused: Tensor, a: Tensor, b: Tensor) -> None:
        self.losses.update(torch.stack(list(values.values())), len(fused))
        self.metrics.update(fused, a, b)

    def compute(self) -> dict[str, Tensor]:
        return dict(zip(self.names, self.losses.compute(), strict=True)) | self.metrics.compute()

    def reset(self) -> None:
        self.losses.reset()
        self.metrics.reset()


class _Means(Metric):
    """Means of several numbers at once, over all pairs of all processes."""

    total: Tensor
    count: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.add_state("total", torch.zeros(size), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros(()), dist_reduce_fx="sum")

    def update(self, values: Tensor, pairs: int) -> None:
        self.total = self.total + values * pairs
        self.count = self.count + pairs

    def compute(self) -> Tensor:
        return self.total / self.count


def begin_from(network: FusionNetwork, source: str | Path) -> None:
    """Load weights into a network that they fit to the last name and shape.

    Args:
        network: Changed in place.
        source: A model that ships, a model file, a released `.pth`, or the `.ckpt` of a run.

    Raises:
        FilmError: The source can't be read, or doesn't fit; the message says where.
    """
    if Path(source).suffix == ".ckpt":
        weights = network_weights(read_checkpoint(Path(source)))
    else:
        weights = load_model(source).network.state_dict()
    load_weights(network, weights, source=str(source))


def load_weights(network: FusionNetwork, weights: Mapping[str, Tensor], *, source: str) -> None:
    """Put weights into a network, all of them and no other.

    Args:
        network: Changed in place.
        weights: By name.
        source: Where they come from, for the error.

    Raises:
        FilmError: They don't fit; the message says which are missing, unknown or of another shape.
    """
    if problems := _misfits(network.state_dict(), weights):
        raise FilmError(f"the weights of {source} don't fit the network: {problems}")
    network.load_state_dict(weights)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read the checkpoint of a run, without running any code in it.

    Raises:
        FilmError: It isn't one.
    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise FilmError(f"no checkpoint {path}") from error
    except (pickle.UnpicklingError, OSError, RuntimeError, EOFError, ValueError) as error:
        raise FilmError(f"{path} can't be read as a checkpoint: {str(error).splitlines()[0]}") from error
    if not isinstance(checkpoint, dict) or "state_dict" not in checkpoint:
        raise FilmError(f"{path} is not the checkpoint of a run: it has no state_dict")
    return checkpoint


def network_weights(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights of the network alone, averaged ones if the run averaged them."""
    state = checkpoint["state_dict"]
    return {name.removeprefix(_NETWORK): value for name, value in state.items() if name.startswith(_NETWORK)}


def _misfits(expected: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    """Say which names are missing, unknown or of another shape; empty if none is."""
    missing, unknown = sorted(expected.keys() - given.keys()), sorted(given.keys() - expected.keys())
    shapes = [
        f"{name} {tuple(given[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected
        if name in given and given[name].shape != expected[name].shape
    ]
    kinds = {"missing": missing, "unknown": unknown, "of another shape": shapes}
    return "; ".join(f"{len(names)} {kind} ({_first(names)})" for kind, names in kinds.items() if names)


def _first(names: list[str], count: int = 4) -> str:
    return ", ".join(names[:count]) + (", …" if len(names) > count else "")
