"""A training step of the faithful network: time and memory against the same network written plainly.

    python benchmarks/training.py [--height 288 --width 384 --batch 2 --tokens 149 --threads 2 --repeat 2]

Forward, loss of infrared-visible, backward and Adam, on the same random weights. Three kinds, each in a process of its
own: `plain` is the network written plainly, `film` ours, `recompute` ours with `network/film_low_memory.yaml`. Memory
is the peak resident set above that of the process with the weights loaded. The losses must agree.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from plain_film import PlainFilm
from torch import nn

from film.checkpoint import build_network
from film.config import compose
from film.losses.base import TotalLoss
from film.losses.gradient import Gradient
from film.losses.intensity import Intensity
from film.released import translate

KINDS = {"plain": None, "film": "network/film.yaml", "recompute": "network/film_low_memory.yaml"}


def build(kind: str) -> nn.Module:
    """The network of one kind, with the same weights as the others."""
    torch.manual_seed(0)
    plain = PlainFilm().train()
    if KINDS[kind] is None:
        return plain
    network = build_network(compose([KINDS[kind]])["model"]["network"]).train()
    network.load_state_dict(translate(plain.state_dict()))
    return network


def measure(kind: str, args: argparse.Namespace) -> dict[str, float]:
    """Seconds a step, megabytes at the peak, and the loss after the last step."""
    torch.set_num_threads(args.threads)
    network = build(kind)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-5)
    loss = TotalLoss({"intensity": Intensity("max"), "gradient": Gradient(weight=20)})
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.rand(args.batch, 1, args.height, args.width, generator=generator) for _ in "ab")
    text = torch.randn(args.batch, args.tokens, 768, generator=generator)
    before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
    seconds = []
    for _ in range(args.repeat + 1):  # the first warms up
        start = time.perf_counter()
        optimizer.zero_grad()
        value = loss(network(a, b, text), a, b)["loss"]
        value.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return {"seconds": statistics.median(seconds[1:]), "megabytes": peak - before, "loss": value.item()}


def main() -> None:
    """Measure all kinds and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    defaults = {"height": 288, "width": 384, "batch": 2, "tokens": 149, "threads": 2, "repeat": 2}
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--only", choices=KINDS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        print(json.dumps(measure(args.only, args)))
        return
    print(f"{'':10}{'s a step':>10}{'MB':>8}{'loss':>12}{'speed':>8}{'memory':>8}")
    plain: dict[str, float] = {}
    for kind in KINDS:
        command = [sys.executable, __file__, *sys.argv[1:], "--only", kind]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        plain = plain or found
        ratios = plain["seconds"] / found["seconds"], found["megabytes"] / plain["megabytes"]
        numbers = f"{found['seconds']:10.2f}{found['megabytes']:8.0f}{found['loss']:12.6f}"
        print(f"{kind:10}{numbers}{ratios[0]:8.2f}{ratios[1]:8.2f}", flush=True)


if __name__ == "__main__":
    main()
