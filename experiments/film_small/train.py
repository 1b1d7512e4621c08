"""Train the first small model that ships with the package: one network, four tasks, told apart by the text.

    FILM_DATA=... python experiments/film_small/train.py --output outputs/film_small

Pairs come from the train lists of the VLF data set (MSRS, RoadScene, Harvard, FusionDN30) and from photos of these
lists turned into focus and exposure pairs. Every twentieth pair is kept for validation; test lists are never read.
The run can be stopped and started again: it goes on from its last checkpoint.
"""

import argparse
import csv
import os
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import trange

from film.checkpoint import Model, build_network, save_model
from film.config import compose
from film.data.simulate import exposure_pair, focus_pair
from film.tasks import SENTENCES, SOURCES

SETS = {"IVF": ["MSRS", "RoadScene"], "MIF": ["Harvard"], "MEF": ["FusionDN30"]}
CROP = 96

WORDINGS = {
    "IVF": [
        "Infrared and visible image fusion.",
        "Combine a thermal picture and a photo of the same scene.",
        "The first image shows heat, the second one light; show people and texture together.",
        "Merge the infrared frame with the visible frame.",
        "A thermal camera and a colour camera look at a street at night.",
    ],
    "MIF": [
        "Medical image fusion.",
        "Combine an MRI slice of the brain with a CT scan.",
        "Merge magnetic resonance with positron emission tomography.",
        "MRI and SPECT of one head: show anatomy and uptake together.",
        "The first image is an MRI, the second a functional scan.",
    ],
    "MEF": [
        "Multi-exposure image fusion.",
        "Combine a bright and a dark exposure of the same scene.",
        "Merge an overexposed photo with an underexposed one.",
        "Two exposures of one high dynamic range scene: make everything visible.",
        "The first photo is too bright, the second too dark.",
    ],
    "MFF": [
        "Multi-focus image fusion.",
        "Combine photos focused at different depths into one that is sharp everywhere.",
        "Merge a picture focused on the foreground with one focused on the background.",
        "One image is sharp in front, the other behind: give an all-in-focus image.",
        "Keep the focused regions of both photos.",
    ],
}


