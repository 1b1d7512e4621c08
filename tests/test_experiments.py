"""Every YAML of a run takes its place in one, and that run makes a step."""

import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tiny_runs import SILENT

from film.checkpoint import build_network, load_model
from film.commands.train import load_experiment
from film.concepts import OPPOSITES
from film.config import CONFIGS, compose, load
from film.data.generated import SyntheticDataModule
from film.data.wordings import content_words, load_wordings

ROOT = Path(__file__).parent.parent
OF_A_RUN = {"name", "seed_everything", "output_dir", "trainer", "callbacks", "model", "data"}
NEEDS = {"logger/tensorboard.yaml": "tensorboard"}
ONE_PROCESS = ["--trainer.accelerator=cpu", "--trainer.devices=1", "--trainer.num_nodes=1", "--trainer.strategy=auto"]
ONE_STEP = ["--trainer.precision=32-true", "--trainer.max_steps=1", "--trainer.num_sanity_val_steps=0"]
SLURM = {"JOB_ID": "1", "JOB_NAME": "film", "NTASKS": "1", "PROCID": "0", "LOCALID": "0", "NODEID": "0"}


BELOW = {"recipe/released.yaml": "data/msrs.yaml"}  # changes the data of a file that must come first


class WithTargets(SyntheticDataModule):
    """Drawn pairs with an ideal image, of which every second is asked for, for losses that compare with it."""

    def on_after_batch_transfer(self, batch: dict, dataloader_idx: int) -> dict:
        batch = super().on_after_batch_transfer(batch, dataloader_idx)
        asked = [row % 2 == 0 for row in range(len(batch["a"]))]
        return batch | {"target": torch.maximum(batch["a"], batch["b"]), "asked": asked}


def files() -> Iterator[tuple[str, Path]]:
    """Every YAML of a run, those of sweeps and other commands left out, with its name."""
    for folder in (CONFIGS, ROOT / "experiments"):
        for path in sorted(folder.rglob("*.yaml")):
            if load(path).keys() <= OF_A_RUN:
                yield path.relative_to(folder).as_posix(), path


FILES = dict(files())


def test_files_were_found() -> None:
    assert len(FILES) > 30
    assert {"tiny.yaml", "loss/mff.yaml", "trainer/slurm.yaml", "reproduce/medical.yaml"} <= FILES.keys()


@pytest.mark.parametrize("name", FILES)
def test_it_runs_one_step(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its own loss, optimizer, callbacks and logger, on drawn pairs in place of its data and the tiny network."""
    if (package := NEEDS.get(name)) and not importlib.util.find_spec(package):
        pytest.skip(f"needs the package {package}")
    if name == "trainer/slurm.yaml":
        for variable, value in SLURM.items():
            monkeypatch.setenv(f"SLURM_{variable}", value)
    below = f"--config={BELOW.get(name, 'tiny.yaml')}"
    tiny = [
        "--config=network/tiny.yaml",
        "--model.rates=null",
        "--model.grounding=0",  # its places listen to no words
        "--trainer.log_every_n_steps=1",
        f"--output_dir={tmp_path}",
    ]
    run = load_experiment("tiny.yaml", below, f"--config={FILES[name]}", *tiny, *SILENT, *ONE_PROCESS, *ONE_STEP)
    run.trainer.fit(run.model, WithTargets(size=(16, 16), train_pairs=8, val_pairs=1))
    assert run.trainer.global_step == 1


def test_the_rates_of_the_guided_run_name_parts_of_its_network() -> None:
    model = compose([FILES["guided/guided.yaml"]])["model"]
    names = [name for name, _ in build_network(model["network"]).named_parameters()]
    assert all(any(name.startswith(part) for name in names) for part in model["rates"])


def test_ears_are_trained_from_texts_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`read.py` keeps the images of a network, changes what hears, and hears as the network does."""
    monkeypatch.syspath_prepend(str(ROOT / "experiments" / "guided"))
    read = importlib.import_module("read")
    before = load_model("film-small").network
    texts = ["", "Make it brighter. It shows a street, two people and a car.", *load_wordings().nonsense.train[:4]]
    assert before.text_reader is not None
    heard = before.eval().text_reader.logits(before.encode_text(texts))
    torch.testing.assert_close(read.listen(before, texts), heard, atol=1e-3, rtol=1e-3)
    output = tmp_path / "ears.safetensors"
    read.main(f"--images film-small --texts {tmp_path} --steps 2 --batch 8 --device cpu --output {output}".split())
    after = load_model(output).network.state_dict()
    changed = {name for name, weight in before.state_dict().items() if not torch.equal(weight, after[name])}
    assert {name.partition(".")[0] for name in changed} == {"text_encoder", "text_reader"}
    assert {name for name in changed if name.startswith("text_reader")} <= {
        "text_reader.concept.weight",
        "text_reader.concept.bias",
    }


def test_words_that_are_left_out_are_not_learnt_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """`read.py --unheard` measures on wordings like those that are held out."""
    monkeypatch.syspath_prepend(str(ROOT / "experiments" / "guided"))
    wordings = load_wordings()
    left, unheard = importlib.import_module("read").leave_out(wordings, 0.2)
    for key, opposite in OPPOSITES.items():
        known = content_words(left.pooled(key).train + left.pooled(opposite).train)
        assert len(unheard[key]) >= 20
        assert set(unheard[key]) <= set(wordings.pooled(key).train) - set(left.pooled(key).train)
        assert all(content_words([said]) and not content_words([said]) & known for said in unheard[key])
        assert len(left.pooled(key).train) > len(wordings.pooled(key).train) / 2


@pytest.mark.realdata
def test_small_network_on_real_pairs(film_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILM_DATA", str(film_data))
    limits = ["--trainer.limit_train_batches=1", "--trainer.limit_val_batches=1", "--trainer.max_epochs=1"]
    limits += ["--trainer.log_every_n_steps=1", "--data.init_args.num_workers=0"]
    path = ROOT / "experiments" / "small" / "infrared_visible.yaml"
    run = load_experiment(path, *SILENT, *ONE_PROCESS, *limits, f"--output_dir={tmp_path}")
    run.trainer.fit(run.model, run.datamodule)
    assert run.trainer.global_step == 1
    assert run.trainer.callback_metrics["val/Qabf"].isfinite()
