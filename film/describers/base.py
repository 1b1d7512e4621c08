"""What every describer promises."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from film.errors import FilmError
from film.imaging.picture import Picture


@dataclass(frozen=True)
class Subject:
    """One image to be described, and what is known about it.

    Attributes:
        name: What to call it in messages; no two of a run are alike.
        picture: The image.
        task: IVF, MIF, MEF or MFF if the image is a source of such a pair; None for a plain photo or grey image.
        side: `a` or `b`, which source of the pair it is (`film.tasks.SOURCES`); None together with `task`.
        partner: The other source of the pair, of the same size, for describers that compare the two.
    """

    name: str
    picture: Picture
    task: str | None = None
    side: str | None = None
    partner: Picture | None = None


@dataclass(frozen=True)
class Description:
    """What came out for one image.

    Attributes:
        text: One paragraph without line breaks, never empty.
        details: How it was made, for the record beside the text: tokens, seconds, intermediate results. JSON values
            only, and nothing secret.
    """

    text: str
    details: Mapping[str, Any] = field(default_factory=dict)


Outcome = tuple[Subject, Description | FilmError]


class Describer(ABC):
    """Turns images into paragraphs of words that a text encoder can read.

    Heavy packages and models are loaded on first use, never at import or in `__init__`.

    Attributes:
        compares: Whether a text may depend on `Subject.partner`; where it can't, partners are neither read nor
            remembered.
    """

    compares: bool = True

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Say what the text of an image depends on besides the image: model, version of prompt or rules, parameters.

        Two describers with equal identities give interchangeable texts; a text is made anew only if this changes.
        JSON values only, and nothing secret: no key, no password in an address.
        """

    @abstractmethod
    def describe(self, subjects: Iterable[Subject]) -> Iterator[Outcome]:
        """Describe images as they are drawn from an iterable, in bounded memory.

        Args:
            subjects: Read lazily: an image is loaded when it is drawn, and not many are held at once.

        Yields:
            Each subject with its description, or with the error that kept it from being described, as soon as it is
            ready; the order may differ from that of `subjects`. An image that fails never stops the others.

        Raises:
            FilmError: Nothing can be described at all: a wrong key, an unknown model, a budget that is used up.
        """

    def check(self) -> None:  # noqa: B027  # not abstract: most need nothing
        """Find out before any image is read whether describing can work; does nothing where nothing is needed.

        Raises:
            FilmError: It can't: a missing key or package; the message says what to set or install.
        """

    def estimate(self, subjects: Iterable[Subject]) -> str | None:
        """Say in one line what describing these images would cost, without asking or sending anything.

        Args:
            subjects: Read lazily, as by `describe`.

        Returns:
            Such as the number of tokens and the price; None where describing costs nothing but time.
        """
        return None

    @classmethod
    def tiny(cls) -> "Describer":
        """Build an instance that needs no download and no key, for tests."""
        return cls()
