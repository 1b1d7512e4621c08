"""What a task, or an instruction, wants to see in the fused image: the targets of text-guided training.

An `Aim` holds the image that is wanted and the two sources whose edges and information are to be kept; an instruction
is a change of all three.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from film.errors import FilmError
from film.layers.pyramid import enlarge, halve, sharper

_BRIGHT = (0.88, 0.95)  # quantiles between which a bright region fades in


class Aim(NamedTuple):
    """What is wanted of a pair; each (1, 1, H, W), about [0, 1].

    Attributes:
        a: What the fused image should keep of source A.
        b: What it should keep of source B.
        image: How bright it should be.
    """

    a: Tensor
    b: Tensor
    image: Tensor

    def each(self, change: Callable[[Tensor], Tensor]) -> "Aim":
        """Change all three alike."""
        return Aim(*map(change, self))

    def towards(self, other: "Aim", share: Tensor | float) -> "Aim":
        """Mix with another, pixel by pixel: share 0 is this one, 1 the other."""
        return Aim(*(mine + share * (theirs - mine) for mine, theirs in zip(self, other, strict=True)))


def neutral(task: str, a: Tensor, b: Tensor, *, sharp: Tensor | None = None) -> Aim:
    """The rule of fusion of a task, without any instruction.

    Args:
        task: IVF takes of every detail the stronger and of brightness, from four pixels on, the greater; MIF the
            brighter source, pixel by pixel, so that nothing goes dark beside bright uptake; MEF and MFF of every
            detail the stronger and of brightness the mean, MEF a little more than that, lest detail in the dark is cut
            at black; MFF the photo of which a pair was made, where there is one.
        a: (1, 1, H, W) in [0, 1].
        b: Likewise.
        sharp: The photo, if there is one.

    Raises:
        FilmError: The task is unknown.
    """
    if task == "IVF":
        return Aim(a, b, sharper(a, b, levels=2, base=torch.maximum))
    if task == "MIF":
        return Aim(a, b, torch.maximum(a, b))
    if task == "MEF":
        return Aim(a, b, sharper(a, b, base=_rather_bright))
    if task == "MFF":
        return Aim(a, b, sharper(a, b) if sharp is None else sharp)
    raise FilmError(f"there is no rule of fusion for the task {task!r}")


def brighter(aim: Aim) -> Aim:
    """Lift all, the dark most: 1 - (1 - x)^1.6."""
    return aim.each(lambda x: 1 - (1 - x.clamp(0, 1)) ** 1.6)


def darker(aim: Aim) -> Aim:
    """Lower all, the bright least: x^1.6."""
    return aim.each(lambda x: x.clamp(0, 1) ** 1.6)


def more_contrast(aim: Aim) -> Aim:
    """Stretch by 1.4 around the mean."""
    return _stretch(aim, 1.4)


def less_contrast(aim: Aim) -> Aim:
    """Shrink to 0.65 around the mean."""
    return _stretch(aim, 0.65)


def sharpened(aim: Aim) -> Aim:
    """Detail finer than about four pixels, 1.8 times as strong."""
    return aim.each(lambda x: x + 0.8 * (x - low(x, 1)))


def softer(aim: Aim) -> Aim:
    """Detail finer than about four pixels, 0.4 times as strong."""
    return aim.each(lambda x: x - 0.6 * (x - low(x, 1)))


def smoothed(aim: Aim) -> Aim:
    """Weak fine texture taken away, edges kept (guided filter: He et al., TPAMI 2013)."""
    return aim.each(lambda x: smooth(x))


def grainy(aim: Aim) -> Aim:
    """Weak fine texture, two and a half times as strong."""
    return aim.each(lambda x: x + 1.5 * (x - smooth(x)))


def only(aim: Aim, source: Tensor) -> Aim:
    """Nineteen parts of one source, one part of the rest."""
    wanted = torch.lerp(aim.image, source, 0.95)
    return Aim(wanted, wanted, wanted)


def stressed(aim: Aim, source: Tensor) -> Aim:
    """What is bright in a source as it is there but lighter, and everything else darker.

    Bright fades in from 0.2 to 1.8 standard deviations above the mean of the source. Both have bounds, lest in a part
    of an image that is hot all over, or nowhere, something else passes for hot.
    """
    stands_out = Aim(*[0.35 + 0.65 * source] * 3)
    deviations = (source - source.mean().clamp_max(0.45)) / source.std().clamp(0.04, 0.25)
    return aim.each(lambda x: 0.7 * x).towards(stands_out, ((deviations - 0.2) / 1.6).clamp(0, 1))


def toned_down(aim: Aim, source: Tensor, other: Tensor) -> Aim:
    """The brightest regions of a source give way to what the other shows there."""
    return aim.towards(Aim(other, other, torch.minimum(aim.image, other)), bright_regions(source))


def lit_like(aim: Aim, source: Tensor) -> Aim:
    """Large-scale brightness of one source, detail of both."""
    light = low(source, 3)
    return aim.each(lambda x: x - low(x, 3) + light)


def bright_regions(image: Tensor) -> Tensor:
    """Soft mask of the brightest twentieth of an image (1, 1, H, W), if it isn't black: (1, 1, H, W) in [0, 1]."""
    values = image.flatten()[:: max(1, image.numel() // 10_000)]
    start, end = torch.quantile(values, torch.tensor(_BRIGHT, device=image.device))
    return ((image - start) / (end - start).clamp_min(0.02)).clamp(0, 1)


def low(image: Tensor, halvings: int) -> Tensor:
    """What is left of an image (1, 1, H, W) after it was halved some times and enlarged again."""
    smaller = [image]
    for _ in range(halvings):
        smaller.append(halve(smaller[-1]))
    blurred = smaller.pop()
    for like in reversed(smaller):
        blurred = enlarge(blurred, like)
    return blurred


def smooth(image: Tensor, *, radius: int = 2, eps: float = 1e-3) -> Tensor:
    """Filter an image (B, 1, H, W) with itself as guide: what varies less than √eps is averaged, edges stay."""
    mean, square = _box(image, radius), _box(image * image, radius)
    variance = (square - mean * mean).clamp_min(0)
    slope = variance / (variance + eps)
    return _box(slope, radius) * image + _box(mean - slope * mean, radius)


def _rather_bright(a: Tensor, b: Tensor) -> Tensor:
    return 0.6 * torch.maximum(a, b) + 0.4 * torch.minimum(a, b)


def _stretch(aim: Aim, factor: float) -> Aim:
    middle = aim.image.mean()
    return aim.each(lambda x: (middle + factor * (x - middle)).clamp(0, 1))


def _box(x: Tensor, radius: int) -> Tensor:
    return F.avg_pool2d(x, 2 * radius + 1, 1, radius, count_include_pad=False)
