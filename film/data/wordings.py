"""Wordings that train and test networks guided by text: what the pair is, what is wanted, and nonsense.

They stand in `wordings.yaml` beside this file, each list twice: `train` to learn from, and `held_out`, which is never
trained on and, for instructions, shares no content word with the training ones beyond the nouns of the task.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import yaml

from film.concepts import ONLY_OF, OPPOSITES, REGIONS
from film.errors import FilmError
from film.tasks import TASKS

FILE = Path(__file__).with_suffix(".yaml")
_VALIDATING = 8  # every eighth wording validates
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML was built with it

# Words that may give way to a place: all of it is then a part.
_PLACE = re.compile(r"(?:on|in|at|near|for|along|across|within|around|towards) (the .+)")
_WHOLE = re.compile(
    r"\b(?:it|everything|the (?:whole )?(?:image|picture|photo|result|scene))\b(?!'| is\b| was\b| looks?\b)", re.I
)

# Words that only one kind of scan can mean; a wording with words of several kinds suits each of them.
_FUNCTION = (
    r"tracer|uptake|function|metaboli|nuclear|perfusion|isotope|radio(?!logist)|scintigra|malignan|cancer|avid\b"
)
SCANS = {
    "CT": r"\bCTs?\b|computed|bon[ey]|skull|hounsfield|fractur|calci|x-ray|osse|ossif|jaw|mandib|crani|skelet"
    r"|vertebra|teeth",
    "PET": rf"\bPETs?\b|positron|FDG|glucose|{_FUNCTION}",
    "SPECT": rf"\bSPECTs?\b|technetium|gamma|{_FUNCTION}",
}

_SCANS_OF = {"bone": ("CT",), "uptake": ("PET", "SPECT"), "less_uptake": ("PET", "SPECT")}

# Words without content: articles, pronouns, auxiliaries, prepositions and particles, conjunctions, quantity and degree.
_STOP = """
    a an the this that these those it its itself they them their there here we us our i me my you your yours he she him
    her his who whose whoever what whatever which one ones somebody anybody nobody everybody something anything nothing
    everything someone anyone everyone
    be is are was were been being am do does did doing done have has had having
    can cannot could will would shall should may might must ought need let ca wo
    of in on at to from by for with without into onto upon over under above below between among through throughout
    across along around about against towards toward off out up down upwards downwards away back than as like per via
    and or but nor if when while where wherever because so yet though although whether rather until
    not no never nor none neither either both all any each every some such other another same own only just even also
    too very more most less least much many few little lot lots bit quite how why please far enough whole
"""
# The nouns of the tasks, which held-out wordings may share with the training ones.
_NOUNS = """
    infrared visible thermal mri ct pet spect exposure overexposed underexposed overexposure underexposure
    exposed focus focused image picture photo source scan a b first second scene result fused fusion near far
    foreground background
"""
_ENDINGS = """
    isation ization ations ation ated ating ates ator ate ising izing ings ing edly ness ers est ement ements ful
    less able ible ities ity ious ised ized ise ize ens en ies ied ish ive ion ions al ally ly ic ed er es
    or y s e
