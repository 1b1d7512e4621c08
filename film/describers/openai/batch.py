"""OpenAI's Batch API: all requests handed in at once, half the price, the answers within a day.

What was handed in is kept in small files, one for each batch, so that a run that was interrupted goes on waiting for
the same batches. A request is known by the hash of all it says, so the same image is never paid for twice.
"""

import dataclasses
import hashlib
import json
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from film.describers.base import Description, Outcome, Subject
from film.describers.openai.answers import details_of, text_of, tokens_of
from film.describers.openai.chat import Terms
from film.describers.openai.requests import Tokens
from film.describers.openai.server import Transient
from film.errors import FilmError
from film.imaging.files import write_atomically
from film.imaging.picture import Picture

if TYPE_CHECKING:
    from openai.types import Batch

MOST_BYTES = 190_000_000  # of one file; the API takes 200 MB
_FRAME = 200  # bytes around a request in that file
_ENDPOINT = "/v1/chat/completions"
_TOO_MANY_TOKENS = "token_limit_exceeded"
_OVER = ("failed", "cancelled", "expired")
_RECENT = 1000  # batches, of all that an account has
_NO_PICTURE = Picture(np.zeros((1, 1), np.uint8))


@dataclass(frozen=True)
class Batching:
    """How requests are handed in.

    Attributes:
        folder: Where the state is kept.
        most_requests: In one batch.
        poll: Seconds between two looks.
    """

    folder: Path
    most_requests: int
    poll: float


