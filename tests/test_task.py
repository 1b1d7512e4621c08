"""FusionTask: what it logs, saves, loads and learns."""

import csv
import logging
from pathlib import Path

import pytest
import torch
from tiny_runs import experiment, fit
from torch.optim.lr_scheduler import StepLR

from film.checkpoint import Model, build_network, save_model
from film.concepts import CONCEPTS
from film.config import compose
from film.errors import FilmError
from film.losses.gradient import Gradient
from film.losses.intensity import Intensity
from film.task import FusionTask, network_weights, read_checkpoint


def logged(folder: Path) -> dict[str, list[float]]:
    """All values of all columns of the newest CSV log."""
    newest = max((folder / "logs").glob("version_*/metrics.csv"))
    with newest.open() as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows if row[name]] for name in rows[0]}


def weights(folder: Path, which: str = "last") -> dict[str, torch.Tensor]:
    return network_weights(read_checkpoint(folder / "checkpoints" / f"{which}.ckpt"))


def test_it_learns_and_logs_everything(tmp_path: Path) -> None:
    fit(tmp_path)
    log = logged(tmp_path)
    assert {"train/loss", "train/intensity", "train/gradient", "train/images_per_s", "lr-AdamW"} <= log.keys()
    assert {"train/loss_epoch", "val/loss", "val/intensity", "val/gradient", "val/EN"} <= log.keys()
    first, last = log["val/loss"]
    assert last < first
    total = log["val/intensity"][0] + 5 * log["val/gradient"][0]
    assert log["val/loss"][0] == pytest.approx(total, rel=1e-5)
    assert all(rate > 0 for rate in log["train/images_per_s"])


def test_validation_does_not_depend_on_the_batch_size(tmp_path: Path) -> None:
    sizes = [f"--data.init_args.eval_batch_size={size}" for size in (1, 2)]
    results = []
    for number, size in enumerate(sizes):
        run = experiment(tmp_path / str(number), size, "--data.init_args.val_pairs=3")
        results.append(run.trainer.validate(run.model, run.datamodule, verbose=False)[0])
    assert results[0] == pytest.approx(results[1], rel=1e-5)


def test_test_sets_are_told_apart(tmp_path: Path) -> None:
    run = experiment(tmp_path, "--data.init_args.tasks=[IVF, MFF]")
    run.trainer.test(run.model, run.datamodule, verbose=False)
    assert {"test/IVF/EN", "test/MFF/EN", "test/IVF/loss"} <= run.trainer.callback_metrics.keys()
    one = experiment(tmp_path)
    one.trainer.test(one.model, one.datamodule, verbose=False)
    assert one.trainer.callback_metrics["test/EN"] == run.trainer.callback_metrics["test/IVF/EN"]


def test_bfloat16_on_the_cpu_learns(tmp_path: Path) -> None:
    fit(tmp_path, "--trainer.precision=bf16-mixed")
    first, last = logged(tmp_path)["val/loss"]
    assert last < first


def test_accumulated_gradients_are_those_of_a_larger_batch(tmp_path: Path) -> None:
    plain = ["--model.optimizer=SGD", "--model.optimizer.lr=0.1", "--trainer.gradient_clip_val=null"]
    fit(tmp_path / "whole", *plain)
    fit(tmp_path / "parts", *plain, "--data.init_args.batch_size=2", "--trainer.accumulate_grad_batches=2")
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, atol=1e-6, rtol=1e-5)


def test_parts_learn_at_their_own_rates(tmp_path: Path) -> None:
    run = fit(tmp_path, "--model.rates={image_encoders: 0, decoder: 0.1}")
    optimizer = run.trainer.optimizers[0]
    base = optimizer.defaults["lr"]
    rates = {id(weight): group["initial_lr"] for group in optimizer.param_groups for weight in group["params"]}
    factors = {name: rates.get(id(weight), 0) / base for name, weight in run.model.network.named_parameters()}
    for part, factor in (("image_encoders", 0), ("decoder", 0.1), ("stages", 1)):
        found = [value for name, value in factors.items() if name.startswith(part)]
        assert found == pytest.approx([factor] * len(found))
        assert found
    assert all(weight.requires_grad == (factors[name] > 0) for name, weight in run.model.network.named_parameters())


def test_a_rate_of_no_part_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FilmError, match=r"no weight of the network begins with 'reader'; its parts: image_encoders"):
        fit(tmp_path, "--model.rates={reader: 0.2}")


def test_averaged_weights_are_what_is_kept(tmp_path: Path) -> None:
    ema = "lightning.pytorch.callbacks.EMAWeightAveraging"
    run = fit(tmp_path, f"--callbacks.ema.class_path={ema}", "--callbacks.ema.decay=0.9")
    checkpoint = read_checkpoint(tmp_path / "checkpoints" / "last.ckpt")
    averaged, current = network_weights(checkpoint), checkpoint["current_model_state"]
    name, value = next(iter(averaged.items()))
    assert not torch.equal(value, current[f"network.{name}"])
    assert torch.equal(value, run.model.network.state_dict()[name])


def test_checkpoint_rebuilds_the_task(tmp_path: Path) -> None:
    run = fit(tmp_path)
    task = FusionTask.load_from_checkpoint(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)
    expected = run.model.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in task.state_dict().items())
    assert task.loss.terms["gradient"].weight == 5


