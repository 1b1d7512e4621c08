"""A describer in a file of one's own."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from film.describers.base import Describer, Description, Outcome, Subject
from film.errors import FilmError


class MyDescriber(Describer):
    """Says how large an image is, and remembers what it was asked.

    Args:
        word: Stands in every text.
        fails: Images with this in their name can't be described; the empty string is in none.
        budget: How many images it describes before it refuses to go on; None for any number.
        ready: Whether `check` is content.
        compares: Whether it looks at partners.
    """

    asked: ClassVar[list[Subject]] = []

    def __init__(
        self,
        word: str = "picture",
        *,
        fails: str = "",
        budget: int | None = None,
        ready: bool = True,
        compares: bool = False,
    ) -> None:
        self.word, self.fails, self.budget, self.ready, self.compares = word, fails, budget, ready, compares

    def identity(self) -> dict[str, Any]:
        """The word."""
        return {"word": self.word}

    def check(self) -> None:
        """Refuse if it isn't ready."""
        if not self.ready:
            raise FilmError("no key; set MY_KEY")

    def estimate(self, subjects: Iterable[Subject]) -> str | None:
        """One coin an image."""
        return f"{sum(1 for _ in subjects)} coins"

    def describe(self, subjects: Iterable[Subject]) -> Iterator[Outcome]:
        """Describe two at once, the second first, as one that works ahead would."""
        waiting: list[Outcome] = []
        for number, subject in enumerate(subjects):
            if number == self.budget:
                raise FilmError("the budget is used up")
            self.asked.append(subject)
            waiting.append((subject, self._outcome(subject)))
            if len(waiting) == 2:
                yield from reversed(waiting)
                waiting = []
        yield from waiting

    def _outcome(self, subject: Subject) -> Description | FilmError:
        if self.fails and self.fails in subject.name:
            return FilmError("the server\nrefused")
        width, height = subject.picture.size
        other = f" beside {subject.partner.size[0]}" if subject.partner else ""
        text = f"A {self.word} {width} wide and {height} high{other}."
        return Description(text, {"tokens": len(text)})
