"""Whether a model does what instructions ask for, in wordings that it has never seen, or in those of a user."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from film.commands.evaluation.cases import spread
from film.commands.evaluation.luminance import luminance_levels
from film.commands.evaluation.properties import PROPERTIES
from film.commands.evaluation.sensitivity import bar
from film.commands.evaluation.words import PairWords
from film.data.wordings import concerns, fits, load_instructions, load_wordings, scan_of
from film.describers.base import Describer
from film.errors import FilmError
from film.imaging.files import read_image
from film.imaging.picture import Picture
from film.layers.text import TextFeatures
from film.pipeline import FusionPipeline

NONSENSE = "nonsense"
PAIRS = 20


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
    model: str,
    sources: Mapping[str, tuple[Path, Path]],
    *,
    task: str | None,
    texts: Path | None,
    device: str,
    describer: Describer | None = None,
    set_name: str | None = None,
    wordings: Path | None = None,
    pairs: int = PAIRS,
) -> list[Obedience]:
    """Fuse pairs with and without each instruction, in another wording for every pair.

    Args:
        model: Name of a shipped model, or a file.
        sources: Files of A and B by stem; for each instruction some are taken, spread over all that it concerns.
        task: Task of the pairs.
        texts: Where the texts of the pairs lie, see `PairWords`.
        device: As of `FusionPipeline`.
        describer: Describes every pair on the fly instead.
        set_name: `TASK/SET` of the pairs, if they are of one.
        wordings: File of them, see `film.data.wordings.load_instructions`; None for those kept out of training.
        pairs: How many are taken.

    Raises:
        FilmError: The task is not known, the model reads no words, or the wordings can't be read or are of other tasks.
    """
    pipeline = FusionPipeline.load(model, device=device, describer=describer)
    if task is None or not pipeline.model.reads_words:
        raise FilmError("--instructions needs --task or --set, and a model that reads words")
    said = PairWords(pipeline, sources, task=task, texts=texts, set_name=set_name)
    asked = _asked(list(sources), _wordings(task, wordings), pairs)
    found: dict[str, list[tuple[float, float]]] = {key: [] for key in asked}
    stems = [stem for stem in sources if any(stem in wordings for wordings in asked.values())]
    for stem in tqdm(stems, unit=" pairs", leave=False, desc="instructions"):
        a, b = (read_image(path) for path in sources[stem])
        levels = [luminance_levels(x.pixels).astype(np.float32) for x in (a, b)]
        before = _fuse(pipeline, a, b, said.of(stem))
        for key, wording in ((key, wordings[stem]) for key, wordings in asked.items() if stem in wordings):
            after = _fuse(pipeline, a, b, said.asking(stem, wording))
            rise = PROPERTIES[key](after, *levels) - PROPERTIES[key](before, *levels) if key in PROPERTIES else 0.0
            found[key].append((rise, float(np.abs(after - before).mean())))
    return [_summary(pipeline.model.name, key, values) for key, values in found.items() if values]


def _summary(model: str, key: str, values: Sequence[tuple[float, float]]) -> Obedience:
    rises, differences = np.array(values).T
    return Obedience(model, key, float((rises > 0).mean()), float(rises.mean()), float(differences.mean()), len(values))


def _wordings(task: str, own: Path | None) -> dict[str, tuple[str, ...]]:
    """By instruction that the task knows, and nonsense, how it is said."""
    if own is not None:
        return load_instructions(own, task)
    wordings = load_wordings()
    held_out = {key: wordings.instruction(key, task).held_out for key in wordings.keys(task)}
    return held_out | {NONSENSE: wordings.nonsense.held_out}


def _asked(stems: Sequence[str], wordings: Mapping[str, Sequence[str]], pairs: int) -> dict[str, dict[str, str]]:
    """For each instruction the pairs that are asked for it, and how."""
    asked: dict[str, dict[str, str]] = {}
    for number, (key, texts) in enumerate(wordings.items()):
        chosen = spread([stem for stem in stems if concerns(key, scan_of(stem))], pairs)
        for index, stem in enumerate(chosen):
            scan = scan_of(stem)
            if suits := [text for text in texts if scan is None or fits(text, scan)]:
                asked.setdefault(key, {})[stem] = suits[(index * 7 + number) % len(suits)]
    return asked


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


def obedience_section(found: Sequence[Obedience]) -> str:
    """A table with bars for the report."""
    body = "".join(
        f"<tr><td>{html.escape(row.model)}</td><td>{row.instruction}</td><td class=number>{_share(row)}</td>"
        f"<td>{bar(row.moved if row.instruction != NONSENSE else 0.0)}</td><td class=number>{_change(row)}</td>"
        f"<td class=number>{row.difference:.2f}</td><td class=number>{row.pairs}</td></tr>"
        for row in found
    )
    heads = "".join(f'<th class="number">{name}</th>' for name in ("change", "|ΔF|", "pairs"))
    return (
        "<h2>Instructions</h2><p>Share of the pairs whose measured property moved as asked, against the same text "
        "without the instruction, in another wording for every pair; mean change of the property, and mean absolute "
        "change of the fused luminance (0 to 255).</p>"
        '<div class="wide"><table><thead><tr><th>model</th><th>instruction</th><th class="number">obeyed</th><th></th>'
        f"{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )
