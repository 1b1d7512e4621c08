"""Speed and memory of the faithful network against the same network written plainly.

    python benchmarks/faithful.py [--height 480 --width 640 --tokens 149 --threads 2 --repeat 3] [--train]

Same random weights in both; each runs in a process of its own. Memory is the peak resident set above that of the
process with the weights loaded. `--train` measures forward and backward of a training step instead.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from plain_film import PlainFilm

from film.checkpoint import load_network


def resident() -> float:
    """Resident set now, in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def measure(kind: str, checkpoint: Path, args: argparse.Namespace) -> dict[str, float]:
    """Seconds and megabytes of one network, in this process."""
    torch.set_num_threads(args.threads)
    if kind == "plain":
        network = PlainFilm().eval()
        network.load_state_dict(torch.load(checkpoint, weights_only=True)["model"])
    else:
        network = load_network(checkpoint)
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.rand(args.batch, 1, args.height, args.width, generator=generator) for _ in "ab")
    text = torch.randn(args.batch, args.tokens, 768, generator=generator)
    before = resident()
    seconds = []
    for _ in range(args.repeat + 1):  # the first warms up
        start = time.perf_counter()
        with torch.set_grad_enabled(args.train):
            fused = network(a, b, text)
        if args.train:
            fused.mean().backward()
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return {"seconds": statistics.median(seconds[1:]), "megabytes": peak - before, "mean": fused.mean().item()}


def main() -> None:
    """Measure both and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in [
        ("height", 480),
        ("width", 640),
        ("tokens", 149),
        ("threads", 2),
        ("repeat", 3),
        ("batch", 1),
    ]:
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--train", action="store_true", help="forward and backward")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--checkpoint", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        print(json.dumps(measure(args.only, args.checkpoint, args)))
        return
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "random.pth"
        torch.manual_seed(0)
        torch.save({"model": PlainFilm().state_dict()}, checkpoint)
        results = {}
        for kind in ("plain", "film"):
            command = [sys.executable, __file__, *sys.argv[1:], "--only", kind, "--checkpoint", str(checkpoint)]
            results[kind] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            print(f"{kind:6} {results[kind]['seconds']:7.2f} s {results[kind]['megabytes']:7.0f} MB", flush=True)
    plain, film = results["plain"], results["film"]
    faster, smaller = plain["seconds"] / film["seconds"], film["megabytes"] / plain["megabytes"]
    print(f"film is {faster:.2f} times as fast with {smaller:.0%} of the memory")
    print(f"mean of the fused images differs by {abs(plain['mean'] - film['mean']):.1e}")


if __name__ == "__main__":
    main()
