"""`film fit` and its kin: from config files to a run that stops, continues, and leaves a model behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from tiny_runs import QUICK, experiment, fit

from film.checkpoint import load_network
from film.cli import main
from film.commands.train import compose_arguments
from film.errors import FilmError
from film.task import network_weights, read_checkpoint

INTERRUPT = "--callbacks.interrupt.class_path=tiny_runs.Interrupt"


def final(folder: Path) -> dict[str, torch.Tensor]:
    return network_weights(read_checkpoint(folder / "checkpoints" / "last.ckpt"))


def equal(first: Path, second: Path) -> bool:
    """Whether two runs ended with the same weights, to the bit."""
    one, other = final(first), final(second)
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


class TestConfig:
    @pytest.mark.parametrize("flags", [["--name", "mine"], ["--name=mine"]])
    def test_flags_reach_interpolations(self, flags: list[str]) -> None:
        composed, rest = compose_arguments(["fit", "-c", "tiny.yaml", *flags, "--trainer.max_epochs=1"])
        assert composed["output_dir"] == "outputs/mine/seed_0"
        assert composed["trainer"]["logger"]["init_args"]["save_dir"] == "outputs/mine/seed_0"
        assert rest == ["fit", "--trainer.max_epochs=1"]

    def test_later_files_and_flags_win(self, tmp_path: Path) -> None:
        file = tmp_path / "mine.yaml"
        file.write_text(
            "extends: tiny.yaml\ntrainer: {max_epochs: 7}\nmodel: {loss: {gradient: {init_args: {weight: 2}}}}\n"
        )
        run = experiment(tmp_path, f"--config={file}", "--model.loss.intensity.weight=3")
        weights = {name: term.weight for name, term in run.model.loss.terms.items()}
        assert weights == {"intensity": 3, "gradient": 2}
        assert run.model.loss.terms["gradient"].compare == "vector"

    def test_a_callback_is_left_out_by_null_and_others_stay(self, tmp_path: Path) -> None:
        names = {type(callback).__name__ for callback in experiment(tmp_path).trainer.callbacks}
        fewer = {type(c).__name__ for c in experiment(tmp_path, "--callbacks.pictures=null").trainer.callbacks}
        assert names - fewer == {"PictureGrid"}

    def test_run_folder_tells_how_to_repeat_it(self, tmp_path: Path) -> None:
        fit(tmp_path / "one", "--trainer.max_epochs=1", "--seed_everything=3")
        config = yaml.safe_load((tmp_path / "one" / "config.yaml").read_text())
        assert config["seed_everything"] == 3
        assert config["trainer"]["max_epochs"] == 1
        assert main(["fit", "-c", str(tmp_path / "one" / "config.yaml"), "--trainer.max_steps=4"]) == 0


class TestBadInput:
    """One line on stderr that names the key or the file, and exit code 2, before any training."""

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("model: {netwrk: {a: 1}}", "unknown key model.netwrk"),
            ("modle: {a: 1}", "unknown key modle"),
            ("trainer: {max_epoch: 3}", "unknown key trainer.max_epoch"),
            (
                "model: {network: {init_args: {image_encoder: {init_args: {chanels: 4}}}}}",
                "unknown key model.network.init_args.image_encoder.init_args.chanels",
            ),
            ("model: {loss: {gradient: {init_args: {weigth: 4}}}}", "unknown key model.loss.gradient.init_args.weigth"),
            ("model: {loss: {gradient: {init_args: {weight: -1}}}}", "weight -1 of Gradient is negative"),
            ("model: {metrics: [SSM]}", "no metric 'SSM'"),
            ("trainer: {max_epochs: many}", "trainer.max_epochs: Expected a <class 'int'>"),
            ("trainer: {accelerator: abacus}", "accelerator='abacus'"),
            ("data: {class_path: film.data.generated.Nothing}", "has no attribute 'Nothing'"),
            ("extends: nothing.yaml", "no config file nothing.yaml"),
            ("name: ${trainer.devices}", "only top-level keys may be interpolated"),
        ],
    )
    def test_in_a_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, message: str) -> None:
        (tmp_path / "bad.yaml").write_text(content)
        code = main(["fit", "-c", "tiny.yaml", "-c", str(tmp_path / "bad.yaml"), f"--output_dir={tmp_path}/run"])
        last = capsys.readouterr().err.strip().splitlines()[-1]
        assert code == 2
        assert last.startswith("film fit: error: ")
        assert message in last
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["fit"], "no experiment is given"),
            (["fit", "-c", "tiny.yaml", "--modle.x=1"], "--modle.x=1"),
            (["fit", "-c", "tiny.yaml", "--ckpt_path=none.ckpt"], "no checkpoint none.ckpt"),
            (["test", "-c", "tiny.yaml", "--output_dir=nowhere"], "no checkpoint nowhere/checkpoints/best.ckpt"),
            (["export", "nowhere"], "no folder nowhere"),
        ],
    )
    def test_in_flags(self, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
        assert main(arguments) == 2
        assert message in capsys.readouterr().err.strip().splitlines()[-1]

    def test_in_a_checkpoint(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """One that is broken, and one of another network, whose arguments don't take the place of those asked for."""
        (tmp_path / "broken.ckpt").write_bytes(b"PK\x03\x04 nothing")
        fit(tmp_path / "run", "--trainer.max_epochs=1")
        other = str(tmp_path / "run" / "checkpoints" / "last.ckpt")
        wider = "--model.network.init_args.image_encoder.init_args.channels=6"
        for flags, message in [
            ([f"--ckpt_path={tmp_path}/broken.ckpt"], "can't be read as a checkpoint"),
            ([f"--ckpt_path={other}", wider], "the checkpoint is of another network: 5 of another shape"),
        ]:
            command = ["fit", "-c", "tiny.yaml", *QUICK, f"--output_dir={tmp_path}/next", *flags]
            assert main(command) == 2
            assert message in capsys.readouterr().err.strip().splitlines()[-1]

    def test_loss_without_its_image_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(FilmError, match="no `target`"):
            fit(tmp_path, "--model.loss.ideal.class_path=film.losses.target.Target")