@dataclass
class Part:
    """One batch, as it is kept in a file.

    Attributes:
        path: That file.
        server: Address of the endpoint.
        input_file: What was uploaded.
        requests: Ids of the requests whose answers were not collected yet.
        batch: Id of the batch; None between the upload and the start of the batch.
    """

    path: Path
    server: str
    input_file: str
    requests: list[str]
    batch: str | None = None

    @classmethod
    def load(cls, path: Path) -> "Part":
        """Read one from its file.

        Raises:
            FilmError: The file is none of these.
        """
        try:
            return cls(path, **json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise FilmError(f"{path} does not hold the state of a batch ({error}); move it away") from error

    def save(self) -> None:
        """Write the file; a part without requests has none."""
        content = json.dumps({key: value for key, value in vars(self).items() if key != "path"})
        if self.requests:
            write_atomically(self.path, lambda temporary: temporary.write_text(content, encoding="utf-8"))
        else:
            self.path.unlink(missing_ok=True)


def describe_by_batch(subjects: Iterable[Subject], terms: Terms, batching: Batching) -> Iterator[Outcome]:
    """Hand in what was not handed in before, wait, and collect.

    Args:
        subjects: Drawn one by one; their pictures are let go, so that yielded subjects have one black pixel instead.
        terms: How it is asked; pace and concurrency play no part.
        batching: How requests are handed in.

    Yields:
        Each subject with its description or error.

    Raises:
        FilmError: A batch was refused, the server can't be reached, or the budget is used up (after all the rest).
    """
    with terms.server.patient_client(terms.retries) as client:
        run = _Run(client, terms, batching)
        yield from run.hand_in(subjects)
        yield from run.collect()
    if run.stopped:
        raise run.stopped


class _Draft:
    """Requests that wait for their batch, in a file without a name."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `with`
        self.requests: list[str] = []

    def __enter__(self) -> "_Draft":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def add(self, request: str, body: str) -> None:
        """Append one request, whose body is JSON."""
        head = json.dumps({"custom_id": request, "method": "POST", "url": _ENDPOINT})
        self.file.write(f'{head[:-1]}, "body": {body}}}\n'.encode())
        self.requests.append(request)

    def is_full(self, most_requests: int, size: int) -> bool:
        """Whether another request of `size` bytes would be one too many."""
        return bool(self.requests) and (len(self.requests) >= most_requests or self.file.tell() + size > MOST_BYTES)

    def clear(self) -> None:
        """Begin anew."""
        self.file.seek(0)
        self.file.truncate()
        self.requests = []


@dataclass
class _Run:
    client: Any
    terms: Terms
    batching: Batching
    stopped: FilmError | None = None
    awaited: dict[str, list[Subject]] = field(default_factory=dict)
    held: dict[str, tuple[Tokens, Tokens]] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)

    def hand_in(self, subjects: Iterable[Subject]) -> Iterator[Outcome]:
        """Draw all subjects and start batches of what is new; yields only the images that can't be sent."""
        self.parts = self._parts_of_earlier_runs()
        known = {request for part in self.parts for request in part.requests}
        with _Draft(self.batching.folder) as draft:
            for subject in tqdm(subjects, desc="batch: handing in", unit=" images", leave=False):
                try:
                    body = self.terms.form.body(subject)
                except FilmError as error:
                    yield subject, error
                    continue
                text = json.dumps(body, sort_keys=True)
                request = hashlib.sha256(text.encode()).hexdigest()[:40]
                if request not in known:
                    if not self._hold(request, subject):
                        self.stopped = self.terms.budget.used_up()
                        break
                    if draft.is_full(self.batching.most_requests, len(text) + _FRAME):
                        self._upload(draft)
                    draft.add(request, text)
                    known.add(request)
                light = dataclasses.replace(subject, picture=_NO_PICTURE, partner=None)
                self.awaited.setdefault(request, []).append(light)
            if draft.requests:
                self._upload(draft)

    def collect(self) -> Iterator[Outcome]:
        """Wait for the batches and yield what they answered."""
        pending = [part for part in self.parts if self.awaited.keys() & set(part.requests)]
        answered: dict[Path, int] = {}
        with tqdm(total=sum(len(part.requests) for part in pending), desc="batch: answered", leave=False) as bar:
            while pending:
                ended = []
                for part in [part for part in pending if part.batch]:
                    batch = self._look(part)
                    answered[part.path] = batch.request_counts.completed if batch.request_counts else 0
                    if batch.status == "failed":
                        self._refused(part, batch, others=sum(other.batch is not None for other in pending) - 1)
                    elif batch.status in ("completed", "expired", "cancelled"):
                        ended.append(part)
                        yield from self._results(part, batch)
                pending = [part for part in pending if part not in ended]
                bar.update(sum(answered.values()) - bar.n)
                queued = [part for part in pending if part.batch is None]
                if queued and (ended or len(queued) == len(pending)):
                    self._start(queued[0])
                elif pending:
                    time.sleep(self.batching.poll)

    def _parts_of_earlier_runs(self) -> list[Part]:
        loaded = map(Part.load, sorted(self.batching.folder.glob("*.json")))
        parts = [part for part in loaded if part.server == self.terms.server.address]
        if any(part.batch is None for part in parts):  # its run may have been interrupted just after the start
            with self._translated():
                recent = list(islice(self.client.batches.list(limit=100), _RECENT))
            started = {batch.input_file_id: batch.id for batch in recent if batch.status not in _OVER}
            for part in parts:
                part.batch = part.batch or started.get(part.input_file)
        return parts

    def _hold(self, request: str, subject: Subject) -> bool:
        guess = self.terms.form.most(subject)
        held = self.terms.budget.hold(guess, first_alone=False)
        if held:
            self.held[request] = held, guess
        return held is not None

    def _upload(self, draft: _Draft) -> None:
        """Send the file of a batch, remember that, and start the batch."""
        draft.file.seek(0)
        with self._translated():
            uploaded = self.client.files.create(file=("film.jsonl", draft.file), purpose="batch")
        path = self.batching.folder / f"{hashlib.sha256(uploaded.id.encode()).hexdigest()[:16]}.json"
        part = Part(path, self.terms.server.address, uploaded.id, draft.requests)
        part.save()
        draft.clear()
        self.parts.append(part)
        self._start(part)

    def _start(self, part: Part) -> None:
        """Start the batch of an uploaded file."""
        with self._translated(part):
            batch = self.client.batches.create(
                input_file_id=part.input_file, endpoint=_ENDPOINT, completion_window="24h"
            )
        part.batch = batch.id
        part.save()

    def _look(self, part: Part) -> "Batch":
        with self._translated(part):
            return self.client.batches.retrieve(part.batch)

    def _refused(self, part: Part, batch: "Batch", others: int) -> None:
        """Put a batch off until another one has ended, if that can help."""
        errors = (batch.errors.data if batch.errors else None) or []
        crowded = any(error.code == _TOO_MANY_TOKENS for error in errors)
        if crowded and others:
            part.batch = None
            part.save()
            return
        part.requests.clear()
        part.save()
        reason = self.terms.server.public("; ".join(str(error.message) for error in errors[:3])) or "no reason given"
        way_out = (
            "choose fewer batch_requests, or run again when your other batches have ended"
            if crowded
            else "correct that and run again"
        )
        raise FilmError(f"{self.terms.server.address} refused batch {batch.id}: {reason}; {way_out}")

    def _results(self, part: Part, batch: "Batch") -> Iterator[Outcome]:
        """Yield the awaited answers of a batch, and forget them once the caller has taken them."""
        outcomes: dict[str, Description | FilmError] = {}
        for file in filter(None, (batch.output_file_id, batch.error_file_id)):
            with self._translated(part):
                content = self.client.files.content(file).content
            for line in content.splitlines():  # of bytes: only at line feeds, which JSON escapes
                entry = json.loads(line)
                outcomes[entry["custom_id"]] = self._outcome(entry)
        late = FilmError(f"batch {batch.id} {batch.status} without an answer to it; run again")
        try:
            for request in [request for request in part.requests if request in self.awaited]:
                for subject in self.awaited[request]:
                    yield subject, outcomes.get(request, late)
                part.requests.remove(request)
        finally:
            part.save()

    def _outcome(self, entry: dict[str, Any]) -> Description | FilmError:
        response = entry.get("response") or {}
        answer, budget = response.get("body") or {}, self.terms.budget
        if entry["custom_id"] in self.held:
            budget.settle(*self.held.pop(entry["custom_id"]), tokens_of(answer))
        if entry.get("error") or response.get("status_code") != 200:
            error = entry.get("error") or answer.get("error")
            error = error if isinstance(error, dict) else {"message": error}
            code = error.get("code") or response.get("status_code")
            return FilmError(f"{code}: {self.terms.server.public(str(error.get('message')))}; run again")
        try:
            return Description(
                text_of(answer, self.terms.server), {**details_of(answer, self.terms.server), "batch": True}
            )
        except (Transient, FilmError) as error:
            return error if isinstance(error, FilmError) else FilmError(str(error))

    @contextmanager
    def _translated(self, part: Part | None = None) -> Iterator[None]:
        """Turn what the client raises into one line that says what to do; what is gone is forgotten."""
        import openai

        address = self.terms.server.address
        try:
            yield
        except openai.NotFoundError as error:
            if part is None:
                raise FilmError(f"{address} has no Batch API ({error.status_code}); leave batch out") from None
            part.requests.clear()
            part.save()
            name = part.batch or part.input_file
            raise FilmError(f"{name} is gone from {address}; run again to hand its images in anew") from None
        except openai.OpenAIError as error:
            reason = self.terms.server.judge(error, self.terms.form.model)
            raise FilmError(f"{reason}; run again to go on with the same batches") from None
