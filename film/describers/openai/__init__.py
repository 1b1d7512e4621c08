"""Any model behind the OpenAI protocol: OpenAI itself, vLLM, Ollama, llama.cpp, `transformers serve`."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from film.describers.base import Describer, Outcome, Subject
from film.describers.openai.batch import Batching, describe_by_batch
from film.describers.openai.budget import Budget, Pace, Price
from film.describers.openai.chat import Terms, describe_by_chat
from film.describers.openai.requests import Form, Tokens
from film.describers.openai.server import OFFICIAL, Server
from film.errors import FilmError

MOST_CONCURRENT = 1000  # connections of the client


class OpenAIDescriber(Describer):
    """One vision chat call per image, many at once, to any server that speaks the OpenAI protocol.

    The key is read from the environment when it is needed, and kept nowhere. A budget counts what the server reports
    and holds back enough for the calls under way. Calls that fail for a passing reason are repeated, with growing
    waits or as long as the server asks. The address of the server doesn't belong to the identity of a text: the same
    model elsewhere goes on with the same run.

    Args:
        model: Name of the model, as the server knows it.
        base_url: Address up to `/v1`: `http://localhost:8000/v1` (vLLM, `transformers serve`), `…:11434/v1` (Ollama),
            `…:8080/v1` (llama.cpp). `user:password@` before the host is sent as basic authentication and never shown.
        key_variable: Environment variable that holds the key. Left out, it is `OPENAI_API_KEY` for OpenAI, and other
            servers get no key.
        max_side: Longest side of the images sent, in pixels; larger ones are shrunk.
        image_format: `jpeg`, or `png` for no loss at three to five times the bytes.
        quality: Of JPEG, 1 to 100.
        detail: `low`, `high` or `auto` of OpenAI's image inputs.
        compare: Send the other source of the pair, too, so that the two can be compared; doubles the image tokens.
        answer_tokens: Most tokens of one answer, thoughts included; a longer one counts as failed.
        temperature: Of sampling; left out, the server decides (newer models of OpenAI take none).
        seed: Of sampling, where the server knows it.
        reasoning_effort: Of OpenAI's reasoning models, `none` to `max`; other servers don't get it.
        extra_body: Further fields of the request, for whatever else a server takes.
        concurrency: Calls under way at once, at most 1000.
        requests_per_minute: Limit of the account, if there is one.
        tokens_per_minute: Limit of the account, if there is one.
        timeout: Seconds for one call; on a slow server the wait in its queue counts.
        retries: How often a failed call is repeated.
        max_cost: USD that one run may cost.
        max_tokens: Tokens, prompts and answers together, that one run may use.
        prices: USD per million tokens by model: `input`, `output`, `batch` (share paid in batches) and `per_patch`
            (tokens for 32x32 pixels); `configs/prices.yaml`. Models without a price can't have a `max_cost`.
        batch: Use OpenAI's Batch API: half the price, an answer within a day.
        batch_folder: Keeps what was handed in, so that an interrupted run goes on waiting for the same batches.
        batch_requests: Most requests in one batch; fewer if the account may not queue so many tokens.
        batch_poll: Seconds between two looks at the batches.
    """

    def __init__(
        self,
        model: str = "gpt-6-luna",
        *,
        base_url: str = OFFICIAL,
        key_variable: str | None = None,
        max_side: int = 768,
        image_format: Literal["jpeg", "png"] = "jpeg",
        quality: int = 90,
        detail: Literal["low", "high", "auto"] | None = None,
        compare: bool = False,
        answer_tokens: int = 400,
        temperature: float | None = None,
        seed: int | None = None,
        reasoning_effort: str | None = None,
        extra_body: dict[str, Any] | None = None,
        concurrency: int = 8,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        timeout: float = 120.0,
        retries: int = 6,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        prices: dict[str, dict[str, float]] | None = None,
        batch: bool = False,
        batch_folder: str = "outputs/batches",
        batch_requests: int = 50_000,
        batch_poll: float = 60.0,
    ) -> None:
        self.compares = compare
        _check_positive(
            {
                "max_side": max_side,
                "answer_tokens": answer_tokens,
                "concurrency": concurrency,
                "requests_per_minute": requests_per_minute,
                "tokens_per_minute": tokens_per_minute,
                "timeout": timeout,
                "max_cost": max_cost,
                "max_tokens": max_tokens,
                "batch_requests": batch_requests,
            }
        )
        if concurrency > MOST_CONCURRENT or not 1 <= quality <= 100 or min(retries, batch_poll) < 0:
            raise FilmError(
                f"concurrency {concurrency} must be at most {MOST_CONCURRENT}, quality {quality} in 1 to 100, retries "
                f"{retries} and batch_poll {batch_poll:g} not below 0"
            )
        self._server = Server(base_url, key_variable, timeout)
        official = self._server.official
        effort = {"reasoning_effort": reasoning_effort} if reasoning_effort and official else {}
        self._form = Form(
            model,
            max_side=max_side,
            image_format=image_format,
            quality=quality,
            answer_tokens=answer_tokens,
            official=official,
            compare=compare,
            detail=detail,
            temperature=temperature,
            seed=seed,
            extra_body={**effort, **(extra_body or {})},
            per_patch=(prices or {}).get(model, {}).get("per_patch"),
        )
        self._price = Price.of(model, prices or {}, batch=batch)
        if max_cost is not None and self._price is None:
            raise FilmError(
                f"max_cost needs the price of model {model!r}: add it under prices in a file like "
                "prices.yaml, or limit max_tokens instead"
            )
        self._budget = Budget(max_cost, max_tokens, self._price)
        self._pace = Pace(requests_per_minute, tokens_per_minute)
        self._concurrency, self._retries = concurrency, retries
        self._batching = Batching(Path(batch_folder), batch_requests, batch_poll) if batch else None

    def identity(self) -> dict[str, Any]:
        """Model, prompt version, and how images are sent and answers drawn."""
        return self._form.identity()

    def check(self) -> None:
        """Find out whether there is a key, and a server that takes it.

        Raises:
            FilmError: Something is missing; says what.
        """
        self._server.check_key()
        self._server.greet(self._form.model)

    def estimate(self, subjects: Iterable[Subject]) -> str:
        """Say how many tokens describing would take and what they would cost, without sending anything."""
        images, likely, most = 0, Tokens(0, 0), Tokens(0, 0)
        for subject in subjects:
            images += 1
            likely, most = likely + self._form.likely(subject), most + self._form.most(subject)
        tokens = f"{images} images for {self._form.model}: about {likely.prompt} + {likely.answer} tokens"
        if self._price is None:
            return f"{tokens}; the price of this model isn't known (prices.yaml)"
        cost, most_cost = self._price.cost(likely), self._price.cost(most)
        return f"{tokens}, about {cost:.4f} USD, at most {most_cost:.4f}; what the server counts may differ"

    def describe(self, subjects: Iterable[Subject]) -> Iterator[Outcome]:
        """Describe images, many at once; at most twice `concurrency` are held, in batches only their names.

        In batches the pictures of what is yielded are left out (one black pixel).
        """
        terms = Terms(self._server, self._form, self._budget, self._pace, self._concurrency, self._retries)
        if self._batching:
            return describe_by_batch(subjects, terms, self._batching)
        return describe_by_chat(subjects, terms)

    @classmethod
    def tiny(cls) -> "OpenAIDescriber":
        """Build an instance that looks for a server on this machine."""
        return cls("tiny", base_url="http://127.0.0.1:8000/v1", retries=0)


def _check_positive(values: dict[str, float | None]) -> None:
    for name, value in values.items():
        if value is not None and value <= 0:
            raise FilmError(f"{name} is {value:g}; it must be above 0")
