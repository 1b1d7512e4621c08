"""Describe images: what is there is kept, what fails is told in the end, and memory doesn't grow with their number."""

import functools
import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from film.commands.describing.jobs import Job
from film.commands.describing.records import State, settings_of, sha256, state_of, write
from film.describers.base import Describer, Description, Subject
from film.errors import FilmError
from film.imaging.files import read_image
from film.imaging.picture import Picture

_RECENT = 4  # images in memory beside those that the describer holds: the sources of a pair come one after the other
_SHOWN = 4  # texts that are printed; of more, nobody would read them there

_log = logging.getLogger("film")


class Describing:
    """The work of one run.

    Args:
        describer: What makes the texts.
        jobs: The images, by names alone.
        overwrite: Also replace texts that were edited by hand or come from elsewhere.
        dry: Find out what would be done, and do nothing.

    Attributes:
        states: How many images were found in which state.
        done: How many were described.
        failures: One line for each that couldn't be.
    """

    def __init__(
        self, describer: Describer, jobs: Sequence[Job], *, overwrite: bool = False, dry: bool = False
    ) -> None:
        self.describer = describer
        self.jobs = jobs
        self.overwrite = overwrite
        self.dry = dry
        self.states: Counter[State] = Counter()
        self.done = 0
        self.failures: list[str] = []
        self._settings = settings_of(describer)
        self._read = functools.lru_cache(_RECENT)(read_image)
        self._hash = functools.lru_cache(_RECENT)(sha256)
        self._asked: dict[str, tuple[Job, dict[str, Any]]] = {}

    def run(self) -> None:
        """Describe what has no current text.

        Raises:
            FilmError: Nothing more can be described, or a text can't be written.
        """
        start = time.perf_counter()
        try:
            with logging_redirect_tqdm([_log]), self._progress() as progress:
                for subject, outcome in self.describer.describe(self._subjects(progress)):
                    job, origin = self._asked.pop(subject.name)
                    self._finish(job, origin, outcome)
                    progress.update()
            self.failures += [f"{name}: FAILED: the describer gave no answer" for name in self._asked]
        finally:
            seconds = time.perf_counter() - start
            rate = f"{self.done / seconds:.3g} images/s"
            failed = len(self.failures)
            _log.info("%d described in %.1f s (%s), %s, %d failed", self.done, seconds, rate, self._kept(), failed)

    def plan(self) -> str:
        """Say what `run` would do, and what it would cost."""
        with logging_redirect_tqdm([_log]), self._progress() as progress:
            subjects = self._subjects(progress)
            cost = self.describer.estimate(subjects)
            for _ in subjects:  # the estimate needn't have looked at all of them
                pass
        count = len(self.jobs) - self._kept_count() - len(self.failures)
        lines = [f"{count} of {len(self.jobs)} images would be described, {self._kept()}"]
        if stale := self.states[State.STALE]:
            lines.append(f"{stale} of them have a text {State.STALE.value}, which would be replaced")
        return "\n".join([*lines, *self.failures, *([cost] if cost else [])])

    def _progress(self) -> Any:
        return tqdm(total=len(self.jobs), unit=" images", leave=False, desc="looking" if self.dry else "describing")

    def _subjects(self, progress: Any) -> Iterator[Subject]:
        """Read the images that have no current text, as they are drawn."""
        for job in self.jobs:
            subject = self._subject(job)
            if subject:
                yield subject
            if not subject or self.dry:
                progress.update()

    def _subject(self, job: Job) -> Subject | None:
        partner_file = job.partner if self.describer.compares else None
        try:
            origin = self._settings | {"task": job.task, "side": job.side, "image_sha256": self._hash(job.image)}
            origin["partner_sha256"] = self._hash(partner_file) if partner_file else None
            state = state_of(job.target, origin)
            self.states[state] += 1
            if state is State.CURRENT or (state is State.OWN and not self.overwrite):
                return None
            picture = self._read(job.image)
            partner = self._read(partner_file) if partner_file else None
            _check_size(job, picture, partner)
        except FilmError as error:
            self._fail(job, error)
            return None
        name = str(job.image)
        if not self.dry:
            self._asked[name] = job, origin
        return Subject(name, picture, task=job.task, side=job.side, partner=partner)

    def _finish(self, job: Job, origin: dict[str, Any], outcome: Description | FilmError) -> None:
        if isinstance(outcome, FilmError) or not outcome.text.strip():
            self._fail(job, outcome if isinstance(outcome, FilmError) else FilmError("the answer is empty"))
            return
        partner = job.partner.name if job.partner and origin["partner_sha256"] else None
        text = write(job.target, outcome, origin, image=job.image.name, partner=partner)
        self.done += 1
        if len(self.jobs) <= _SHOWN:
            tqdm.write(f"{job.image} -> {job.target}: {text}")

    def _fail(self, job: Job, error: FilmError) -> None:
        self.failures.append(f"{job.image}: FAILED: {' '.join(str(error).split())}")

    def _kept_count(self) -> int:
        return self.states[State.CURRENT] + (0 if self.overwrite else self.states[State.OWN])

    def _kept(self) -> str:
        own = 0 if self.overwrite else self.states[State.OWN]
        note = f" ({own} {State.OWN.value}; --overwrite replaces them)" if own else ""
        return f"{self._kept_count()} kept{note}"


def _check_size(job: Job, picture: Picture, partner: Picture | None) -> None:
    if partner and partner.size != picture.size:
        sizes = " and ".join(f"{width}x{height}" for width, height in (picture.size, partner.size))
        raise FilmError(f"it and its partner {job.partner} differ in size, {sizes}; they must be registered")
