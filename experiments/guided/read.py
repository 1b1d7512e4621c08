"""Teach the text reader of film-small to hear what is asked, from texts alone; `film fit` then goes on with images.

    python experiments/guided/read.py --texts outputs/guided --output outputs/guided/reader.safetensors

A linear layer on the summary says which task, instructions, regions and degrees a training text names. The layer is
thrown away, the reader kept.
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

QUESTIONS = (TASKS, tuple(OPPOSITES), tuple(load_wordings().regions), tuple(load_wordings().intensifiers))
CLASSES = [len(keys) + 1 for keys in QUESTIONS]  # and none of them


def draw(guide: Guide, seed: int, *, validating: bool = False) -> tuple[str, list[int]]:
    """A training text, and for each question which of its keys the text names."""
    task = TASKS[seed % len(TASKS)]
    name = ("ct", "pet", "spect")[seed // len(TASKS) % 3] + "_0"
    image = torch.zeros(1, 1, 16, 16)
    pair = guide(image, image, task=task, text=SENTENCES[task], name=name, seed=seed, validating=validating)
    answers = [[keys.index(key) for key in pair.asked if key in keys] for keys in QUESTIONS]
    return pair.text, [found[0] if found else len(keys) for found, keys in zip(answers, QUESTIONS, strict=True)]


def draw_batch(guide: Guide, seeds: range, *, validating: bool = False) -> tuple[list[str], Tensor]:
    """Texts, and their answers (B, questions)."""
    texts, answers = zip(*(draw(guide, seed, validating=validating) for seed in seeds), strict=True)
    return list(texts), torch.tensor(answers)


def accuracy(network: FusionNetwork, says: nn.Module, guide: Guide, *, texts: int = 300) -> str:
    """How often an instruction, and how often its opposite, is heard in wordings kept for validation."""
    said, answers = draw_batch(guide, range(10**9, 10**9 + texts), validating=True)
    network.eval()
    says.eval()
    with torch.no_grad():
        scores = says(torch.cat([read(network, said[i : i + 50]) for i in range(0, texts, 50)]))
    network.train()
    says.train()
    wanted, heard = answers[:, 1], scores.split(CLASSES, 1)[1].argmax(1)
    names = list(OPPOSITES)
    opposite = torch.tensor([*(names.index(OPPOSITES[name]) for name in names), -1])
    return f"right {(heard == wanted).float().mean():.3f}, opposite {(heard == opposite[wanted]).float().mean():.3f}"


def read(network: FusionNetwork, texts: list[str]) -> Tensor:
    """Summaries (B, width)."""
    assert network.text_reader is not None
    return network.text_reader(network.encode_text(texts)).tokens[:, 0]


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", default="outputs/guided", help="folder with Text/{TASK}/{SET}/{side}")
    parser.add_argument("--output", type=Path, default=Path("outputs/guided/reader.safetensors"))
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=48)
    args = parser.parse_args()

    torch.manual_seed(0)
    config = compose(["network/film_small.yaml"])["model"]["network"]
    network = build_network(config).train()
    network.text_encoder.cached = 100_000
    assert network.text_reader is not None
    says = nn.Sequential(nn.Dropout(0.2), nn.Linear(network.text_reader.word.out_features, sum(CLASSES)))
    parameters = [*network.text_reader.parameters(), *says.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=3e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, args.steps, pct_start=0.08)
    guide = Guide(Guidance(instruction=0.85, second=0.0, described=0.3), args.texts)
    bar = trange(args.steps, mininterval=10)
    for step in bar:
        texts, answers = draw_batch(guide, range(step * args.batch, (step + 1) * args.batch))
        scores = says(read(network, texts)).split(CLASSES, 1)
        losses = [F.cross_entropy(score, answers[:, i], label_smoothing=0.05) for i, score in enumerate(scores)]
        optimizer.zero_grad()
        torch.stack(losses).sum().backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 99:
            heard = ", ".join(f"{loss:.3f}" for loss in losses)
            bar.write(f"step {step + 1}: losses {heard}; {accuracy(network, says, guide)}")
    save_model(Model("reader", network.eval(), config), args.output)


if __name__ == "__main__":
    main()
