"""Many chat calls at once, each for one image."""

import asyncio
import json
import queue
import random
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from film.describers.base import Description, Outcome, Subject
from film.describers.openai.answers import details_of, text_of, tokens_of
from film.describers.openai.background import Background
from film.describers.openai.budget import Budget, Pace
from film.describers.openai.requests import Form, Tokens
from film.describers.openai.server import Fatal, Server, Transient
from film.errors import FilmError

FIRST_WAIT = 1.0  # seconds before the first repetition; doubles with each
LONGEST_WAIT = 60.0
_HOPELESS = 20  # images in a row that failed although they were asked for again and again


@dataclass(frozen=True)
class Terms:
    """How calls are made.

    Attributes:
        server: Where they go.
        form: What they ask.
        budget: What they may cost.
        pace: How fast they may follow each other.
        concurrency: How many may be under way at once.
        retries: How often a failed one is repeated.
    """

    server: Server
    form: Form
    budget: Budget
    pace: Pace
    concurrency: int
    retries: int


def describe_by_chat(subjects: Iterable[Subject], terms: Terms) -> Iterator[Outcome]:
    """Describe images, at most twice `concurrency` of which are held at once.

    Args:
        subjects: Drawn in the caller's thread while earlier ones are being described.
        terms: How.

    Yields:
        Each subject with its description or error, the first that is ready first.

    Raises:
        FilmError: Describing the rest makes no sense, or there is no budget for it; what was under way was yielded.
    """
    ready: queue.SimpleQueue[Future[Outcome | None]] = queue.SimpleQueue()
    waiting = 0
    with Background() as background:
        calls = Calls(terms)
        background.run(calls.open())
        try:
            for subject in subjects:
                background.submit(calls.describe(subject)).add_done_callback(ready.put)
                waiting += 1
                while waiting and (waiting >= 2 * terms.concurrency or not ready.empty()):
                    waiting -= 1
                    if outcome := ready.get().result():
                        yield outcome
                if calls.stopped:
                    break
            for _ in range(waiting):
                if outcome := ready.get().result():
                    yield outcome
        finally:
            background.run(calls.close())
    if calls.stopped:
        raise calls.stopped


class Calls:
    """The calls of one run; lives in one asyncio loop.

    Args:
        terms: How calls are made.
    """

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.stopped: FilmError | None = None  # why no further call is made
        self._failed_in_a_row = 0
        self._idle: set[asyncio.Task[Any] | None] = set()  # tasks without a call under way

    async def open(self) -> None:
        """Get ready to call."""
        self._client = self.terms.server.client()
        self._free = asyncio.Semaphore(self.terms.concurrency)
        self._settled = asyncio.Condition()

    async def close(self) -> None:
        """Disconnect; calls under way fail."""
        await self._client.close()

    async def describe(self, subject: Subject) -> Outcome | None:
        """Ask for one image, again if need be; None if the run was stopped before."""
        task = asyncio.current_task()
        self._idle.add(task)
        try:
            body = await asyncio.to_thread(self._encode, subject)
            async with self._free:
                return subject, await self._ask_until_answered(subject, body)
        except Fatal as error:
            self._stop(error)
            return None
        except FilmError as error:
            return subject, error
        except (asyncio.CancelledError, _Stopped):
            if self.stopped:
                return None
            raise
        finally:
            self._idle.discard(task)

    def _encode(self, subject: Subject) -> bytes:
        return json.dumps(self.terms.form.body(subject)).encode()

    async def _ask_until_answered(self, subject: Subject, body: bytes) -> Description:
        start, attempt = time.monotonic(), 0
        while isinstance(answer := await self._try(subject, body), Transient):
            if attempt == self.terms.retries:
                raise self._given_up(answer)
            await self._wait(attempt, answer)
            attempt += 1
        self._failed_in_a_row = 0
        text, details = answer
        return Description(text, {**details, "seconds": round(time.monotonic() - start, 3), "repeated": attempt})

    async def _try(self, subject: Subject, body: bytes) -> tuple[str, dict[str, Any]] | Transient:
        try:
            return await self._ask(subject, body)
        except Transient as error:
            return error
        except FilmError:
            self._failed_in_a_row = 0  # the server is well
            raise

    async def _ask(self, subject: Subject, body: bytes) -> tuple[str, dict[str, Any]]:
        """Make one call, within budget and pace."""
        form, budget, server = self.terms.form, self.terms.budget, self.terms.server
        guess = form.most(subject)
        await self.terms.pace.wait(guess.total)
        held = await self._hold(guess)
        lost, counted = True, None
        try:
            answer = await self._post(body)
            lost, counted = False, tokens_of(answer) or form.likely(subject)
        except (Transient, FilmError) as error:
            lost = isinstance(error, Transient) and error.charged
            raise
        finally:
            budget.give_up(held) if lost else budget.settle(held, guess, counted)
            async with self._settled:
                self._settled.notify_all()
        return text_of(answer, server), details_of(answer, server)

    async def _hold(self, guess: Tokens) -> Tokens:
        """Wait until the budget has room for a call, as long as calls under way may leave some of theirs."""
        budget = self.terms.budget
        async with self._settled:
            while (held := budget.hold(guess)) is None:
                if not budget.held.prompt:
                    raise Fatal(str(budget.used_up()))
                await self._settled.wait()
        return held

    async def _post(self, body: bytes) -> Any:
        """Send one request and give the decoded JSON; a call under way is not interrupted by a stop."""
        import openai

        if self.stopped:
            raise _Stopped
        task = asyncio.current_task()
        self._idle.discard(task)
        try:
            # Encoded beforehand: `body=` would cost the client another millisecond a call.
            return await self._client.post(
                "/chat/completions",
                content=body,
                cast_to=object,
                options={"headers": {"Content-Type": "application/json"}},
            )
        except (openai.OpenAIError, ValueError) as error:
            raise self.terms.server.judge(error, self.terms.form.model) from None
        finally:
            self._idle.add(task)

    async def _wait(self, attempt: int, error: Transient) -> None:
        if self.stopped:
            raise _Stopped
        wait = error.wait
        if wait is None:
            wait = min(LONGEST_WAIT, FIRST_WAIT * 2**attempt) * random.uniform(0.5, 1)
        if error.crowded:
            self.terms.pace.pause(wait)
        await asyncio.sleep(wait)

    def _given_up(self, error: Transient) -> FilmError:
        if error.unreachable:
            return Fatal(f"{error}; start the server or correct base_url, and run again: what is done is kept")
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= max(_HOPELESS, 2 * self.terms.concurrency):
            return Fatal(f"{self._failed_in_a_row} images in a row failed, the last one with: {error}")
        times = f" (asked {self.terms.retries + 1} times)" if self.terms.retries else ""
        return FilmError(f"{error}{times}")

    def _stop(self, error: FilmError) -> None:
        if self.stopped is None:
            self.stopped = error
            for task in self._idle - {asyncio.current_task()}:
                if task:
                    task.cancel()


class _Stopped(Exception):  # noqa: N818 - no error of its own
    """The run was stopped before this image was asked for."""
