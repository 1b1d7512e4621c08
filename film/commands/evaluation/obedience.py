"""Whether a model does what instructions ask for, in wordings that it has never seen."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from film.commands.evaluation.luminance import luminance_levels
from film.commands.evaluation.properties import PROPERTIES
from film.data.wordings import Split, fits, load_wordings
from film.imaging.files import read_image
from film.imaging.picture import Picture
from film.layers.text import TextFeatures
from film.pipeline import FusionPipeline

NONSENSE = "nonsense"
Say = Callable[[str, Picture, Picture, str | None], TextFeatures | None]
"""Words for a pair: its stem, its pictures, and what is asked for besides the task and the descriptions."""


@dataclass(frozen=True)
class Obedience:
    """How one instruction fared.

    Attributes:
        model: Name of the model.
        instruction: Key of `film.data.wordings`, or `nonsense`.
        moved: Share of the pairs whose property moved as asked, against the same text without the instruction.
        change: Mean change of the property, in its units.
        difference: Mean absolute change of the fused luminance, 0 to 255.
        pairs: How many there were.
    """

    model: str
    instruction: str
    moved: float
    change: float
    difference: float
    pairs: int


def measure_obedience(
    pipeline: FusionPipeline, sources: Mapping[str, tuple[Path, Path]], say: Say, *, task: str, pairs: int = 20
) -> list[Obedience]:
    """Fuse pairs with and without each instruction, in held-out wordings, another for every pair.

    Args:
        pipeline: With the model.
        sources: Files of A and B by stem; pairs spread over all of them are taken.
        say: Turns an instruction into words for a pair; None for the neutral text.
        task: Task of the pairs.
        pairs: How many are fused, once for every instruction.
    """
    keys = [*load_wordings().keys(task), NONSENSE]
    stems = list(sources)[:: max(1, len(sources) // pairs)][:pairs]
    found: dict[str, list[tuple[float, float]]] = {key: [] for key in keys}
    for index, stem in enumerate(tqdm(stems, unit=" pairs", leave=False, desc="instructions")):
        a, b = (read_image(path) for path in sources[stem])
        levels = [luminance_levels(x.pixels).astype(np.float32) for x in (a, b)]
        before = _fuse(pipeline, a, b, say(stem, a, b, None))
        for key, wording in _wordings(keys, task, stem, index):
            after = _fuse(pipeline, a, b, say(stem, a, b, wording))
            rise = PROPERTIES[key](after, *levels) - PROPERTIES[key](before, *levels) if key in PROPERTIES else 0.0
            found[key].append((rise, float(np.abs(after - before).mean())))
    return [_summary(pipeline.model.name, key, values) for key, values in found.items() if values]


def _summary(model: str, key: str, values: Sequence[tuple[float, float]]) -> Obedience:
    rises, differences = np.array(values).T
    return Obedience(model, key, float((rises > 0).mean()), float(rises.mean()), float(differences.mean()), len(values))


def _wordings(keys: Sequence[str], task: str, stem: str, index: int) -> Iterator[tuple[str, str]]:
    """A held-out wording of each instruction that suits the pair."""
    wordings = load_wordings()
    scan = stem.partition("_")[0].upper()
    for number, key in enumerate(keys):
        split: Split = wordings.nonsense if key == NONSENSE else wordings.instruction(key, task)
        suits = [text for text in split.held_out if scan not in ("CT", "PET", "SPECT") or fits(text, scan)]
        yield key, suits[(index * 7 + number) % len(suits)]


def _fuse(pipeline: FusionPipeline, a: Picture, b: Picture, words: TextFeatures | None) -> np.ndarray:
    return luminance_levels(pipeline.fuse(a, b, words=words, grey=True).pixels).astype(np.float32)


def obedience_table(found: Sequence[Obedience]) -> str:
    """A table for the terminal."""
    lines = [f"{'model':16} {'instruction':20} {'obeyed':>7} {'change':>9} {'|ΔF|':>7} {'pairs':>6}"]
    lines += [
        f"{row.model:16} {row.instruction:20} {_share(row):>7} {_change(row):>9} {row.difference:>7.2f} {row.pairs:>6}"
        for row in found
    ]
    return "\n".join(lines)


def obedience_csv(found: Sequence[Obedience]) -> str:
    """The same as CSV; `nonsense` has nothing to obey."""
    head = "model,instruction,obeyed,change,difference,pairs"
    rows = (
        f"{row.model},{row.instruction},{_share(row)},{_change(row)},{row.difference:.4f},{row.pairs}" for row in found
    )
    return "\n".join([head, *rows, ""])


def _share(row: Obedience) -> str:
    return "" if row.instruction == NONSENSE else f"{row.moved:.2f}"


def _change(row: Obedience) -> str:
    return "" if row.instruction == NONSENSE else f"{row.change:.4g}"
