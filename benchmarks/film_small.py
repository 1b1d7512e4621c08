"""Speed and memory of film-small against the faithful network of FILM.

    python benchmarks/film_small.py [--model film-small] [--threads 2] [--repeat 5]

Seconds are those of the networks alone on 640x480, in turn in one process. Megabytes are the peak resident set of a
process that fuses one pair with the pipeline, text features given, so that no text encoder is loaded.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from film.checkpoint import build_network, load_model
from film.config import compose
from film.pipeline import FusionPipeline
from film.tasks import SENTENCES

SIZES = ((640, 480), (1280, 1024), (3840, 2160))


def seconds(work: Callable[[], Any]) -> float:
    """Once."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(args: argparse.Namespace) -> None:
    """Print seconds of both networks, and their ratio."""
    torch.set_num_threads(args.threads)
    a, b = torch.rand(2, 1, 1, 480, 640, generator=torch.Generator().manual_seed(0))
    small = load_model(args.model).network
    faithful = build_network(compose(["network/film.yaml"])["model"]["network"]).eval()
    texts = {small: small.encode_text([SENTENCES["IVF"]]), faithful: torch.randn(1, 100, faithful.text_dim)}
    times: dict[Any, list[float]] = {small: [], faithful: []}
    with torch.no_grad():
        for _ in range(args.repeat + 1):  # the first warms up
            for network, found in times.items():
                found.append(seconds(lambda network=network: network(a, b, texts[network])))
    mine, theirs = (statistics.median(found[1:]) for found in times.values())
    weights = sum(weight.numel() for weight in small.parameters())
    print(f"{args.model}: {weights} weights, {mine:.3f} s; faithful: {theirs:.2f} s; {theirs / mine:.1f} times as fast")


def fuse(args: argparse.Namespace) -> None:
    """Fuse one pair in this process, and print its seconds and peak memory."""
    torch.set_num_threads(args.threads)
    width, height = args.fuse
    pipeline = FusionPipeline.load(args.model)
    a, b = np.random.default_rng(0).integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    words = torch.zeros(1, 100, pipeline.network.text_dim)  # they name nothing
    spent = seconds(lambda: pipeline(a, b, text_features=words))
    status = Path("/proc/self/status").read_text(encoding="utf-8")  # ru_maxrss would begin with that of the parent
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    print(f"{width}x{height}: {spent:.2f} s, {peak:.0f} MB")


def main() -> None:
    """Compare, then fuse each size in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="film-small")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--fuse", type=int, nargs=2, metavar=("WIDTH", "HEIGHT"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.fuse:
        fuse(args)
        return
    compare(args)
    for width, height in SIZES:
        size = ["--fuse", str(width), str(height)]
        command = [sys.executable, __file__, "--model", args.model, "--threads", str(args.threads), *size]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
