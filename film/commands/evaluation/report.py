"""`report.html`: one file that needs no network, with tables, box plots, single images and the best and worst cases."""

import base64
import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from film.commands.evaluation.baselines import baselines
from film.commands.evaluation.boxes import box_plot
from film.commands.evaluation.cases import Case, Cases
from film.commands.evaluation.luminance import read_luminance, stretch
from film.commands.evaluation.measuring import Row
from film.commands.evaluation.summary import Line
from film.commands.evaluation.tables import Metrics, arrow, number
from film.metrics.base import FusionMetric

_TEMPLATE = Path(__file__).with_name("report.html")
_SHOWN = 3  # best and worst cases each
_LONGEST_SIDE = 640  # px of an embedded picture


def write_report(
    path: Path,
    lines: Sequence[Line],
    rows: Sequence[Row],
    metrics: Metrics,
    *,
    cases: Cases,
    about: Mapping[str, Any],
    sections: Sequence[str] = (),
) -> None:
    """Write the report.

    Args:
        path: The file.
        lines: Summary, one line a method.
        rows: Values of single images.
        metrics: Columns.
        cases: Files of the pairs.
        about: Settings and versions.
        sections: More HTML, put before the single images.
    """
    ranked = sorted(lines, key=lambda line: line.rank)
    names = [cls.name for cls in metrics]
    table = [[row.method, row.name, *(_rounded(row.values[name]) for name in names)] for row in rows]
    parts = {
        "title": html.escape(f"{about['task'] or 'Fusion'}: {len(lines)} methods on {about['pairs']} pairs"),
        "summary": _summary(ranked, metrics),
        "boxes": "".join(box_plot(cls.name + arrow(cls), _spread(ranked, rows, cls)) for cls in metrics),
        "sections": "".join(sections),
        "cases": _cases(ranked, rows, metrics, cases, about),
        "columns": _json(["method", "name", *names]),
        "rows": _json(table),
        "about": _about(about),
    }
    text = _TEMPLATE.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace(f"<!--{name}-->", part)
    path.write_text(text, encoding="utf-8")


def _json(value: Any) -> str:
    """JSON that may stand in a script element."""
    return json.dumps(value, separators=(",", ":")).replace("</", "<\\/")


def _rounded(value: float | None) -> float | str | None:
    return value if value is None else float(f"{value:.6g}") if np.isfinite(value) else str(value)


def _summary(lines: Sequence[Line], metrics: Metrics) -> str:
    heads = "".join(f'<th class="number">{cls.name}&thinsp;{arrow(cls)}</th>' for cls in metrics)
    body = []
    for line in lines:
        cells = []
        for cls in metrics:
            cell = line.cells[cls.name]
            spread = f"<small>± {number(cell.std)}<br>{number(cell.low)} … {number(cell.high)}</small>"
            mark = {1: "best", 2: "second"}.get(cell.place or 0, "")
            value = f"<b>{number(cell.mean)}</b>{spread}" if cell.count else ""
            cells.append(f'<td class="number {mark}" data-value="{cell.mean}">{value}</td>')
        cells.append(f'<td class="number" data-value="{line.rank}"><b>{line.rank:.2f}</b></td>')
        body.append(f"<tr><td>{html.escape(line.method)}</td><td class=number>{line.count}</td>{''.join(cells)}</tr>")
    head = f'<tr><th>method</th><th class="number">n</th>{heads}<th class="number">rank</th></tr>'
    return f'<table class="sortable"><thead>{head}</thead><tbody>{"".join(body)}</tbody></table>'


def _spread(lines: Sequence[Line], rows: Sequence[Row], cls: type[FusionMetric]) -> dict[str, list[float]]:
    spread: dict[str, list[float]] = {line.method: [] for line in lines}
    for row in rows:
        value = row.values[cls.name]
        if value is not None and np.isfinite(value):
            spread[row.method].append(value)
    return spread


def _cases(lines: Sequence[Line], rows: Sequence[Row], metrics: Metrics, cases: Cases, about: Mapping[str, Any]) -> str:
    """The pairs on which the best method that is no baseline does worst and best, with all methods side by side."""
    trivial = baselines(about["task"]).keys()
    best = next((line.method for line in lines if line.method not in trivial), None)
    if best is None:
        return ""
    scores = _scores([row for row in rows if row.method == best], metrics)
    order = sorted(scores, key=scores.__getitem__)
    chosen = [("worst", name) for name in order[:_SHOWN]]
    chosen += [("best", name) for name in order[_SHOWN:][::-1][:_SHOWN]]
    by_name = {case.name: case for case in cases.cases}
    intro = (
        f"<p>Where {html.escape(best)} scores lowest and highest: mean over all metrics of the distance to its own "
        "mean, in standard deviations. Click a picture to zoom.</p>"
    )
    panels = (_panel(kind, by_name[name], [line.method for line in lines], about) for kind, name in chosen)
    return intro + "".join(panels)


def _scores(rows: Sequence[Row], metrics: Metrics) -> dict[str, float]:
    """Mean over the metrics of how many standard deviations an image lies above the mean, in the metric's direction."""
    total = {row.name: 0.0 for row in rows}
    for cls in metrics:
        values = {row.name: value for row in rows if (value := row.values[cls.name]) is not None and np.isfinite(value)}
        deviation = float(np.std(list(values.values()))) if values else 0.0
        if cls.higher_is_better is None or deviation == 0:
            continue
        mean = float(np.mean(list(values.values())))
        for name, value in values.items():
            total[name] += (1 if cls.higher_is_better else -1) * (value - mean) / deviation
    return total


def _panel(kind: str, case: Case, methods: Sequence[str], about: Mapping[str, Any]) -> str:
    pictures: dict[str, np.ndarray] = {}
    sources = [read_luminance(path) for path in case.sources or ()]
    if sources:
        pictures |= {"a": sources[0], "b": sources[1]}
    fusions = baselines(about["task"])
    for method in methods:
        if method in case.fused:
            pictures[method] = read_luminance(case.fused[method])
        elif method in fusions and method not in pictures:
            pictures[method] = fusions[method](*sources)
        if about["stretch"] and method in pictures:
            pictures[method] = stretch(pictures[method])
    figures = "".join(
        f'<figure><img loading="lazy" alt="{html.escape(name)}" src="{_embedded(levels)}">'
        f"<figcaption>{html.escape(name)}</figcaption></figure>"
        for name, levels in pictures.items()
    )
    return f'<h3>{kind}: {html.escape(case.name)}</h3><div class="strip">{figures}</div>'


def _embedded(levels: np.ndarray) -> str:
    scale = _LONGEST_SIDE / max(levels.shape)
    if scale < 1:
        levels = cv2.resize(levels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", np.round(levels).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 88])
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"


def _about(about: Mapping[str, Any]) -> str:
    rows = []
    for name, value in about.items():
        if name == "missing":
            continue
        text = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        rows.append(f"<tr><th>{html.escape(name)}</th><td>{html.escape(str(text))}</td></tr>")
    missing = "".join(f"<li>{html.escape(line)}</li>" for line in about["missing"])
    listed = (
        f"<details><summary>{len(about['missing'])} missing or not measurable</summary><ul>{missing}</ul></details>"
    )
    return f"<table>{''.join(rows)}</table>{listed if missing else ''}"
