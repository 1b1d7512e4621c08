"""What a run leaves behind for people: pictures, curve, speed, a summary."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from tiny_runs import experiment, fit

from film.callbacks.curve import LossCurve, draw_curves
from film.callbacks.pictures import FusedWriter
from film.callbacks.summary import summary


def test_picture_of_each_validation(tmp_path: Path) -> None:
    fit(tmp_path, "--callbacks.pictures.count=3", "--data.init_args.val_pairs=5")
    pictures = sorted((tmp_path / "pictures").iterdir())
    assert [picture.name for picture in pictures] == ["epoch_0000.png", "epoch_0001.png"]
    with Image.open(pictures[0]) as first:
        assert first.height > 3 * 256  # three rows, tiny images magnified
        assert first.width > 3 * 256


@pytest.mark.parametrize(("count", "pairs", "batch"), [(4, 1, 1), (2, 3, 3), (0, 2, 1)])
def test_picture_with_few_pairs(tmp_path: Path, count: int, pairs: int, batch: int) -> None:
    run = experiment(
        tmp_path,
        f"--callbacks.pictures.count={count}",
        f"--data.init_args.val_pairs={pairs}",
        f"--data.init_args.eval_batch_size={batch}",
    )
    run.trainer.validate(run.model, run.datamodule, verbose=False)
    assert len(list(tmp_path.glob("pictures/*"))) == min(count, 1)


def test_curve_goes_on_in_a_resumed_run(tmp_path: Path) -> None:
    curve = ("--callbacks.curve.class_path=film.callbacks.curve.LossCurve", "--trainer.max_epochs=1")
    fit(tmp_path, *curve)
    last = str(tmp_path / "checkpoints" / "last.ckpt")
    run = fit(tmp_path, *curve, "--trainer.max_epochs=2", resume=last)
    found = next(callback for callback in run.trainer.callbacks if isinstance(callback, LossCurve))
    assert [step for step, _ in found.curves["val/loss"]] == [4, 8]
    assert [step for step, _ in found.curves["train/loss"]] == [2, 4, 6, 8]
    with Image.open(tmp_path / "loss_curve.png") as picture:
        assert picture.width > 1000
    json.dumps(found.state_dict())  # plain numbers: a checkpoint must not need code to be read


def test_curve_of_one_point(tmp_path: Path) -> None:
    draw_curves({"train/loss": [(1, 2.0)], "train/edges_epoch": [(1, 0.5)]}, tmp_path / "new" / "curve.png")
    assert (tmp_path / "new" / "curve.png").exists()


def test_summary_names_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = fit(tmp_path / "runs" / "mine", "--trainer.max_epochs=1")
    said = summary(run.trainer)
    assert "1 epochs, 4 steps. The run lies in runs/mine:" in said
    for path in ("checkpoints/best.ckpt   val/loss = ", "checkpoints/last.ckpt", "pictures", "logs/version_0"):
        assert f"runs/mine/{path}" in said
    assert "loss_curve" not in said  # there is none
    assert "film export runs/mine --output runs/mine/model.safetensors" in said


def test_names_of_pairs_stay_within_the_folder(tmp_path: Path) -> None:
    run = experiment(tmp_path)
    names = ["MSRS/00123N.png", "../../up", "a b/ü:c"]
    batch = {"name": names, "a": torch.zeros(3, 1, 4, 4)}
    FusedWriter().write_on_batch_end(run.trainer, run.model, torch.rand(3, 1, 4, 4), None, batch, 0, 0)
    written = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png"))
    assert written == ["fused/MSRS/00123N.png", "fused/_/_/up.png", "fused/a_b/ü_c.png"]
