"""Limits of a run: what it may cost, and how fast it may go."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass

from film.describers.openai.requests import Tokens
from film.errors import FilmError

_MILLION = 1_000_000


@dataclass(frozen=True)
class Price:
    """USD for one token.

    Attributes:
        prompt: Of the prompt and its images.
        answer: Of the answer, hidden reasoning included.
    """

    prompt: float
    answer: float

    @classmethod
    def of(cls, model: str, prices: Mapping[str, Mapping[str, float]], *, batch: bool) -> "Price | None":
        """Look a model up; None if it isn't there.

        Args:
            model: Its name.
            prices: USD per million tokens: `input`, `output`, and `batch`, the share paid in batches.
            batch: Whether it is asked in batches.

        Raises:
            FilmError: A price is incomplete or negative.
        """
        entry = prices.get(model)
        if entry is None:
            return None
        if not {"input", "output"} <= entry.keys() or min(entry.values()) < 0:
            raise FilmError(
                f"the price of {model!r} is {dict(entry)}; it needs input and output, USD per million tokens"
            )
        share = entry.get("batch", 1.0) if batch else 1.0
        return cls(entry["input"] * share / _MILLION, entry["output"] * share / _MILLION)

    def cost(self, tokens: Tokens) -> float:
        """USD for some tokens."""
        return tokens.prompt * self.prompt + tokens.answer * self.answer


class Budget:
    """Keeps what was spent and what the calls under way may still spend below the limits.

    Every call is held to cost what its prompt is guessed to need plus the longest answer. How far the guesses are off
    shows in what the server counts, so the first call goes alone, and later guesses are corrected by the worst so far.

    Args:
        max_cost: USD that may be spent; None for any.
        max_tokens: Tokens that may be spent, of prompts and answers together; None for any.
        price: Of the model; must be known if there is a `max_cost`.
    """

    def __init__(self, max_cost: float | None, max_tokens: int | None, price: Price | None) -> None:
        self.max_cost, self.max_tokens, self.price = max_cost, max_tokens, price
        self.spent, self.held = Tokens(0, 0), Tokens(0, 0)
        self._correction: float | None = None

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return self.max_cost is not None or self.max_tokens is not None

    def hold(self, guess: Tokens, *, first_alone: bool = True) -> Tokens | None:
        """Hold the tokens of one call, if they fit.

        Args:
            guess: What it may need.
            first_alone: Hold nothing more before the first call was settled.

        Returns:
            What is now held, or None.
        """
        if first_alone and self.limited and self._correction is None and self.held.prompt:
            return None
        held = Tokens(math.ceil(guess.prompt * (self._correction or 1.0)), guess.answer)
        after = self.spent + self.held + held
        if self.max_tokens is not None and after.total > self.max_tokens:
            return None
        if self.max_cost is not None and self.cost(after) > self.max_cost:
            return None
        self.held = self.held + held
        return held

    def settle(self, held: Tokens, guess: Tokens, counted: Tokens | None) -> None:
        """Replace what was held for a call by what the server counted; None if it was turned away and costs nothing."""
        self.held = self.held - held
        if counted is not None:
            self.spent = self.spent + counted
            self._correction = max(self._correction or 1.0, counted.prompt / guess.prompt)

    def give_up(self, held: Tokens) -> None:
        """Take what was held for spent: the call was lost on the way, and the server may charge for it."""
        self.held = self.held - held
        self.spent = self.spent + held

    def cost(self, tokens: Tokens | None = None) -> float:
        """USD of some tokens, or of those spent; 0 where no price is known."""
        return self.price.cost(self.spent if tokens is None else tokens) if self.price else 0.0

    def used_up(self) -> FilmError:
        """Say which limit was met, and what is left of it."""
        tokens = self.spent.total
        name = f"max_cost of {self.max_cost:g} USD" if self.max_cost is not None else f"max_tokens of {self.max_tokens}"
        if self.max_cost is not None and self.max_tokens is not None:
            name += f" or the max_tokens of {self.max_tokens}"
        price = f", {self.cost():.4f} USD" if self.price else ""
        return FilmError(
            f"stopped before the {name} would be exceeded: {tokens} tokens{price} spent; what is done is kept, raise "
            "the budget and run again for the rest"
        )


class Pace:
    """Spreads calls evenly over time, so that no minute has more requests or tokens than allowed.

    Args:
        requests_per_minute: None for any number.
        tokens_per_minute: None for any number.
    """

    def __init__(self, requests_per_minute: float | None, tokens_per_minute: float | None) -> None:
        self._per_request = 60 / requests_per_minute if requests_per_minute else 0.0
        self._per_token = 60 / tokens_per_minute if tokens_per_minute else 0.0
        self._next = self._paused_until = 0.0  # seconds of the loop's clock

    async def wait(self, tokens: int) -> None:
        """Wait until a call of so many tokens may start."""
        now = asyncio.get_running_loop().time()
        start = max(now, self._next)
        self._next = start + max(self._per_request, tokens * self._per_token)
        await asyncio.sleep(start - now)
        while (pause := self._paused_until - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(pause)

    def pause(self, seconds: float) -> None:
        """Let no call start for a while: the server said that it is too much."""
        self._paused_until = max(self._paused_until, asyncio.get_running_loop().time() + seconds)