THREE = ("--trainer.max_epochs=3", "--model.scheduler.T_max=3")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three epochs of four steps, never stopped; the rate falls after every epoch."""
    folder = tmp_path_factory.mktemp("whole")
    fit(folder, *THREE)
    return folder


class TestResume:
    """A run that was stopped ends with the weights of one that wasn't, to the bit."""

    def test_at_the_end_of_an_epoch(self, tmp_path: Path, whole: Path) -> None:
        fit(tmp_path, *THREE, "--trainer.max_epochs=1")
        run = fit(tmp_path, *THREE, resume=str(tmp_path / "checkpoints" / "last.ckpt"))
        assert run.trainer.global_step == 12
        assert equal(tmp_path, whole)

    @pytest.mark.parametrize(("step", "validating"), [(6, False), (8, True)], ids=["training", "validation"])
    def test_terminated_in_mid_epoch(self, tmp_path: Path, whole: Path, step: int, validating: bool) -> None:
        """SIGTERM saves at once, and the loader goes on with the next batch."""
        interrupt = [INTERRUPT, f"--callbacks.interrupt.step={step}", "--callbacks.interrupt.name=SIGTERM"]
        interrupt += [f"--callbacks.interrupt.validating={validating}"]
        command = ["fit", "-c", "tiny.yaml", *QUICK, *THREE, f"--output_dir={tmp_path}", "--ckpt_path=last"]
        assert main([*command, *interrupt]) == 128 + signal.SIGTERM
        assert read_checkpoint(tmp_path / "checkpoints" / "last.ckpt")["global_step"] == step
        assert main(command) == 0
        assert equal(tmp_path, whole)

    @pytest.mark.slow
    def test_killed_in_mid_epoch(self, tmp_path: Path, whole: Path) -> None:
        """SIGKILL leaves the checkpoint of the last epoch; the command is the same for the first and the last start."""
        command = [sys.executable, "-m", "film", "fit", "-c", "tiny.yaml", *QUICK, *THREE]
        command += [f"--output_dir={tmp_path}", "--ckpt_path=last"]
        interrupt = [INTERRUPT, "--callbacks.interrupt.step=7", "--callbacks.interrupt.name=SIGKILL"]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        killed = subprocess.run([*command, *interrupt], env=environment, capture_output=True, text=True, check=False)
        assert killed.returncode == -9, killed.stderr
        assert read_checkpoint(tmp_path / "checkpoints" / "last.ckpt")["global_step"] == 4
        assert main(command[3:]) == 0
        assert equal(tmp_path, whole)


def test_from_a_run_to_a_fused_pair(tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The commands that a run prints in the end work as they stand; the others find its best weights."""
    common = ["-c", "tiny.yaml", *QUICK, f"--output_dir={tmp_path}"]
    assert main(["fit", *common]) == 0
    said = capsys.readouterr().out
    commands = [line.split()[1:] for line in said.splitlines() if line.startswith("  film ")]
    assert [command[0] for command in commands] == ["export", "fuse"]
    assert main(commands[0]) == 0
    samples = root / "film" / "samples" / "IVF"
    a, b = (next(iter(sorted((samples / side).iterdir()))) for side in ("IR", "VI"))
    model = commands[1][commands[1].index("--model") + 1]
    assert main(["fuse", str(a), str(b), "--model", model, "--output", str(tmp_path / "fused.png")]) == 0
    assert (tmp_path / "fused.png").stat().st_size > 0

    capsys.readouterr()
    assert main(["validate", *common]) == 0
    assert main(["test", *common]) == 0
    tables = capsys.readouterr().out
    assert "val " in tables
    assert "test " in tables
    assert main(["predict", *common]) == 0
    assert len(list((tmp_path / "fused").glob("*.png"))) == 8 // 4 * 1


class TestExport:
    def test_last_to_a_file_of_any_name(self, tmp_path: Path) -> None:
        fit(tmp_path, "--trainer.max_epochs=1")
        target = tmp_path / "mine.safetensors"
        assert main(["export", str(tmp_path), "--checkpoint", "last", "--output", str(target)]) == 0
        exported = load_network(target).state_dict()
        assert all(torch.equal(value, exported[name]) for name, value in final(tmp_path).items())

    def test_bad_input(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        fit(tmp_path, "--trainer.max_epochs=1")
        run = str(tmp_path)
        for arguments, message in [
            ([run, "--output", f"{run}/model.pth"], "ends in .safetensors"),
            ([run, "--output", f"{run}/no/model.safetensors"], "there is no folder"),
            ([run, "--checkpoint", f"{run}/none.ckpt"], "no checkpoint"),
            ([f"{run}/checkpoints", "--checkpoint", f"{run}/checkpoints/last.ckpt"], "it has no config.yaml"),
        ]:
            assert main(["export", *arguments]) == 2
            assert message in capsys.readouterr().err
        assert not list(tmp_path.rglob("model.*"))
