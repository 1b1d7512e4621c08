"""The summary as a terminal table, CSV, JSON, Markdown and LaTeX, and the values of every image as CSV."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from film.commands.evaluation.measuring import Row
from film.commands.evaluation.summary import Cell, Line
from film.metrics.base import FusionMetric

Metrics = Sequence[type[FusionMetric]]


def arrow(cls: type[FusionMetric]) -> str:
    """Direction of a metric: up where higher is better."""
    return {True: "↑", False: "↓", None: ""}[cls.higher_is_better]


def number(value: float | None) -> str:
    """Four significant digits, more where there are more before the point; empty for none."""
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}" if abs(value) < 1e-3 else f"{value:#.4g}"


def terminal(lines: Sequence[Line], metrics: Metrics, *, styled: bool) -> str:
    """A table for the terminal; with `styled` the best is bold and the second underlined, by ANSI codes."""
    marks = {1: "\033[1m", 2: "\033[4m"} if styled else {}

    def style(text: str, cell: Cell) -> str:
        mark = marks.get(cell.place or 0)
        return f"{mark}{text.strip()}\033[0m".rjust(len(text) + len(mark) + 4) if mark and text.strip() else text

    return _grid(lines, metrics, style)


def _grid(lines: Sequence[Line], metrics: Metrics, style: Callable[[str, Cell], str]) -> str:
    heads = [f"{cls.name}{arrow(cls)}" for cls in metrics]
    first = max(len("method"), *(len(line.method) for line in lines))
    widths = [
        max(len(head), *(len(number(line.cells[cls.name].mean)) for line in lines))
        for head, cls in zip(heads, metrics, strict=True)
    ]
    titles = "  ".join(head.rjust(width) for head, width in zip(heads, widths, strict=True))
    text = [f"{'method':{first}}     n  {titles}   rank"]
    for line in lines:
        cells = (line.cells[cls.name] for cls in metrics)
        values = [style(number(cell.mean).rjust(width), cell) for cell, width in zip(cells, widths, strict=True)]
        text.append(f"{line.method:{first}}  {line.count:4}  {'  '.join(values)}  {line.rank:5.2f}")
    return "\n".join(text)


def per_image_csv(rows: Sequence[Row], metrics: Metrics) -> str:
    """`method,name` and one column a metric, full precision; empty where an image has no value."""
    names = [cls.name for cls in metrics]
    content = ([row.method, row.name, *(_exact(row.values[name]) for name in names)] for row in rows)
    return _csv([["method", "name", *names], *content])


def summary_csv(lines: Sequence[Line], metrics: Metrics) -> str:
    """`method,n,rank` and mean, standard deviation and confidence of each metric."""
    head = ["method", "n", "rank"]
    head += [f"{cls.name}{part}" for cls in metrics for part in ("", "_std", "_low", "_high")]
    content = []
    for line in lines:
        cells = (line.cells[cls.name] for cls in metrics)
        parts = [_exact(value) for cell in cells for value in (cell.mean, cell.std, cell.low, cell.high)]
        content.append([line.method, str(line.count), _exact(line.rank), *parts])
    return _csv([head, *content])


def summary_json(lines: Sequence[Line], metrics: Metrics, about: Mapping[str, Any]) -> str:
    """Everything about the run and the summary."""
    directions = {cls.name: cls.higher_is_better for cls in metrics}
    methods = {
        line.method: {"n": line.count, "rank": line.rank, "metrics": {k: vars(cell) for k, cell in line.cells.items()}}
        for line in lines
    }
    return json.dumps({"about": about, "higher_is_better": directions, "methods": methods}, indent=1) + "\n"


def summary_md(lines: Sequence[Line], metrics: Metrics) -> str:
    """A Markdown table of means; best bold, second in italics."""
    marks = {1: "**{}**", 2: "*{}*"}
    head = ["method", "n", *(f"{cls.name} {arrow(cls)}".strip() for cls in metrics), "rank"]
    text = [head, ["---"] + ["--:"] * (len(head) - 1)]
    for line in lines:
        cells = [line.cells[cls.name] for cls in metrics]
        values = [marks.get(cell.place or 0, "{}").format(number(cell.mean)) if cell.count else "" for cell in cells]
        text.append([line.method, str(line.count), *values, f"{line.rank:.2f}"])
    return "".join(f"| {' | '.join(row)} |\n" for row in text)


def summary_tex(lines: Sequence[Line], metrics: Metrics) -> str:
    """A LaTeX tabular (booktabs) of means; best bold, second underlined."""
    arrows = {True: r"$\uparrow$", False: r"$\downarrow$", None: ""}
    marks = {1: r"\textbf{%s}", 2: r"\underline{%s}"}
    heads = " & ".join(_tex(cls.name) + arrows[cls.higher_is_better] for cls in metrics)
    text = [rf"\begin{{tabular}}{{l{'r' * len(metrics)}}}", r"\toprule", rf"Method & {heads} \\", r"\midrule"]
    for line in lines:
        cells = [line.cells[cls.name] for cls in metrics]
        values = [marks.get(cell.place or 0, "%s") % number(cell.mean) if cell.count else "--" for cell in cells]
        text.append(rf"{_tex(line.method)} & {' & '.join(values)} \\")
    return "\n".join([*text, r"\bottomrule", r"\end{tabular}", ""])


def _tex(text: str) -> str:
    return "".join(f"\\{character}" if character in "&%$#_{}" else character for character in text)


def _exact(value: float | None) -> str:
    return "" if value is None else repr(value)


def _csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
