"""Two ranks with unequal numbers of images give what one process gives."""

import socket
from pathlib import Path

import pytest
import torch
import torch.multiprocessing as mp
from torch import Tensor, distributed

from film.metrics.base import FusionMetrics

NAMES = ["EN", "VIF", "Qabf", "MSE"]


def pairs() -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randint(0, 256, (5, 1, 48, 48), generator=generator).double() for _ in range(3)]


def measure(rank: int, port: int, folder: str) -> None:
    distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    metrics = FusionMetrics(NAMES, double=True)
    mine = slice(0, 3) if rank == 0 else slice(3, 5)
    for index in range(*mine.indices(5)):
        metrics.update(*(image[index : index + 1] for image in pairs()))
    torch.save(metrics.compute(), Path(folder) / f"{rank}.pt")
    distributed.destroy_process_group()


@pytest.mark.slow
def test_two_ranks_equal_one(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.spawn(measure, (port, str(tmp_path)), nprocs=2)
    alone = FusionMetrics(NAMES, double=True)
    alone.update(*pairs())
    for rank in range(2):
        together = torch.load(tmp_path / f"{rank}.pt")
        for name, value in alone.compute().items():
            assert together[name].item() == pytest.approx(value.item(), rel=1e-12), (rank, name)
