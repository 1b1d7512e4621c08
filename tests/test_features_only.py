"""Training with features that `film encode` made needs no language model, nor the package that runs it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from film.cli import main

# An environment in which transformers isn't installed: neither found nor listed, as torchmetrics looks it up there.
WITHOUT_TRANSFORMERS = """
import importlib.abc, importlib.metadata, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "transformers":
            raise ModuleNotFoundError("No module named 'transformers'", name="transformers")

def distribution(name, found=importlib.metadata.distribution):
    if name == "transformers":
        raise importlib.metadata.PackageNotFoundError(name)
    return found(name)

sys.meta_path.insert(0, Absent())
importlib.metadata.distribution = distribution
"""
TRAIN = """
from film.cli import main

for encoder in (["text_encoder/precomputed.yaml", "--model.network.init_args.text_encoder.init_args.dim=384"],
                ["text_encoder/minilm.yaml"]):
    files = ["tiny.yaml", "fusion/modulation.yaml", "data/msrs.yaml", encoder[0]]
    code = main(["fit", *(part for file in files for part in ("-c", file)), *encoder[1:], *sys.argv[1:]])
    assert code == 0, code
assert "torch" in sys.modules
print(sorted(name for name in sys.modules if name.split(".")[0] in ("transformers", "sentence_transformers")))
"""


@pytest.mark.slow
def test_training_with_features_needs_no_transformers(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    data = tmp_path / "VLFDataset"
    for side in ("IR", "VI"):
        for place in (data / "Image/IVF/MSRS" / side, data / "Text/IVF/MSRS" / side):
            place.mkdir(parents=True)
        for name in ("one", "two", "three"):
            Image.fromarray(random.integers(0, 256, (24, 24), np.uint8)).save(
                data / f"Image/IVF/MSRS/{side}/{name}.png"
            )
            (data / f"Text/IVF/MSRS/{side}/{name}.txt").write_text(f"A street, {name}.")
    (data / "Image/IVF/MSRS/train.txt").write_text("one.png\ntwo.png\n")
    (data / "Image/IVF/MSRS/val.txt").write_text("three.png\n")
    assert main(["encode", "--data", str(tmp_path), "--text-encoder", "hashing", "--text-encoder.dim=384"]) == 0
    options = {
        "trainer.max_steps": "1",
        "trainer.enable_progress_bar": "false",
        "trainer.accelerator": "cpu",
        "data.init_args.root": str(tmp_path),
        "data.init_args.words": "features",
        "data.init_args.crop": "16",
        "data.init_args.batch_size": "2",
        "data.init_args.num_workers": "0",
        "model.metrics": "[EN]",
        "callbacks.curve": "null",
        "output_dir": str(tmp_path / "run"),
    }
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_TRANSFORMERS + TRAIN, *(f"--{key}={value}" for key, value in options.items())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "[]"
    assert (tmp_path / "run/checkpoints/last.ckpt").is_file()
