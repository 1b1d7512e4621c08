"""Several processes train and measure as one does."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_runs import QUICK, experiment, fit

from film.errors import FilmError
from film.task import network_weights, read_checkpoint

TWO = ("--trainer.devices=2", "--trainer.strategy=ddp_fork")
PLAIN = ("--model.optimizer=SGD", "--model.optimizer.lr=0.05", "--trainer.gradient_clip_val=null")
ADAM = ("--model.optimizer=Adam", "--model.optimizer.lr=0.01", "--trainer.gradient_clip_val=null")


def final(folder: Path) -> dict[str, torch.Tensor]:
    """The weights after all 8 steps."""
    checkpoint = read_checkpoint(folder / "checkpoints" / "last.ckpt")
    assert checkpoint["global_step"] == 8
    return network_weights(checkpoint)


def assert_same_run(folders: tuple[Path, Path], metrics: list[dict[str, torch.Tensor]]) -> None:
    first, second = (final(folder) for folder in folders)
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, atol=1e-5, rtol=1e-5)
    shared = [name for name in metrics[0] if name.endswith("_epoch") or name.startswith("val/")]
    assert {"train/loss_epoch", "val/loss", "val/EN"} <= set(shared)
    for name in shared:
        assert metrics[1][name].item() == pytest.approx(metrics[0][name].item(), rel=1e-5), name


@pytest.mark.parametrize("optimizer", [PLAIN, ADAM], ids=["SGD", "Adam"])
def test_two_processes_are_one_with_twice_the_batch(tmp_path: Path, optimizer: tuple[str, ...]) -> None:
    """Losses, weights after 8 steps, and the metrics of 3 validation pairs: none is counted twice."""
    common = (*optimizer, "--data.init_args.val_pairs=3")
    folders = tmp_path / "one", tmp_path / "two"
    one = fit(folders[0], *common, "--data.init_args.batch_size=4")
    two = fit(folders[1], *common, "--data.init_args.batch_size=2", *TWO)
    assert_same_run(folders, [one.trainer.callback_metrics, two.trainer.callback_metrics])


AS_ON_GPUS = ("--config=trainer/ddp.yaml", "--trainer.accelerator=cpu", "--trainer.devices=2")
AS_ON_GPUS += ("--trainer.strategy.init_args.start_method=fork", "--data.init_args.batch_size=1")


@pytest.mark.filterwarnings("ignore:`broadcast_buffers` is deprecated")  # its successor came with torch 2.15
@pytest.mark.parametrize("static", [True, False])
def test_strategy_for_gpus(tmp_path: Path, static: bool) -> None:
    """Half precision, averaged weights, unequal numbers of validation pairs; accumulated gradients where that goes."""
    options = (
        () if static else ("--trainer.strategy.init_args.static_graph=false", "--trainer.accumulate_grad_batches=2")
    )
    ema = "--callbacks.ema.class_path=lightning.pytorch.callbacks.EMAWeightAveraging"
    run = fit(tmp_path, *AS_ON_GPUS, *options, ema, "--data.init_args.val_pairs=3")
    assert run.trainer.callback_metrics["val/loss"].isfinite()


def test_static_graph_cannot_accumulate(tmp_path: Path) -> None:
    with pytest.raises(FilmError, match="static_graph=false"):
        experiment(tmp_path, *AS_ON_GPUS, "--trainer.accumulate_grad_batches=2")


def test_resume_with_another_number_of_processes(tmp_path: Path) -> None:
    """A checkpoint belongs to no number of processes: one epoch with two, the second with one."""
    fit(tmp_path / "mixed", *PLAIN, *TWO, "--data.init_args.batch_size=2", "--trainer.max_epochs=1")
    last = str(tmp_path / "mixed" / "checkpoints" / "last.ckpt")
    mixed = fit(tmp_path / "mixed", *PLAIN, "--data.init_args.batch_size=4", resume=last)
    one = fit(tmp_path / "one", *PLAIN, "--data.init_args.batch_size=4")
    assert_same_run(
        (tmp_path / "one", tmp_path / "mixed"), [one.trainer.callback_metrics, mixed.trainer.callback_metrics]
    )


@pytest.mark.slow
def test_two_nodes_on_one_machine(tmp_path: Path) -> None:
    """As `trainer/multi_node.yaml` is started: torchrun on either node."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nodes = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "torch.distributed.run", "--nnodes=2", f"--node_rank={rank}"),
                *("--nproc_per_node=1", "--master_addr=127.0.0.1", f"--master_port={port}"),
                *("-m", "film", "fit", "-c", "tiny.yaml", *QUICK, *PLAIN, f"--output_dir={tmp_path}/two"),
                *("--trainer.num_nodes=2", "--trainer.strategy=ddp", "--data.init_args.batch_size=2"),
            ],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    outputs = [node.communicate(timeout=300)[0] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], outputs
    assert outputs[0].count("The run lies in") == 1
    assert "The run lies in" not in outputs[1]
    fit(tmp_path / "one", *PLAIN, "--data.init_args.batch_size=4")
    expected = final(tmp_path / "one")
    for name, value in final(tmp_path / "two").items():
        torch.testing.assert_close(value, expected[name], atol=1e-5, rtol=1e-5)


def test_too_few_pairs_for_the_processes_are_refused(tmp_path: Path) -> None:
    run = experiment(tmp_path, *TWO, "--data.init_args.val_pairs=1")
    with pytest.raises(Exception, match="1 pairs for validation don't go round 2 processes"):
        run.trainer.fit(run.model, run.datamodule)
