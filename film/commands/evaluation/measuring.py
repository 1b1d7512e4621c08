"""Measure all methods on all pairs: both cores, one pair in memory a core, and only what was not measured before."""

import functools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TextIO

import numpy as np
import torch
from tqdm import tqdm

from film.commands.evaluation.baselines import Fusion
from film.commands.evaluation.cases import Case
from film.commands.evaluation.luminance import read_luminance, stretch
from film.errors import FilmError
from film.metrics.base import FusionMetric, Pair

JOURNAL = "measured.jsonl"
_FORMULAS = 1  # raise when a metric's values change, so that old journals are measured again


@dataclass(frozen=True)
class Row:
    """Values of one fused image; None for a metric that needs a larger one."""

    method: str
    name: str
    values: Mapping[str, float | None]


@dataclass
class Measured:
    """What came out.

    Attributes:
        rows: One for each fused image that could be measured.
        failures: One line for each that could not.
        reused: How many rows an earlier run had measured.
    """

    rows: list[Row] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    reused: int = 0


class Measurer:
    """Measures pair by pair and keeps a journal, which a later run reads.

    Args:
        metrics: Metrics to measure.
        fusions: Baselines, measured beside the methods.
        folder: Where the journal lies.
        stretched: Whether fused images are stretched to their own minimum and maximum before.
        settings: Whatever else changes the values of a baseline, such as the task.
    """

    def __init__(
        self,
        metrics: Sequence[type[FusionMetric]],
        fusions: Mapping[str, Fusion],
        *,
        folder: Path,
        stretched: bool,
        settings: str,
    ) -> None:
        self.metrics = metrics
        self.fusions = fusions
        self.stretched = stretched
        self.settings = settings
        self.path = folder / JOURNAL
        self._lock = Lock()
        self._known = _read_journal(self.path)

    def measure(self, cases: Sequence[Case]) -> Measured:
        """Measure every method that has a fused image, and the baselines of pairs with sources."""
        measured = Measured()
        workers = os.cpu_count() or 1
        with _one_thread_each(), self.path.open("a") as journal, ThreadPoolExecutor(workers) as pool:
            work = pool.map(lambda case: self._case(case, journal), cases)
            for part in tqdm(work, total=len(cases), unit=" pairs", leave=False, desc="measuring"):
                measured.rows += part.rows
                measured.failures += part.failures
                measured.reused += part.reused
        return measured

    def _case(self, case: Case, journal: TextIO) -> Measured:
        part = Measured()
        read_sources = functools.cache(lambda: _read_sources(case.sources) if case.sources else [])
        for method in [*case.fused, *(self.fusions if case.sources else ())]:
            try:
                key = self._key(case, method)
                known = self._known.get(key, {})
                new = [cls for cls in self.metrics if cls.name not in known]
                if new:
                    known = known | self._values(case, method, read_sources(), new)
                    self._remember(journal, key, known)
            except (FilmError, OSError) as error:
                part.failures.append(f"{method}, {case.name}: {error}")
                continue
            part.reused += not new
            part.rows.append(Row(method, case.name, {cls.name: known[cls.name] for cls in self.metrics}))
        return part

    def _values(
        self, case: Case, method: str, sources: list[np.ndarray], metrics: Sequence[type[FusionMetric]]
    ) -> dict[str, float | None]:
        if method in case.fused:
            fused = read_luminance(case.fused[method])
            if sources and fused.shape != sources[0].shape:
                raise FilmError(f"{case.fused[method]} is {_size(fused)} and its sources are {_size(sources[0])}")
        else:
            fused = self.fusions[method](*sources)
        if self.stretched:
            fused = stretch(fused)
        pair = Pair(*(torch.from_numpy(image)[None, None].double() for image in (fused, *sources)))
        return {cls.name: _number(cls.values(pair).item()) for cls in metrics}

    def _remember(self, journal: TextIO, key: str, values: Mapping[str, float | None]) -> None:
        with self._lock:
            journal.write(json.dumps({"key": key, "values": values}) + "\n")
            journal.flush()

    def _key(self, case: Case, method: str) -> str:
        """All that the values depend on: the files, by path, size and time, and how they are treated."""
        of_baseline = None if method in case.fused else f"{method}, {self.settings}"
        files = ([] if of_baseline else [case.fused[method]]) + list(case.sources or ())
        stamps = [f"{file.resolve()}:{file.stat().st_size}:{file.stat().st_mtime_ns}" for file in files]
        return json.dumps([_FORMULAS, of_baseline, self.stretched, *stamps])


def _read_journal(path: Path) -> dict[str, dict[str, float | None]]:
    """Values by key; of a line that was cut short by a crash nothing is taken."""
    if not path.is_file():
        return {}
    entries = filter(None, map(_entry, path.read_text().splitlines()))
    return dict(entries)


def _entry(line: str) -> tuple[str, dict[str, float | None]] | None:
    try:
        entry = json.loads(line)
        return entry["key"], entry["values"]
    except (ValueError, KeyError, TypeError):
        return None


def _read_sources(paths: tuple[Path, Path]) -> list[np.ndarray]:
    a, b = (read_luminance(path) for path in paths)
    if a.shape != b.shape:
        raise FilmError(f"{paths[0]} is {_size(a)} and {paths[1]} is {_size(b)}; the sources must be of one size")
    return [a, b]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Pairs side by side with one thread each: threads within a pair would fight for the same cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
