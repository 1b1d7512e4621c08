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


def data_folder() -> Path | None:
    """FILM_DATA, which names the folder that holds `VLFDataset` or `VLFDataset` itself."""
    if "FILM_DATA" not in os.environ:
        return None
    named = Path(os.environ["FILM_DATA"]).resolve()
    return named.parent if named.name == "VLFDataset" else named


@pytest.fixture(scope="session")
def film_data() -> Path:
    """The folder that holds `VLFDataset` with the real image pairs."""
    folder = data_folder()
    if folder is None:
        pytest.skip("FILM_DATA does not name the folder with the real image pairs")
    assert (folder / "VLFDataset").is_dir(), f"FILM_DATA leads to {folder}, which holds no VLFDataset"
    return folder


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder with reference numbers of the released network: FILM_GOLDEN, or `golden` beside the data's folder."""
    data = data_folder()
    folder = Path(os.environ["FILM_GOLDEN"]) if "FILM_GOLDEN" in os.environ else data and data.parent / "golden"
    if folder is None or not folder.is_dir():
        pytest.skip("neither FILM_GOLDEN nor FILM_DATA leads to the reference numbers of the released network")
    return folder
