"""Teach the text reader of film-small to hear what is asked, from texts alone; `film fit` then goes on with images.

    python experiments/film_small/read.py --texts outputs/film_small --output outputs/film_small/reader.safetensors

A linear layer on the summary says which task, instructions, regions and degrees a training text names. The layer is
thrown away, the reader kept: learnt through images alone, the same takes a hundred times as long.
"""

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import trange

from film.checkpoint import Model, build_network, save_model
from film.config import compose
from film.data.guidance import Guidance, Guide
from film.data.wordings import OPPOSITES, load_wordings
from film.network import FusionNetwork
from film.tasks import SENTENCES, TASKS

LABELS = (*TASKS, *OPPOSITES, *load_wordings().regions, *load_wordings().intensifiers)


def draw(guide: Guide, seed: int, *, validating: bool = False) -> tuple[str, list[float]]:
    """A training text, and 1 for every label that it names."""
    task = TASKS[seed % len(TASKS)]
    name = ("ct", "pet", "spect")[seed // 4 % 3] + "_0"
    image = torch.zeros(1, 1, 16, 16)
    pair = guide(image, image, task=task, text=SENTENCES[task], name=name, seed=seed, validating=validating)
    return pair.text, [float(label in pair.asked) for label in LABELS]


def draw_batch(guide: Guide, seeds: range, *, validating: bool = False) -> tuple[list[str], Tensor]:
    """Texts, and their labels (B, K)."""
    texts, labels = zip(*(draw(guide, seed, validating=validating) for seed in seeds), strict=True)
    return list(texts), torch.tensor(labels)


def accuracy(network: FusionNetwork, says: nn.Module, guide: Guide, *, texts: int = 400) -> str:
    """How often an instruction, and how often its opposite, is heard in wordings kept for validation."""
    network.eval()
    said, labels = draw_batch(guide, range(10**9, 10**9 + texts), validating=True)
    with torch.no_grad():
        scores = torch.cat([says(read(network, said[i : i + 50])) for i in range(0, texts, 50)])
    network.train()
    first, count = len(TASKS), len(OPPOSITES)
    keys, scores = labels[:, first : first + count], scores[:, first : first + count]
    asked = keys.sum(1) == 1
    wanted, heard = keys[asked].argmax(1), scores[asked].argmax(1)
    names = list(OPPOSITES)
    opposite = torch.tensor([names.index(OPPOSITES[name]) for name in names])
    return f"right {(heard == wanted).float().mean():.3f}, opposite {(heard == opposite[wanted]).float().mean():.3f}"


def read(network: FusionNetwork, texts: list[str]) -> Tensor:
    """Summaries (B, width)."""
    assert network.text_reader is not None
    return network.text_reader(network.encode_text(texts)).tokens[:, 0]


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", default="outputs/film_small", help="folder with Text/{TASK}/{SET}/{side}")
    parser.add_argument("--output", type=Path, default=Path("outputs/film_small/reader.safetensors"))
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=32)
    args = parser.parse_args()

    torch.manual_seed(0)
    config = compose(["network/film_small.yaml"])["model"]["network"]
    network = build_network(config).train()
    network.text_encoder.cached = 100_000
    assert network.text_reader is not None
    says = nn.Sequential(nn.Dropout(0.3), nn.Linear(network.text_reader.word.out_features, len(LABELS)))
    parameters = [*network.text_reader.parameters(), *says.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, args.steps, pct_start=0.05)
    guide = Guide(Guidance(instruction=0.8, described=0.3), args.texts)
    bar = trange(args.steps, mininterval=10)
    for step in bar:
        texts, labels = draw_batch(guide, range(step * args.batch, (step + 1) * args.batch))
        loss = F.binary_cross_entropy_with_logits(says(read(network, texts)), 0.95 * labels + 0.001)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 250 == 249:
            bar.write(f"step {step + 1}: loss {loss:.4f}, {accuracy(network, says, guide)}")
    save_model(Model("reader", network.eval(), config), args.output)


if __name__ == "__main__":
    main()
