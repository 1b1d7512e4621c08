"""Pairs with words and what the words ask for: how a network learns to be guided by text.

Each pair gets a text (the task, descriptions of both images, an instruction, or none of them) and the `Aim` that
follows from it, see `film.data.rules`. The wordings stand in `wordings.yaml`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from film.concepts import CONCEPTS, INSTRUCTIONS, OPPOSITES, PLACES
from film.data import rules
from film.data.descriptions import read_text
from film.data.rules import Aim
from film.data.wordings import (
    Split,
    Wordings,
    append,
    concerns,
    fits,
    load_wordings,
    placed,
    scan_of,
    uncapitalised,
)
from film.errors import FilmError
from film.layers.regions import region_mask
from film.layers.text import split_sentences
from film.tasks import SENTENCES, SOURCES, TASKS

_RULES = {"IVF": "brighter", "MIF": "brighter", "MEF": "sharper", "MFF": "sharper"}  # which tasks share a rule
_GLOBAL: dict[str, Callable[[Aim], Aim]] = {
    "brighter": rules.brighter,
    "darker": rules.darker,
    "more_contrast": rules.more_contrast,
    "less_contrast": rules.less_contrast,
    "sharper": rules.sharpened,
    "softer": rules.softer,
    "denoise": rules.smoothed,
    "keep_grain": rules.grainy,
}
_LOCAL: dict[str, Callable[[Aim, Tensor, Tensor], Aim]] = {
    "emphasise_a": lambda aim, a, b: rules.only(aim, a),
    "emphasise_b": lambda aim, a, b: rules.only(aim, b),
    "heat": lambda aim, a, b: rules.stressed(aim, a),
    "less_heat": lambda aim, a, b: rules.toned_down(aim, a, b),
    "uptake": lambda aim, a, b: rules.stressed(aim, b),
    "less_uptake": lambda aim, a, b: rules.toned_down(aim, b, a),
    "soft_tissue": lambda aim, a, b: rules.only(aim, a),
    "bone": lambda aim, a, b: rules.stressed(aim, b),
    "natural_brightness": lambda aim, a, b: rules.lit_like(aim, b),
    "thermal_brightness": lambda aim, a, b: rules.lit_like(aim, a),
}


@dataclass(frozen=True)
class Guidance:
    """How often training texts say what; each number is a share of the pairs, from 0 to 1.

    Attributes:
        instruction: Have an instruction.
        second: Of these: have a second one.
        joined: Of those with a second one: say both in one sentence.
        region: Of these: ask for it in a part of the image only.
        degree: Of these: say how much.
        described: Have the descriptions of the images, where the data set has them.
        another_task: Name a task of another rule, which then counts.
        swapped: Show source B first; the text says so.
        nonsense: Have sentences about other things, which change nothing; half of them have nothing else.
        wordless: Have no text.
        plain: Of instructions: are said as people say them who just say it, see `film.data.wordings.Split`.
        noise: Are made noisy, besides those with an instruction about noise.
    """

    instruction: float = 0.5
    second: float = 0.12
    joined: float = 0.5
    region: float = 0.2
    degree: float = 0.15
    described: float = 0.6
    another_task: float = 0.12
    swapped: float = 0.15
    nonsense: float = 0.1
    wordless: float = 0.07
    plain: float = 0.3
    noise: float = 0.1

    def __post_init__(self) -> None:
        for name, share in vars(self).items():
            if not 0 <= share <= 1:
                raise FilmError(f"the share {name}: {share} of the guidance must be between 0 and 1")


class Guided(NamedTuple):
    """A pair as the network sees it, and what it is to make of it.

    Attributes:
        a: (1, 1, H, W) first source.
        b: (1, 1, H, W) second source.
        text: Everything that is said.
        aim: What is wanted.
        asked: What the text says, of `film.concepts.CONCEPTS`.
        task: Whose rule counts.
        place: (1, 1, H, W) in [0, 1], where that is bright which the one instruction is about, see
            `film.concepts.PLACES`; 0 everywhere if it is about nothing of that kind.
    """

    a: Tensor
    b: Tensor
    text: str
    aim: Aim
    asked: tuple[str, ...]
    task: str
    place: Tensor

    @property
    def asks(self) -> bool:
        """Whether the text has an instruction."""
        return any(concept in INSTRUCTIONS for concept in self.asked)

    @property
    def named(self) -> Tensor:
        """(concepts,) 1 for each of `film.concepts.CONCEPTS` that the text names, 0 else."""
        return _named(self.asked)


class Guide:
    """Says something about each pair, and makes what is wanted of it.

    Args:
        guidance: How often it says what.
        texts: Folder with `Text/{TASK}/{SET}/{side}` of training pairs, whose descriptions also go with simulated
            pairs and with those that get another task's text; None for no such descriptions.
        wordings: Those of the package by default.
    """

    def __init__(self, guidance: Guidance, texts: str | None, wordings: Wordings | None = None) -> None:
        self.guidance = guidance
        self.texts = texts
        self.wordings = wordings or load_wordings()

    def __call__(
        self,
        a: Tensor,
        b: Tensor,
        *,
        task: str,
        text: str,
        name: str,
        seed: int,
        sharp: Tensor | None = None,
        validating: bool = False,
    ) -> Guided:
        """Guide one pair; the same seed gives the same.

        Args:
            a: (1, 1, H, W) in [0, 1].
            b: Likewise.
            task: Key of `film.tasks`.
            text: Its descriptions, or the sentence of the task for a pair without any.
            name: Name of the pair; that of a medical one begins with the kind of scan, `pet_…`, if it is known.
            seed: Of everything that is drawn.
            sharp: The photo of which a focus pair was made.
            validating: Use the wordings kept for validation.
        """
        return _Turn(self, task, name, seed, validating).guide(a, b, text, sharp)

    def say(self, *, task: str, text: str, name: str, seed: int, validating: bool = False) -> tuple[str, Tensor]:
        """Only the text of the pair that these arguments would guide, and what it names, as `Guided.named`."""
        turn = _Turn(self, task, name, seed, validating)
        return turn.say(text).text, _named(turn.asked)


class _Wish(NamedTuple):
    """An instruction: what is asked for, how much of it, where (None: everywhere), and how that is said."""

    key: str
    share: float
    region: str | None
    wording: str


class _Said(NamedTuple):
    """What is said of a pair, and what follows from it for the sources: their order, deviation and seed of noise."""

    text: str
    wishes: list[_Wish]
    swapped: bool
    noise: tuple[float, int] | None


class _Turn:
    """One pair's turn."""

    def __init__(self, guide: Guide, task: str, name: str, seed: int, validating: bool) -> None:
        self.shares, self.texts = guide.guidance, guide.texts
        self.task = self.spoken = task
        self.scan = scan_of(name) if task == "MIF" else None
        self.random = np.random.default_rng([seed, 7])
        self.validating = validating
        self.wordings = guide.wordings
        self.asked: list[str] = []

    def say(self, text: str) -> _Said:
        """Draw everything that is drawn, which needs no images."""
        shares = self.shares
        silent = self.chance(shares.wordless)
        nonsense = not silent and self.chance(shares.nonsense)
        silent = silent or (nonsense and self.chance(0.5))
        if not silent and self.chance(shares.another_task):
            self.spoken = self.pick([task for task in TASKS if _RULES[task] != _RULES[self.task]])
        asked = not silent and self.spoken == self.task and self.chance(shares.instruction)
        keys = self._keys() if asked else []
        swapped = self.chance(shares.swapped)
        noise = self._noise(keys)
        says = self._greeting(swapped) if not silent else []
        wishes = [self._ask(key, swapped) for key in keys]
        asks = [wish.wording for wish in wishes]
        says.extend([_joined(*asks)] if len(asks) > 1 and self.chance(shares.joined) else asks)
        if nonsense:
            says.insert(int(self.random.integers(len(says) + 1)), self.choose(self.wordings.nonsense))
        if not silent and self.chance(shares.described):
            says.append(self._shortened(self._description(text)))
        return _Said(" ".join(map(_sentence, filter(None, says))), wishes, swapped=swapped, noise=noise)

    def guide(self, a: Tensor, b: Tensor, text: str, sharp: Tensor | None) -> Guided:
        said = self.say(text)
        noisy = (a, b) if said.noise is None else _noisy(a, b, *said.noise)
        clean = said.noise is None or any(wish.key == "denoise" for wish in said.wishes)
        seen = (a, b) if clean else noisy
        aim = rules.neutral(self.spoken, *seen, sharp=sharp if clean else None)
        for wish in said.wishes:
            wanted = _GLOBAL[wish.key](aim) if wish.key in _GLOBAL else _LOCAL[wish.key](aim, *seen)
            aim = aim.towards(wanted, wish.share * (region_mask(wish.region, a) if wish.region else 1.0))
        first, second = reversed(noisy) if said.swapped else noisy
        return Guided(first, second, said.text, aim, tuple(self.asked), self.spoken, _place(said.wishes, *seen))

    def chance(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def pick(self, choices: Sequence[str]) -> str:
        return choices[int(self.random.integers(len(choices)))]

    def choose(self, split: Split) -> str:
        """A wording of this stage."""
        plain = split.plain_part(self.validating)
        wordings = plain if plain and self.chance(self.shares.plain) else split.part(self.validating)
        if self.scan:
            wordings = [text for text in wordings if fits(text, self.scan)] or wordings
        return self.pick(wordings)

    def _keys(self) -> list[str]:
        possible = [key for key in self.wordings.keys(self.task) if concerns(key, self.scan)]
        keys = [self.pick(possible)]
        if self.chance(self.shares.second):
            others = [key for key in _GLOBAL if key not in keys and OPPOSITES[key] not in keys]
            keys.append(self.pick(others))
        return keys

    def _noise(self, keys: list[str]) -> tuple[float, int] | None:
        """Its standard deviation and seed."""
        about_noise = {"denoise", "keep_grain"} & set(keys)
        if not self.chance(0.7 if about_noise else self.shares.noise):
            return None
        deviation = float(np.exp(self.random.uniform(np.log(0.008), np.log(0.06))))
        return deviation, int(self.random.integers(2**62))

    def _ask(self, key: str, swapped: bool) -> _Wish:
        """An instruction, and how it is said."""
        degrees, share, region = [], 1.0, None
        if self.chance(self.shares.degree):
            degree = self.pick(("weak", "strong"))
            self.asked.append(degree)
            degrees.append(self.choose(self.wordings.intensifiers[degree]))
            share = 0.5 if degree == "weak" else 1.25
        if self.chance(self.shares.region):
            region = self.pick(list(self.wordings.regions))
            self.asked.append(region)
        wording = append(self._wording(key, swapped), *degrees)
        return _Wish(key, share, region, self._placed(wording, region) if region else wording)

    def _placed(self, wording: str, region: str) -> str:
        """Say where: at the end, in front, or in place of what names all of the image."""
        phrase = self.choose(self.wordings.regions[region])
        if self.chance(0.4):
            return append(wording, phrase)
        return placed(wording, phrase, first=self.chance(0.4))

    def _wording(self, key: str, swapped: bool) -> str:
        general = self.wordings.instructions[key]
        if key not in ("emphasise_a", "emphasise_b"):
            self.asked.append(key)
            return self.choose(general)
        if self.chance(0.5):  # "the infrared": whichever comes first
            self.asked.append(key)
            return self.choose(self.wordings.tasks[self.task].instructions[key])
        said = OPPOSITES[key] if swapped else key
        self.asked.append("first" if said == "emphasise_a" else "second")
        return self.choose(self.wordings.instructions[said])

    def _greeting(self, swapped: bool) -> list[str]:
        """The sentence of the task, and which image is which."""
        wordings = self.wordings.tasks[self.spoken]
        chance = self.random.random()
        if chance < 0.08 and self.spoken == self.task:
            says = [SENTENCES["neutral"]]
        else:
            self.asked.append(self.spoken)
            says = [SENTENCES[self.spoken] if chance < 0.5 else self.choose(wordings.sentences)]
        if swapped:
            self.asked.append("swapped")
        if swapped or self.chance(0.15):
            says.append(self.choose(wordings.order_ba if swapped else wordings.order_ab))
        return says

    def _description(self, text: str) -> str:
        if self.spoken == self.task and text != SENTENCES[self.task]:
            return text
        if self.spoken != self.task and text != SENTENCES[self.task] and self.chance(0.5):
            return text  # what is seen contradicts what is asked: the task counts
        pool = described(self.texts, self.spoken) if self.texts else ()
        return self.pick(pool) if pool else ""

    def _shortened(self, text: str) -> str:
        """All of a description, or as often a few sentences of it."""
        sentences = split_sentences(text)
        if not sentences or self.chance(0.5):
            return text
        count = int(self.random.integers(1, len(sentences) + 1))
        chosen = sorted(self.random.choice(len(sentences), count, replace=False))
        return " ".join(sentences[i] for i in chosen)


@cache
def described(root: str, task: str) -> tuple[str, ...]:
    """All descriptions of pairs of a task below `root/Text`, those of A and B joined."""
    first, second = SOURCES[task]
    pairs = sorted(Path(root).glob(f"Text/{task}/*/{first}/*.txt"))
    partners = [path.parent.parent / second / path.name for path in pairs]
    return tuple(
        " ".join(read_text(path) for path in (a, b) if path.is_file()) for a, b in zip(pairs, partners, strict=True)
    )


def _named(asked: Sequence[str]) -> Tensor:
    return torch.tensor([concept in asked for concept in CONCEPTS]).float()


def _noisy(a: Tensor, b: Tensor, deviation: float, seed: int) -> tuple[Tensor, Tensor]:
    noise = deviation * torch.randn((2, *a.shape), generator=torch.Generator().manual_seed(seed)).to(a)
    return (a + noise[0]).clamp(0, 1), (b + noise[1]).clamp(0, 1)


def _place(wishes: Sequence[_Wish], a: Tensor, b: Tensor) -> Tensor:
    """Where that is which the only wish is about."""
    if len(wishes) != 1 or wishes[0].key not in PLACES:
        return torch.zeros_like(a)
    (wish,) = wishes
    bright = rules.bright_regions({"a": a, "b": b}[PLACES[wish.key]])
    return bright * region_mask(wish.region, a) if wish.region else bright


def _joined(first: str, second: str) -> str:
    """Two sentences as one: "Brighten it." and "Keep the grain." → "Brighten it and keep the grain"."""
    begin = first.rstrip(".!?;, ")
    end = uncapitalised(second)
    return f"{begin}, and {end}" if "," in begin else f"{begin} and {end}"


def _sentence(text: str) -> str:
    """End a wording like a sentence, so that it is read as one."""
    return text if text[-1:] in ".!?;\u3002\uff01\uff1f" else f"{text}."