"""
_CONTENTLESS = frozenset(_STOP.split())
_BY_LENGTH = sorted(_ENDINGS.split(), key=len, reverse=True)


@dataclass(frozen=True)
class Split:
    """Wordings of one meaning, split once and for all.

    Args:
        train: To learn from.
        held_out: Never trained on.
        plain: Of those to learn from what people say who just say it; the others are there for their words.
    """

    train: tuple[str, ...]
    held_out: tuple[str, ...]
    plain: tuple[str, ...] = ()

    def part(self, validating: bool) -> list[str]:
        """Of the wordings to learn from every eighth, which validates, or the others."""
        return self._parts[validating]

    def plain_part(self, validating: bool) -> list[str]:
        """The plain ones of it."""
        return self._plain_parts[validating]

    @cached_property
    def _parts(self) -> tuple[list[str], list[str]]:
        validating = list(self.train[::_VALIDATING])
        return [text for i, text in enumerate(self.train) if i % _VALIDATING], validating

    @cached_property
    def _plain_parts(self) -> list[list[str]]:
        plain = set(self.plain)
        return [[text for text in part if text in plain] for part in self._parts]

    def __add__(self, other: "Split") -> "Split":
        return Split(self.train + other.train, self.held_out + other.held_out, self.plain + other.plain)

    def filtered(self, keeps: Callable[[str], bool]) -> "Split":
        """Those in which only training wordings are left that are to be kept."""
        return Split(tuple(filter(keeps, self.train)), self.held_out, tuple(filter(keeps, self.plain)))


@dataclass(frozen=True)
class TaskWordings:
    """What is said about pairs of one task.

    Args:
        sentences: Name what is fused, without an instruction and without an order.
        order_ab: Say that the first image is source A of `film.tasks.SOURCES`.
        order_ba: Say that the first image is source B.
        instructions: `emphasise_a` and `emphasise_b` in words of the task, such as "keep the infrared".
    """

    sentences: Split
    order_ab: Split
    order_ba: Split
    instructions: dict[str, Split]


@dataclass(frozen=True)
class Wordings:
    """All wordings.

    Args:
        instructions: By key, in words that suit every task the key is for.
        tasks: By task, what is said about its pairs.
        nonsense: Has nothing to do with images.
        regions: `left`, `right`, `top`, `bottom`, `centre`: phrases for `append` and `placed`.
        intensifiers: `weak` and `strong`: phrases for `append`.
    """

    instructions: dict[str, Split]
    tasks: dict[str, TaskWordings]
    nonsense: Split
    regions: dict[str, Split]
    intensifiers: dict[str, Split]

    def keys(self, task: str) -> tuple[str, ...]:
        """Instructions that mean something for a task, one of `film.tasks.TASKS`."""
        return tuple(key for key in OPPOSITES if ONLY_OF.get(key, task) == task)

    def pooled(self, key: str) -> Split:
        """All wordings of an instruction, in general words and in those of every task."""
        return sum(
            (about.instructions[key] for about in self.tasks.values() if key in about.instructions),
            self.instructions[key],
        )

    def filtered(self, keeps: Callable[[str, str], bool]) -> "Wordings":
        """Those in which only training wordings of instructions are left that `keeps` says to keep, by key and text."""

        def kept(splits: Mapping[str, Split]) -> dict[str, Split]:
            return {key: split.filtered(partial(keeps, key)) for key, split in splits.items()}

        tasks = {task: replace(about, instructions=kept(about.instructions)) for task, about in self.tasks.items()}
        return replace(self, instructions=kept(self.instructions), tasks=tasks)

    def instruction(self, key: str, task: str) -> Split:
        """Wordings of an instruction for a task: the general ones and those in words of the task."""
        own = self.tasks[task].instructions.get(key, Split((), ()))
        return self.instructions[key] + own


@cache
def fits(wording: str, scan: str) -> bool:
    """Whether a medical wording suits pairs of MRI and this scan (CT, PET or SPECT).

    "Boost the tracer" fits PET and SPECT; what names no scan fits every one.
    """
    if scan not in SCANS:
        raise FilmError(f"no scan {scan!r}; there are {', '.join(SCANS)}")
    meant = [name for name, words in SCANS.items() if re.search(words, wording, re.IGNORECASE)]
    return not meant or scan in meant


def scan_of(name: str) -> str | None:
    """The kind of scan, CT, PET or SPECT, with which the name of a medical pair begins, if it does."""
    kind = name.rpartition("/")[2].partition("_")[0].upper()
    return kind if kind in SCANS else None


def concerns(key: str, scan: str | None) -> bool:
    """Whether an instruction means something for pairs of MRI and this scan: bone is in CT, uptake in the others."""
    return scan is None or scan in _SCANS_OF.get(key, SCANS)


def append(wording: str, *phrases: str) -> str:
    """Phrases of place or strength at the end: ("Brighten it.", "on the left") → "Brighten it on the left."."""
    body = wording.rstrip(".!? ")
    return " ".join([body, *phrases]) + wording[len(body) :].rstrip()


def placed(wording: str, phrase: str, *, first: bool = False) -> str:
    """A phrase of place where else it may stand than at the end, if it may.

    ("Make it brighter.", "on the left") → "Make the left brighter.", or, first, "On the left, make it brighter.".
    """
    if first:
        return f"{phrase[0].upper()}{phrase[1:]}, {uncapitalised(wording)}"
    noun = _PLACE.fullmatch(phrase)
    changed = _WHOLE.sub(noun[1], wording, count=1) if noun else wording
    return append(wording, phrase) if changed == wording else changed[0].upper() + changed[1:]


@cache
def stem(word: str) -> str:
    """A word without its endings: brightness, brighten and brighter are all bright; it cuts rather too much."""
    while ending := next((e for e in _BY_LENGTH if word.endswith(e) and len(word) - len(e) >= 4), ""):
        word = word[: -len(ending)]
    return word[:-1] if len(word) > 4 and word[-1] == word[-2] else word


_TASK_NOUNS = frozenset(map(stem, _NOUNS.split()))


def content_words(wordings: Iterable[str]) -> set[str]:
    """Stems of the words that carry content, but for the nouns of the tasks."""
    text = " ".join(wordings).lower().replace("over-exp", "overexp").replace("under-exp", "underexp")
    words = re.findall(r"[^\W\d_]+", re.sub(r"n't\b|'\w+", "", text))
    return {stem(word) for word in words if word not in _CONTENTLESS} - _TASK_NOUNS


def uncapitalised(text: str) -> str:
    """A sentence as it goes on after a comma; names and abbreviations stay as they are."""
    return text[0].lower() + text[1:] if text[1:2].islower() else text


@cache
def load_wordings(path: Path = FILE) -> Wordings:
    """Read and check a file of wordings, by default that of the package.

    Raises:
        FilmError: The file can't be read, or a list is missing, unknown, empty, or holds anything but distinct texts.
    """
    content = _read(path, "take that of the package")
    top = _Node(path, "", content).children("instructions", "tasks", "nonsense", "regions", "intensifiers")
    return Wordings(
        instructions=top["instructions"].splits(*OPPOSITES),
        tasks={task: _task(node) for task, node in top["tasks"].children(*TASKS).items()},
        nonsense=top["nonsense"].split(),
        regions=top["regions"].splits(*REGIONS),
        intensifiers=top["intensifiers"].splits("weak", "strong"),
    )


def load_instructions(path: Path, task: str) -> dict[str, tuple[str, ...]]:
    """Read wordings of instructions of one's own: YAML that maps some of their keys to lists of texts.

    Under a task stands what is said of its pairs alone: `{darker: [Dim it.], IVF: {emphasise_a: [More infrared]}}`.

    Returns:
        Those that mean something for pairs of the task.

    Raises:
        FilmError: The file can't be read, a key is unknown, a list is empty or holds anything but distinct texts, or
            nothing is left for the task.
    """
    content = _read(path, "map instructions to lists of texts")
    known = load_wordings().keys(task)
    found: dict[str, tuple[str, ...]] = {}
    own = content.get(task, {}) if isinstance(content, Mapping) else None
    for part in (content, own):
        if not isinstance(part, Mapping):
            raise FilmError(f"{path} must map instructions to lists of texts; they are {', '.join(OPPOSITES)}")
        if unknown := [key for key in part if key not in OPPOSITES and (key not in TASKS or part is own)]:
            raise FilmError(f"{path}: there is no instruction {unknown[0]!r}; choose from {', '.join(OPPOSITES)}")
        found |= {key: _Node(path, key, part[key]).texts() for key in known if key in part}
    if not found:
        raise FilmError(f"{path} has no instruction for {task}; its pairs know {', '.join(known)}")
    return found


def _read(path: Path, way_out: str) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _LOADER)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FilmError(f"{path} is no readable YAML ({' '.join(str(error).split())}); {way_out}") from error


@dataclass(frozen=True)
class _Node:
    path: Path
    name: str
    content: Any

    def children(self, *names: str) -> dict[str, "_Node"]:
        """The parts of a mapping, which has to have exactly these."""
        found = list(self.content) if isinstance(self.content, Mapping) else []
        if set(found) != set(names):
            where = self.name or "the top level"
            raise FilmError(f"{self.path}: {where} has {found or type(self.content).__name__}, not {', '.join(names)}")
        prefix = f"{self.name}." if self.name else ""
        return {name: _Node(self.path, prefix + name, self.content[name]) for name in names}

    def split(self) -> Split:
        some = ("plain",) if isinstance(self.content, Mapping) and "plain" in self.content else ()
        parts = {name: part.texts() for name, part in self.children("train", *some, "held_out").items()}
        plain = parts.get("plain", ())
        if both := set(plain) & set(parts["train"]):
            raise FilmError(f"{self.path}: {self.name} has {both.pop()!r} in train and plain; leave one out")
        split = Split(parts["train"] + plain, parts["held_out"], plain)
        if both := set(split.train) & set(split.held_out):
            raise FilmError(f"{self.path}: {self.name} has {both.pop()!r} in train and held_out; leave one out")
        return split

    def splits(self, *names: str) -> dict[str, Split]:
        return {name: node.split() for name, node in self.children(*names).items()}

    def texts(self) -> tuple[str, ...]:
        texts = self.content if isinstance(self.content, list) else []
        if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
            raise FilmError(
                f"{self.path}: {self.name} is not a list of texts; put quotes round each that YAML misreads"
            )
        if twice := [text for text, times in Counter(texts).items() if times > 1]:
            raise FilmError(f"{self.path}: {self.name} has {twice[0]!r} twice; leave one out")
        return tuple(texts)


def _task(node: _Node) -> TaskWordings:
    parts = node.children("sentences", "order_ab", "order_ba", "instructions")
    return TaskWordings(
        sentences=parts["sentences"].split(),
        order_ab=parts["order_ab"].split(),
        order_ba=parts["order_ba"].split(),
        instructions=parts["instructions"].splits("emphasise_a", "emphasise_b"),
    )
