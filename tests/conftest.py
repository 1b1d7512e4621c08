"""What every test shares: one thread a process, no network, and the real data where it lies."""

import os
from pathlib import Path

# Before the first import of torch and of the hub's client, which read them once.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
os.environ.setdefault("WANDB_MODE", "offline")

import pytest
import torch

ROOT = Path(__file__).parent.parent


def pytest_configure() -> None:
    # Several processes with several threads each fight for the cores and get slower by an order of magnitude.
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seed() -> None:
    """The same random weights and inputs, whichever tests ran before in this process."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def film_data() -> Path:
    """The folder that holds `VLFDataset` with the real image pairs; FILM_DATA may also name `VLFDataset` itself."""
    if "FILM_DATA" not in os.environ:
        pytest.skip("FILM_DATA does not name the folder with the real image pairs")
    named = Path(os.environ["FILM_DATA"]).resolve()
    folder = named.parent if named.name == "VLFDataset" else named
    if not (folder / "VLFDataset").is_dir():
        pytest.fail(f"FILM_DATA names {named}, which is neither VLFDataset nor the folder that holds it")
    return folder


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder with reference numbers of the released network: FILM_GOLDEN, or `golden` beside the data's folder."""
    beside_data = Path(os.environ["FILM_DATA"]).resolve().parent / "golden" if "FILM_DATA" in os.environ else None
    folder = Path(os.environ["FILM_GOLDEN"]) if "FILM_GOLDEN" in os.environ else beside_data
    if folder is None or not folder.is_dir():
        pytest.skip("neither FILM_GOLDEN nor FILM_DATA leads to the reference numbers of the released network")
    return folder