def test_frozen_text_encoder_is_not_saved_and_texts_are_encoded_once(tmp_path: Path) -> None:
    run = experiment(
        tmp_path,
        "--config=network/modulated.yaml",
        "--config=fusion/modulation.yaml",
        "--trainer.max_epochs=1",
        "--trainer.log_every_n_steps=1",
        "--data.init_args.train_pairs=4",
        "--data.init_args.words=task",
        "--callbacks.pictures=null",
    )
    encoder = run.model.network.text_encoder
    run.trainer.fit(run.model, run.datamodule)
    assert not [
        name for name in read_checkpoint(tmp_path / "checkpoints" / "last.ckpt")["state_dict"] if "text_enc" in name
    ]
    assert len(encoder._cache) == 1


def test_fine_tuning_begins_where_a_run_ended(tmp_path: Path) -> None:
    fit(tmp_path / "first", "--trainer.max_epochs=1")
    checkpoint = tmp_path / "first" / "checkpoints" / "last.ckpt"
    config = compose(["tiny.yaml"])["model"]["network"]
    network = build_network(config)
    network.load_state_dict(weights(tmp_path / "first"))
    save_model(Model("first", network, config), tmp_path / "first.safetensors")
    for source in (checkpoint, tmp_path / "first.safetensors"):
        begun = experiment(tmp_path, f"--model.weights={source}").model.network.state_dict()
        assert all(torch.equal(value, begun[name]) for name, value in weights(tmp_path / "first").items())


def test_misfits_are_named(tmp_path: Path) -> None:
    fit(tmp_path, "--trainer.max_epochs=1")
    checkpoint = tmp_path / "checkpoints" / "last.ckpt"
    wider = "--model.network.init_args.image_encoder.init_args.channels=6"
    message = r"of another shape \(image_encoders\.0\.body\.0\.0\.weight \(4, 1, 3, 3\) instead of \(6, 1, 3, 3\)"
    with pytest.raises(FilmError, match=message):
        experiment(tmp_path, wider, f"--model.weights={checkpoint}")
    with pytest.raises(FilmError, match=r"checkpoint is of another network: .* \(4, 1, 3, 3\) instead of"):
        fit(tmp_path, wider, resume=str(checkpoint))
    deeper = "--model.network.init_args.stages=2"
    with pytest.raises(FilmError, match=r"2 missing \(stages\.1"):
        experiment(tmp_path, deeper, f"--model.weights={checkpoint}")


def test_checkpoints_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(FilmError, match="no checkpoint"):
        read_checkpoint(tmp_path / "missing.ckpt")
    (tmp_path / "broken.ckpt").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(FilmError, match="can't be read as a checkpoint"):
        read_checkpoint(tmp_path / "broken.ckpt")
    torch.save([1, 2], tmp_path / "list.ckpt")
    with pytest.raises(FilmError, match="no state_dict"):
        read_checkpoint(tmp_path / "list.ckpt")
    with pytest.raises(FilmError, match="no model"):
        experiment(tmp_path, "--model.weights=missing.safetensors")


def test_places_are_taught_only_where_it_is_known_what_words_point_at(tmp_path: Path) -> None:
    with pytest.raises(FilmError, match="give the data a guidance"):
        fit(tmp_path, "--model.grounding=1")


def test_grounding_is_logged_and_counts() -> None:
    """The places of a network that listens to words get its slope; without images to learn from, nothing else would."""
    network = build_network(compose(["network/film_tiny.yaml"])["model"]["network"])
    task = FusionTask(network, {"intensity": Intensity(weight=0)}, optimizer=torch.optim.SGD, grounding=2.0)
    a, b = torch.rand(2, 1, 1, 32, 48)
    place = torch.zeros_like(a)
    place[..., :16] = 1.0
    batch = {"a": a, "b": b, "text": ["Fuse MRI and PET. Stress the uptake."], "place": place}
    batch["named"] = torch.tensor([[float(concept in ("MIF", "uptake")) for concept in CONCEPTS]])
    values = task._learn(batch)
    assert values["loss"].item() == pytest.approx(2 * values["grounding"].item())
    values["loss"].backward()
    asked = [weight.grad for name, weight in network.named_parameters() if name.endswith("look.ask.weight")]
    assert asked
    assert all(grad is not None and grad.abs().max() > 0 for grad in asked)


def test_a_term_is_left_out_by_null(tmp_path: Path) -> None:
    assert list(experiment(tmp_path, "--model.loss.gradient=null").model.loss.terms) == ["intensity"]


def test_python_builds_it_without_any_config(caplog: pytest.LogCaptureFixture) -> None:
    network = build_network(compose(["tiny.yaml"])["model"]["network"])
    task = FusionTask(
        network,
        {"intensity": Intensity(), "gradient": Gradient(weight=2)},
        optimizer=torch.optim.SGD,
        scheduler=lambda optimizer: StepLR(optimizer, 1),
        scheduler_interval="step",
    )
    with caplog.at_level(logging.WARNING):
        plan = task.configure_optimizers()
    assert plan["lr_scheduler"]["interval"] == "step"
    assert not task.hparams  # live objects would be pickled into every checkpoint
    a, b = torch.rand(2, 1, 1, 16, 16)
    assert task(a, b).shape == (1, 1, 16, 16)


def test_plateau_schedule_watches_its_metric(tmp_path: Path) -> None:
    plateau = "lightning.pytorch.cli.ReduceLROnPlateau"
    run = fit(tmp_path, f"--model.scheduler={plateau}", "--model.scheduler.monitor=val/loss")
    assert run.trainer.lr_scheduler_configs[0].monitor == "val/loss"
