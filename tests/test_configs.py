"""Every YAML that comes with film builds a network that fuses."""

import pytest
import torch

from film.checkpoint import build_network
from film.config import CONFIGS, compose

NETWORKS = sorted(path.relative_to(CONFIGS).as_posix() for path in CONFIGS.glob("network/*.yaml"))
SLOTS = ("image_encoder", "text_encoder", "fusion", "decoder")
PARTS = sorted(path.relative_to(CONFIGS).as_posix() for slot in SLOTS for path in CONFIGS.glob(f"{slot}/*.yaml"))


def fuse(*files: str) -> torch.Tensor:
    network = build_network(compose(files)["model"]["network"]).eval()
    return network(torch.rand(1, 1, 17, 23), torch.rand(1, 1, 17, 23))


@pytest.mark.parametrize("name", NETWORKS)
def test_network_fuses(name: str) -> None:
    fused = fuse(name)
    assert fused.shape == (1, 1, 17, 23)
    assert 0 <= fused.min() <= fused.max() <= 1


@pytest.mark.parametrize("name", PARTS)
def test_part_takes_its_place_in_another_network(name: str) -> None:
    slot = name.split("/")[0]
    whole = compose(["network/modulated.yaml", name])["model"]["network"]["init_args"]
    assert whole[slot] == compose([name])["model"]["network"]["init_args"][slot]  # nothing of the old one is left
    assert fuse("network/modulated.yaml", name).isfinite().all()
