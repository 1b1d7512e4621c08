"""How much a model's result depends on the words, beside how much it depends on an image."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from film.commands.evaluation.luminance import luminance_levels
from film.commands.evaluation.tables import Metrics, number
from film.commands.evaluation.words import PairWords
from film.describers.base import Describer
from film.imaging.files import read_image
from film.imaging.picture import Picture
from film.layers.text import TextFeatures
from film.metrics.base import Pair
from film.pipeline import FusionPipeline

CHANGES = ("empty text", "text of another pair", "text of another task", "source B mirrored")
_PAIRS = 20  # enough for a mean; every pair is fused five times


@dataclass(frozen=True)
class Sensitivity:
    """What one change does to a model's results.

    Attributes:
        model: Name of the model.
        change: One of `CHANGES`.
        difference: Mean absolute change of the fused luminance, 0 to 255.
        metrics: Mean change of each metric.
    """

    model: str
    change: str
    difference: float
    metrics: Mapping[str, float]


def measure_sensitivity(
    model: str,
    sources: Mapping[str, tuple[Path, Path]],
    metrics: Metrics,
    *,
    task: str | None,
    texts: Path | None,
    device: str,
    describer: Describer | None = None,
    set_name: str | None = None,
) -> list[Sensitivity]:
    """Fuse pairs with the right words, with changed words, and with a mirrored source.

    Without texts and describer the right words are the task's sentence, and those of another pair are the same.

    Args:
        model: Name of a shipped model, or a file.
        sources: Files of A and B by stem; the first twenty are taken.
        metrics: Whose change is reported.
        task: The task of the pairs.
        texts: Where the texts of the pairs lie, see `PairWords`.
        device: As of `FusionPipeline`.
        describer: Describes every pair on the fly instead.
        set_name: `TASK/SET` of the pairs, if they are of one.
    """
    pipeline = FusionPipeline.load(model, device=device, describer=describer)
    said = PairWords(pipeline, sources, task=task, texts=texts, set_name=set_name)
    stems = list(sources)[:_PAIRS]
    other_task = "IVF" if task in ("MEF", "MFF") else "MEF"  # of another rule: IVF and MIF both keep the brighter
    differences: dict[str, list[float]] = {change: [] for change in CHANGES}
    changes: dict[str, list[dict[str, float]]] = {change: [] for change in CHANGES}
    for index, stem in enumerate(tqdm(stems, unit=" pairs", leave=False, desc="text sensitivity")):
        a, b = (read_image(path) for path in sources[stem])
        mirrored = Picture(np.ascontiguousarray(b.pixels[:, ::-1]), b.profile)
        right, another = said.of(stem), said.of(stems[(index + 1) % len(stems)])
        wordless = right and TextFeatures.wordless(1, right.tokens.shape[-1])
        elsewhere = pipeline.encode(task=other_task)
        levels = _fuse(pipeline, a, b, right)
        before = _values(levels, a, b, metrics)
        ways = ((b, wordless), (b, another), (b, elsewhere), (mirrored, right))
        for change, (second, words) in zip(CHANGES, ways, strict=True):
            changed = _fuse(pipeline, a, second, words)
            after = _values(changed, a, b, metrics)
            differences[change].append(float(np.abs(changed - levels).mean()))
            changes[change].append({name: after[name] - before[name] for name in before})
    return [
        Sensitivity(
            pipeline.model.name,
            change,
            float(np.mean(differences[change])),
            {cls.name: float(np.nanmean([found[cls.name] for found in changes[change]])) for cls in metrics},
        )
        for change in CHANGES
    ]


def _fuse(pipeline: FusionPipeline, a: Picture, b: Picture, words: TextFeatures | None) -> np.ndarray:
    return luminance_levels(pipeline.fuse(a, b, words=words, grey=True).pixels)


def _values(levels: np.ndarray, a: Picture, b: Picture, metrics: Metrics) -> dict[str, float]:
    images = (levels, luminance_levels(a.pixels), luminance_levels(b.pixels))
    pair = Pair(*(torch.from_numpy(image)[None, None].double() for image in images))
    return {cls.name: cls.values(pair).item() for cls in metrics}


def sensitivity_table(found: Sequence[Sensitivity], metrics: Metrics) -> str:
    """A table for the terminal."""
    head = f"{'model':16} {'change':22} {'|ΔF|':>8}  " + "  ".join(f"{'Δ' + cls.name:>9}" for cls in metrics)
    lines = [
        f"{row.model:16} {row.change:22} {number(row.difference):>8}  "
        + "  ".join(f"{number(row.metrics[cls.name]):>9}" for cls in metrics)
        for row in found
    ]
    return "\n".join([head, *lines])


def sensitivity_csv(found: Sequence[Sensitivity], metrics: Metrics) -> str:
    """`model,change,difference` and the change of each metric."""
    lines = [",".join(["model", "change", "difference", *(cls.name for cls in metrics)])]
    for row in found:
        values = (repr(row.metrics[cls.name]) for cls in metrics)
        lines.append(",".join([row.model, row.change, repr(row.difference), *values]))
    return "\n".join([*lines, ""])


def sensitivity_section(found: Sequence[Sensitivity], metrics: Metrics) -> str:
    """A table with bars for the report."""
    largest = max((row.difference for row in found), default=0.0) or 1.0
    heads = "".join(f'<th class="number">Δ{cls.name}</th>' for cls in metrics)
    body = "".join(
        f"<tr><td>{html.escape(row.model)}</td><td>{row.change}</td><td class=number>{number(row.difference)}</td>"
        f"<td>{bar(row.difference / largest)}</td>"
        + "".join(f"<td class=number>{number(row.metrics[cls.name])}</td>" for cls in metrics)
        + "</tr>"
        for row in found
    )
    return (
        "<h2>Text sensitivity</h2><p>Mean absolute change of the fused luminance (0 to 255) and mean change of each "
        "metric, against the right text.</p>"
        f'<div class="wide"><table><thead><tr><th>model</th><th>change</th><th class="number">|ΔF|</th><th></th>{heads}'
        f"</tr></thead><tbody>{body}</tbody></table></div>"
    )


def bar(share: float) -> str:
    """A bar of a report, for a share from 0 to 1."""
    return f'<svg width="160" height="12"><rect width="{158 * share + 1:.1f}" height="12"/></svg>'