def read_luminance(path: Path) -> Tensor:
    """(1, H, W) luminance in [0, 1]."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    blue, green, red = (image[..., i].astype(np.float32) / 255 for i in range(3))
    return torch.from_numpy(0.299 * red + 0.587 * green + 0.114 * blue)[None]


def load_pairs(root: Path, task: str) -> list[tuple[Tensor, Tensor]]:
    """All pairs of the train lists of a task, in the order of the lists."""
    pairs = []
    for name in SETS[task]:
        folder = root / "Image" / task / name
        for file in (folder / "train.txt").read_text().split():
            a, b = (read_luminance(folder / source / file) for source in SOURCES[task])
            pairs.append((a, b))
    return pairs


def crop_pair(images: Sequence[Tensor], rng: np.random.Generator, smallest: float = 1.0) -> list[Tensor]:
    """The same random crop of each, at a random scale, turned and mirrored: each (1, CROP, CROP)."""
    height, width = images[0].shape[1:]
    scale = rng.uniform(max(smallest, CROP / height, CROP / width), 1.6)
    side = int(np.clip(round(CROP / scale), 16, min(height, width)))
    top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
    turns, mirror = int(rng.integers(4)), rng.random() < 0.5
    crops = []
    for image in images:
        crop = image[None, :, top : top + side, left : left + side]
        crop = F.interpolate(crop, (CROP, CROP), mode="bicubic", antialias=True).clamp(0, 1)[0]
        crop = torch.rot90(crop, turns, (1, 2))
        crops.append(crop.flip(2) if mirror else crop)
    return crops


def pyramid_target(a: Tensor, b: Tensor, levels: int = 5) -> Tensor:
    """Laplacian pyramid fusion: the locally stronger detail of every level, the mean of the base."""
    details = []
    for _ in range(levels):
        small = [F.avg_pool2d(_smooth(x), 2, ceil_mode=True) for x in (a, b)]
        sharp = [
            x - F.interpolate(s, x.shape[-2:], mode="bilinear", align_corners=False)
            for x, s in zip((a, b), small, strict=True)
        ]
        power = [F.avg_pool2d(x.abs(), 5, 1, 2, count_include_pad=False) for x in sharp]
        details.append(torch.where(power[0] >= power[1], sharp[0], sharp[1]))
        a, b = small
    fused = (a + b) / 2
    for detail in reversed(details):
        fused = detail + F.interpolate(fused, detail.shape[-2:], mode="bilinear", align_corners=False)
    return fused.clamp(0, 1)


def _smooth(x: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)


def sobel(x: Tensor) -> Tensor:
    """(B, 1, H, W) to horizontal and vertical derivatives (B, 2, H, W), borders replicated."""
    kernel = x.new_tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), torch.stack((kernel, kernel.T))[:, None])


def stronger(a: Tensor, b: Tensor) -> Tensor:
    """Of two gradient fields (B, 2, H, W), at each place the longer vector."""
    return torch.where(a.square().sum(1, keepdim=True) >= b.square().sum(1, keepdim=True), a, b)


class Batches:
    """Draws batches of all four tasks: four lists of pairs, sentences and targets."""

    def __init__(self, root: Path, per_task: int, seed: int) -> None:
        self.pairs = {task: load_pairs(root, task) for task in SETS}
        photos = [b for a, b in self.pairs["IVF"] if min(b.shape[1:]) > 150 and b.mean() > 0.2]
        photos += [x for pair in self.pairs["MEF"] for x in pair]
        self.photos = [photo for i, photo in enumerate(photos) if i % 20]
        self.train = {task: [p for i, p in enumerate(pairs) if i % 20] for task, pairs in self.pairs.items()}
        self.per_task = per_task
        self.rng = np.random.default_rng(seed)
        self.generator = torch.Generator().manual_seed(seed)

    def draw(self) -> tuple[Tensor, Tensor, list[str], Tensor, Tensor]:
        """Sources A and B, text, intensity target and gradient target of a batch."""
        parts = [self._task(task) for task in SOURCES]
        a, b, target, gradient = (torch.cat(list(part)) for part in zip(*parts, strict=True))
        texts = [self._text(task) for task in SOURCES for _ in range(self.per_task)]
        return a, b, texts, target, gradient

    def _text(self, task: str) -> str:
        chance = self.rng.random()
        if chance < 0.5:
            return SENTENCES[task]
        if chance < 0.6:
            return SENTENCES["neutral"]
        return "" if chance < 0.63 else str(self.rng.choice(WORDINGS[task]))

    def _task(self, task: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        if task == "MFF":
            sharp = self._photos(0.5)
            a, b = focus_pair(sharp, generator=self.generator)
            return a, b, sharp, sobel(sharp)
        if task == "MEF" and self.rng.random() < 0.5:
            a, b = exposure_pair(self._photos(0.5), generator=self.generator)
        else:
            a, b = self._crops(task)
        target = pyramid_target(a, b) if task == "MEF" else torch.maximum(a, b)
        return a, b, target, stronger(sobel(a), sobel(b))

    def _crops(self, task: str) -> list[Tensor]:
        chosen = []
        while len(chosen) < self.per_task:
            pair = self.train[task][self.rng.integers(len(self.train[task]))]
            crops = crop_pair(pair, self.rng, 0.4 if task == "MEF" else 0.7)
            if max(crop.std() for crop in crops) > 0.02:  # not the black around a head
                chosen.append(crops)
        return [torch.stack(list(side)) for side in zip(*chosen, strict=True)]

    def _photos(self, smallest: float) -> Tensor:
        picks = self.rng.integers(len(self.photos), size=self.per_task)
        return torch.stack([crop_pair([self.photos[i]], self.rng, smallest)[0] for i in picks])


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("FILM_DATA"), help="folder that holds VLFDataset")
    parser.add_argument("--output", type=Path, default="outputs/film_small")
    parser.add_argument("--steps", type=int, default=4500)
    parser.add_argument("--per-task", type=int, default=4)
    parser.add_argument("--gradient", type=float, default=10.0, help="weight of the gradient term")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    root = args.data / "VLFDataset" if (args.data / "VLFDataset").is_dir() else args.data
    args.output.mkdir(parents=True, exist_ok=True)

    torch.manual_seed(args.seed)
    config = compose(["network/modulated.yaml"])["model"]["network"]
    network = build_network(config).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, args.steps, pct_start=0.05)
    checkpoint = args.output / "last.pt"
    first = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        first = state["step"]
    batches = Batches(root, args.per_task, args.seed + first)

    with (args.output / "log.csv").open("a", newline="") as file:
        log = csv.writer(file)
        if not first:
            log.writerow(
                ["step", *(f"{task}_{term}" for task in SOURCES for term in ("intensity", "gradient")), "time"]
            )
        start = time.time()
        for step in trange(first, args.steps, initial=first, total=args.steps, mininterval=30):
            a, b, texts, target, gradient = batches.draw()
            tokens = network.encode_text(texts)
            with torch.autocast("cpu", torch.bfloat16, enabled=step < args.steps * 0.9):
                fused = network(a, b, tokens)
            fused = fused.float()
            intensity = (fused - target).abs().mean((1, 2, 3))
            slope = (sobel(fused) - gradient).abs().mean((1, 2, 3))
            loss = (intensity + args.gradient * slope).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            if step % 25 == 24:
                terms = torch.stack((intensity, slope), 1).view(len(SOURCES), args.per_task, 2).mean(1).flatten()
                log.writerow([step + 1, *(f"{x:.5f}" for x in terms.tolist()), f"{time.time() - start:.0f}"])
                file.flush()
            if step % 250 == 249 or step + 1 == args.steps:
                state = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
                partial = args.output / "last.pt.partial"
                torch.save(state | {"schedule": schedule.state_dict(), "step": step + 1}, partial)
                partial.replace(checkpoint)
                save_model(Model("film-small", network, config), args.output / "film-small.safetensors")


if __name__ == "__main__":
    main()
