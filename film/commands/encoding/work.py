"""Encode texts: what is there is kept, what fails is told in the end, and memory doesn't grow with their number."""

import logging
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from film.commands.encoding.files import Header, header_of, is_current, write_features
from film.commands.encoding.jobs import Job
from film.data.descriptions import read_text
from film.errors import FilmError
from film.text_encoders.base import TextEncoder

DTYPES = {"float16": torch.float16, "float32": torch.float32}
_AHEAD = 4  # batches that are read and sorted by length at a time, so that those of a batch need little padding
_WARNINGS = 3  # of texts that are cut; the others are counted

_log = logging.getLogger("film")


class Encoding:
    """The work of one run.

    Args:
        encoder: What reads the texts.
        jobs: The texts, by names alone.
        dtype: Number format of the files, `float16` or `float32`.
        batch_size: Texts that are encoded together.
        allow_missing: Take the text that is there for a pair that has one, and the sentence of its task for a pair
            that has none.

    Attributes:
        done: How many pairs were encoded.
        kept: How many had their features already.
        failures: One line for each that couldn't be encoded.
    """

    def __init__(
        self, encoder: TextEncoder, jobs: Sequence[Job], *, dtype: str, batch_size: int, allow_missing: bool = False
    ) -> None:
        self.encoder, self.jobs, self.dtype = encoder, jobs, dtype
        self.batch_size, self.allow_missing = batch_size, allow_missing
        self.done = self.kept = 0
        self.failures: list[str] = []
        self._identity = encoder.identity()

    def run(self) -> None:
        """Encode what has no current features.

        Raises:
            FilmError: Nothing can be encoded at all, features of another origin are in the way, or a file can't be
                written.
        """
        start = time.perf_counter()
        with logging_redirect_tqdm([_log]), _counted_warnings():
            left = [job for job in self._progress(self.jobs, "looking") if self._is_left(job)]
            for folder in {job.target.parent for job in left}:
                _make(folder)
            try:
                with self._progress(left, "encoding") as progress:
                    for first in range(0, len(left), _AHEAD * self.batch_size):
                        for _ in self._encode(left[first : first + _AHEAD * self.batch_size]):
                            progress.update()
            finally:
                seconds = time.perf_counter() - start
                rate, failed = f"{self.done / seconds:.3g}/s", len(self.failures)
                _log.info("%d encoded in %.1f s (%s), %d kept, %d failed", self.done, seconds, rate, self.kept, failed)

    def _progress(self, jobs: Sequence[Job], what: str) -> Any:
        return tqdm(jobs, unit=" files", leave=False, desc=what)

    def _is_left(self, job: Job) -> bool:
        """Whether there is something to be done for a pair, and it can be done."""
        texts = self._read(job)
        if not texts:
            return False
        current = is_current(job.target, self._header(texts))
        self.kept += current
        return not current

    def _read(self, job: Job) -> list[str]:
        """The texts of a pair, A first; none if it has to be left out, which is noted."""
        try:
            texts = [read_text(path) if path.is_file() else None for path in job.texts]
        except FilmError as error:
            return self._fail(job, error)
        found = [text for text in texts if text]
        if len(found) == len(texts):
            return found
        if self.allow_missing and (found or job.sentence):
            return found or [str(job.sentence)]
        path, text = next(missing for missing in zip(job.texts, texts, strict=True) if not missing[1])
        way_out = (
            "say --task, whose sentence stands in" if self.allow_missing else "or leave it out with --allow-missing"
        )
        what = "there is no text" if text is None else "nothing stands in"
        return self._fail(job, FilmError(f"{what} {path}; write it, {way_out}"))

    def _header(self, texts: Sequence[str]) -> Header:
        return header_of(self._identity, texts, width=self.encoder.dim, dtype=self.dtype)

    def _encode(self, jobs: Sequence[Job]) -> Iterator[None]:
        """Encode some pairs, texts of about one length together, and write them."""
        read = {job: texts for job in jobs if (texts := self._read(job))}
        texts = sorted({text for found in read.values() for text in found}, key=len)
        states: dict[str, Tensor] = {}
        for first in range(0, len(texts), self.batch_size):
            batch = texts[first : first + self.batch_size]
            with torch.no_grad():
                features = self.encoder(batch)
            for text, tokens, mask in zip(batch, features.tokens, features.mask, strict=True):
                states[text] = tokens[mask]
        for job, found in read.items():
            try:
                tokens = self._checked(torch.cat([states[text] for text in found]))
                write_features(job.target, tokens, self._header(found))
                self.done += 1
            except UnreadableTextError as error:
                self._fail(job, error)
            yield

    def _checked(self, tokens: Tensor) -> Tensor:
        """The tokens in the number format of the file.

        Raises:
            UnreadableTextError: There are none, or they don't fit the format.
        """
        if not len(tokens):
            raise UnreadableTextError("the encoder finds no words in the text")
        rounded = tokens.to("cpu", DTYPES[self.dtype])
        if not rounded.isfinite().all():
            way_out = "; take --dtype float32" if tokens.isfinite().all() else ""
            raise UnreadableTextError(f"the features are no finite numbers in {self.dtype}{way_out}")
        return rounded

    def _fail(self, job: Job, error: FilmError) -> list[str]:
        self.failures.append(f"{job.key}: FAILED: {' '.join(str(error).split())}")
        return []


class UnreadableTextError(FilmError):
    """One text that can't be encoded, which doesn't keep the others from it."""


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise FilmError(f"can't write into {folder}: {error.strerror}; choose another --output") from error


@contextmanager
def _counted_warnings() -> Iterator[None]:
    """Show the first warnings about texts that are cut, and in the end how many there were."""
    count = 0

    def first_ones(record: logging.LogRecord) -> bool:
        nonlocal count
        is_cut = record.levelno == logging.WARNING and " cut to " in record.getMessage()
        count += is_cut
        return not is_cut or count <= _WARNINGS

    handlers = list(_log.handlers)
    for handler in handlers:
        handler.addFilter(first_ones)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(first_ones)
        if count > _WARNINGS:
            _log.warning("%d texts were cut in all; an encoder that takes more tokens would read them whole", count)
