"""`film evaluate`: measure methods beside trivial baselines on the same pairs, as tables and a report."""

import argparse
import logging
import platform
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from film import __version__
from film.commands.describing.options import open_describer, take_overrides
from film.commands.evaluation.options import parse
from film.errors import FilmError

if TYPE_CHECKING:
    from film.commands.evaluation.cases import Cases
    from film.commands.evaluation.measuring import Measured
    from film.commands.evaluation.summary import Line
    from film.metrics.base import FusionMetric

_SHOWN = 10  # lines of what is missing; all stand in summary.json
_log = logging.getLogger("film")

Sources = Mapping[str, tuple[Path, Path]]


def main(arguments: Sequence[str]) -> int:
    """Run `film evaluate`.

    Args:
        arguments: What follows `film evaluate`.

    Returns:
        0; or 1 if a pair is missing or could not be measured and `--allow-missing` was not given.

    Raises:
        FilmError: Bad input, found before anything was measured.
    """
    rest, overrides = take_overrides(arguments)
    options = parse(rest)
    describer = open_describer(options, overrides)
    if describer:
        describer.check()
    options.asked = {"task": options.task, "texts": options.texts, "set_name": options.set, "device": options.device}
    options.asked |= {"describer": describer}
    metrics = _metrics(options)
    sources, lonely = _sources(options, metrics)
    _make_folder(options.output)
    cases, failures = _cases(options, sources)
    cases.missing[:0] = lonely
    measured = _measure(options, metrics, cases)
    measured.failures[:0] = failures
    return _report(options, arguments, metrics, cases, measured, sources)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise FilmError(f"can't write into --output {folder}: {error.strerror}") from error


def _metrics(options: argparse.Namespace) -> "list[type[FusionMetric]]":
    """Classes of the metrics; VIF_min stands beside VIF, always."""
    from film.config import compose
    from film.metrics.base import find_metrics

    if options.metrics is None:
        names = compose([f"metrics/{(options.task or 'IVF').lower()}.yaml"])["model"]["metrics"]
    else:
        names = [name.strip() for name in options.metrics.split(",") if name.strip()]
    classes = find_metrics(names)
    found = [cls.name for cls in classes]
    if "VIF" in found and "VIF_min" not in found:
        classes.insert(found.index("VIF") + 1, *find_metrics(["VIF_min"]))
    return classes


def _sources(options: argparse.Namespace, metrics: "Sequence[type[FusionMetric]]") -> tuple[Sources | None, list[str]]:
    from film.commands.evaluation.cases import find_set, find_sources

    if options.data:
        return find_set(options.data, options.set, options.split), []
    if options.a and options.b:
        return find_sources(options.a, options.b)
    needy = [cls.name for cls in metrics if cls.needs_sources]
    if needy:
        given = "only one was given" if options.a or options.b else "none was given"
        alone = ", ".join(cls.name for cls in metrics if not cls.needs_sources) or "EN,SD,SF,AG"
        raise FilmError(f"{', '.join(needy)} compare with both sources, {given}: add --a and --b, or --metrics {alone}")
    return None, []


def _cases(options: argparse.Namespace, sources: Sources | None) -> "tuple[Cases, list[str]]":
    """Find the methods and fuse with the models."""
    from film.commands.evaluation.baselines import baselines
    from film.commands.evaluation.cases import assemble, find_methods

    methods = find_methods(options.fused)
    failures: list[str] = []
    for model in options.model:
        from film.commands.evaluation.fusing import fuse_with

        name, fused, failed = fuse_with(model, sources or {}, options.output / "fused", **options.asked)
        if name in methods:
            raise FilmError(f"two methods are called {name!r}; rename the folder or the model file")
        methods[name] = fused
        failures += failed
    if sources and not options.no_baselines and (clash := methods.keys() & baselines(options.task).keys()):
        raise FilmError(f"a method is called {sorted(clash)[0]!r} like a baseline; rename it, or say --no-baselines")
    return assemble(methods, sources), failures


def _measure(options: argparse.Namespace, metrics: "Sequence[type[FusionMetric]]", cases: "Cases") -> "Measured":
    from film.commands.evaluation.baselines import baselines
    from film.commands.evaluation.measuring import Measurer

    fusions = {} if options.no_baselines else baselines(options.task)
    measurer = Measurer(metrics, fusions, folder=options.output, stretched=options.stretch, settings=str(options.task))
    if cases.cases[0].sources and not options.no_baselines:
        cases.methods += list(fusions)
    measured = measurer.measure(cases.cases)
    if measured.reused:
        _log.info("%d of %d images were measured by an earlier run", measured.reused, len(measured.rows))
    if not measured.rows:
        raise FilmError(f"nothing could be measured: {measured.failures[0]}")
    return measured


