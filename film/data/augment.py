"""Paired augmentation and simulated pairs, made on the device; the images of a pair change alike.

All randomness of a pair comes from its own seed, so it doesn't depend on batch size, number of processes or whether
the run was interrupted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from film.data.guidance import Guide
from film.data.simulate import exposure_pair, focus_pair, misalign
from film.data.source import Simulation
from film.errors import FilmError
from film.layers.text import TextFeatures

Range = tuple[float, float]


@dataclass(frozen=True)
class Augmentation:
    """How training pairs vary.

    Attributes:
        zoom: By how much a crop is enlarged, from and to.
        flips: Mirror left and right, and up and down, each half of the time.
        turns: Turn by 0, 90, 180 or 270 degrees; crops that aren't square are only mirrored.
        exposure: Largest change of the gamma curve in powers of two, the same for all images of a pair.
        misalignment: Furthest that B is moved against A, in pixels; the target stays with A.
    """

    zoom: Range = (1.0, 1.0)
    flips: bool = True
    turns: bool = True
    exposure: float = 0.0
    misalignment: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.zoom[0] <= self.zoom[1]:
            raise FilmError(f"zoom {self.zoom} must go from a positive number to one that isn't smaller")
        if self.exposure < 0 or self.misalignment < 0:
            raise FilmError(f"exposure {self.exposure} and misalignment {self.misalignment} must not be negative")


def finish_batch(
    batch: dict[str, Any],
    augmentations: Mapping[str, Augmentation],
    *,
    guide: Guide | None = None,
    validating: bool = False,
) -> dict[str, Any]:
    """Make pairs of photos, vary all pairs, and say what is wanted of each.

    Args:
        batch: As `film.data.loading.Collate` makes it, on any device.
        augmentations: By task; pairs of a task that isn't named don't vary.
        guide: Gives each pair a text and what follows from it; None leaves the text as it is.
        validating: For the guide.

    Returns:
        The batch without `seed` and `simulation`. If every pair was made of a photo out of focus, it has the ideal
        fusions as `target`. With a guide it always has a `target`, and with `aim_a` and `aim_b` what is to be kept of
        the sources, `task` is the one that the text names, `named` (B, concepts) what it names of
        `film.concepts.CONCEPTS`, `place` where that is bright which an instruction is about, and `asked` whether the
        text asks for more than the rule of the pair's task.
    """
    batch = dict(batch) | {side: _unit(batch[side]) for side in "ab"}
    if isinstance(text := batch.get("text"), TextFeatures):
        batch["text"] = TextFeatures(text.tokens.float(), text.mask)
    seeds, simulations = batch.pop("seed"), batch.pop("simulation")
    settings = [augmentations.get(task) for task in batch["task"]]
    if not any(settings) and not any(simulations) and not guide:
        return batch
    pairs = zip(batch["a"].split(1), batch["b"].split(1), seeds, simulations, settings, strict=True)
    finished = [_finish(*pair) for pair in pairs]
    batch["a"], batch["b"] = torch.cat([a for a, _, _ in finished]), torch.cat([b for _, b, _ in finished])
    ideals = [ideal for _, _, ideal in finished if ideal is not None]
    if len(ideals) == len(finished):
        batch["target"] = torch.cat(ideals)
    if guide:
        guided = [
            guide(
                a,
                b,
                task=task,
                text=text,
                name=name,
                seed=seed,
                validating=validating,
                sharp=ideal,
            )
            for (a, b, ideal), task, text, name, seed in zip(
                finished, batch["task"], batch["text"], batch["name"], seeds, strict=True
            )
        ]
        batch["a"], batch["b"] = torch.cat([pair.a for pair in guided]), torch.cat([pair.b for pair in guided])
        batch["text"] = [pair.text for pair in guided]
        batch["asked"] = [pair.asks or pair.task != task for pair, task in zip(guided, batch["task"], strict=True)]
        batch["task"] = [pair.task for pair in guided]
        batch["named"] = torch.stack([pair.named for pair in guided])
        batch["place"] = torch.cat([pair.place for pair in guided])
        for key, index in (("aim_a", 0), ("aim_b", 1), ("target", 2)):
            batch[key] = torch.cat([pair.aim[index] for pair in guided])
    return batch


def _unit(image: Tensor) -> Tensor:
    """Integers of a compact batch to float32 in [0, 1]."""
    return image if image.is_floating_point() else image.float() / torch.iinfo(image.dtype).max


def _finish(
    a: Tensor, b: Tensor, seed: int, simulation: Simulation | None, augmentation: Augmentation | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """A, B and, of a focus pair, the ideal fusion, each (1, 1, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.cat([a, b])
    if augmentation:
        images = _adjust(_move(images, augmentation, generator), augmentation, generator)
    a, b = images.split(1)
    ideal = None
    if simulation == "focus":
        a, b, ideal = focus_pair(a, generator=generator)
    elif simulation == "exposure":
        a, b = exposure_pair(a, generator=generator)
    if augmentation and augmentation.misalignment:
        b = misalign(b, generator=generator, pixels=augmentation.misalignment)
    return a, b, ideal


def _move(images: Tensor, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    from kornia.geometry.transform import hflip, vflip

    left_right, up_down, turn = torch.rand(3, generator=generator).tolist()
    if augmentation.flips and left_right < 0.5:
        images = hflip(images)
    if augmentation.flips and up_down < 0.5:
        images = vflip(images)
    square = images.shape[-1] == images.shape[-2]
    return images.rot90(int(4 * turn), (-2, -1)) if augmentation.turns and square else images


def _adjust(images: Tensor, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    from kornia.enhance import adjust_gamma

    if not augmentation.exposure:
        return images
    stops = augmentation.exposure * (2 * torch.rand(1, generator=generator).item() - 1)
    return adjust_gamma(images, 2.0**stops)