def _report(
    options: argparse.Namespace,
    arguments: Sequence[str],
    metrics: "Sequence[type[FusionMetric]]",
    cases: "Cases",
    measured: "Measured",
    sources: Sources | None,
) -> int:
    """Write all files, print the table and what is missing; return the exit code."""
    from film.commands.evaluation import tables
    from film.commands.evaluation.report import write_report
    from film.commands.evaluation.summary import summarise

    rows, shared = _comparable(measured, cases.methods)
    methods = [method for method in cases.methods if any(row.method == method for row in rows)]
    lines = summarise(rows, methods, metrics)
    about = _about(options, arguments, shared, [*cases.missing, *measured.failures])
    sections = [_sensitivity(options, sources, metrics)] if options.text_sensitivity and sources else []
    sections += [_obedience(options, sources)] if options.instructions and sources else []
    files = {
        "per_image.csv": tables.per_image_csv(sorted(measured.rows, key=lambda row: (row.method, row.name)), metrics),
        "summary.csv": tables.summary_csv(lines, metrics),
        "summary.json": tables.summary_json(lines, metrics, about),
        "summary.md": tables.summary_md(lines, metrics),
        "summary.tex": tables.summary_tex(lines, metrics),
    }
    for name, text in files.items():
        (options.output / name).write_text(text, encoding="utf-8")
    write_report(options.output / "report.html", lines, rows, metrics, cases=cases, about=about, sections=sections)
    print(tables.terminal(lines, metrics, styled=sys.stdout.isatty()))
    _say_what_is_missing(lines, metrics, [*cases.missing, *measured.failures])
    _log.info("%s", options.output / "report.html")
    return 1 if (cases.missing or measured.failures) and not options.allow_missing else 0


def _comparable(measured: "Measured", methods: Sequence[str]) -> tuple[list[Any], int]:
    """Rows of the pairs that every measured method has: means over different images don't compare."""
    present = {method for method in methods if any(row.method == method for row in measured.rows)}
    having: dict[str, set[str]] = {}
    for row in measured.rows:
        having.setdefault(row.name, set()).add(row.method)
    shared = {name for name, who in having.items() if who >= present}
    if not shared:
        raise FilmError("no pair has a fused image of every method; measure them one by one")
    return [row for row in measured.rows if row.name in shared], len(shared)


def _sensitivity(options: argparse.Namespace, sources: Sources, metrics: "Sequence[type[FusionMetric]]") -> str:
    """Measure, print and write how much the models depend on the words; returns the section of the report."""
    from film.commands.evaluation.sensitivity import (
        measure_sensitivity,
        sensitivity_csv,
        sensitivity_section,
        sensitivity_table,
    )

    found = [row for model in options.model for row in measure_sensitivity(model, sources, metrics, **options.asked)]
    (options.output / "text_sensitivity.csv").write_text(sensitivity_csv(found, metrics), encoding="utf-8")
    print(sensitivity_table(found, metrics), end="\n\n")
    return sensitivity_section(found, metrics)


def _obedience(options: argparse.Namespace, sources: Sources) -> str:
    """Measure, print and write how often instructions are obeyed; returns the section of the report."""
    from film.commands.evaluation.obedience import (
        measure_obedience,
        obedience_csv,
        obedience_section,
        obedience_table,
    )

    own = None if options.instructions is True else options.instructions
    found = [row for model in options.model for row in measure_obedience(model, sources, wordings=own, **options.asked)]
    (options.output / "instructions.csv").write_text(obedience_csv(found), encoding="utf-8")
    print(obedience_table(found), end="\n\n")
    return obedience_section(found)


def _about(
    options: argparse.Namespace, arguments: Sequence[str], shared: int, missing: Sequence[str]
) -> dict[str, Any]:
    import cv2
    import numpy
    import torch

    return {
        "command": shlex.join(["film", "evaluate", *arguments]),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "task": options.task,
        "pairs": shared,
        "luminance": "round(0.299 R + 0.587 G + 0.114 B) in float32, 0 to 255; 16-bit levels divided by 257 before",
        "stretch": options.stretch,
        "precision": "float64",
        "versions": {
            "film": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": numpy.__version__,
            "opencv": cv2.__version__,
        },
        "missing": list(missing),
    }


def _say_what_is_missing(
    lines: "Sequence[Line]", metrics: "Sequence[type[FusionMetric]]", missing: Sequence[str]
) -> None:
    for cls in metrics:
        empty = sum(line.count - line.cells[cls.name].count for line in lines)
        if empty:
            _log.warning("%s is empty for %d images: it needs sides of at least %d px", cls.name, empty, cls.min_side)
    for line in missing[:_SHOWN]:
        _log.warning("%s", line)
    if missing:
        more = f" ({len(missing) - _SHOWN} more in summary.json)" if len(missing) > _SHOWN else ""
        _log.warning("%d missing or not measurable%s", len(missing), more)
