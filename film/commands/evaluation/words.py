"""What a model is told about each pair: the sentence of the task, and texts from files or from a describer."""

import functools
from collections.abc import Mapping
from pathlib import Path

from film.data.descriptions import read_text
from film.data.vlf import vlf_texts
from film.errors import FilmError
from film.imaging.files import read_image
from film.layers.text import TextFeatures
from film.pipeline import FusionPipeline
from film.tasks import SOURCES

_KEPT = 32  # pairs whose words are kept: the text of another pair is asked for more than once


class PairWords:
    """Words of pairs by their stem.

    Args:
        pipeline: Encodes them; its describer, if it has one, says what the sources show.
        sources: Files of A and B by stem.
        task: Task whose sentence the model is told; None for the neutral one.
        texts: Folder with `<stem>.txt`; a folder with such folders for both sides, such as `IR` and `VI`; or a root
            that holds `Text/{TASK}/{SET}/{side}`.
        set_name: `TASK/SET` of the pairs, for such a root; None for unknown.

    Raises:
        FilmError: There is no such folder, or it is a root and the set is unknown.
    """

    def __init__(
        self,
        pipeline: FusionPipeline,
        sources: Mapping[str, tuple[Path, Path]],
        *,
        task: str | None,
        texts: Path | None = None,
        set_name: str | None = None,
    ) -> None:
        self.pipeline = pipeline
        self.sources = sources
        self.task = task
        self.texts = texts
        self.sides = find_sides(texts, task, set_name) if texts else None
        self.of = functools.lru_cache(_KEPT)(self._of)
        self._texts = functools.lru_cache(_KEPT)(self._read_texts)

    def _of(self, stem: str) -> TextFeatures | None:
        """Words of one pair.

        Raises:
            FilmError: It has no text, or can't be described.
        """
        return self.pipeline.encode(task=self.task, **self._texts(stem))

    def asking(self, stem: str, instruction: str) -> TextFeatures | None:
        """Words of one pair with an instruction behind the sentence of the task.

        Raises:
            FilmError: As `of`.
        """
        texts = self._texts(stem)
        text = " ".join(filter(None, (instruction, texts.get("text"))))
        return self.pipeline.encode(task=self.task, **(texts | {"text": text}))

    def _read_texts(self, stem: str) -> dict[str, str]:
        if self.sides:
            paths = {
                name: folder / f"{stem}.txt" for name, folder in zip(("text_a", "text_b"), self.sides, strict=True)
            }
            found = {name: read_text(path) for name, path in paths.items() if path.is_file()}
            if not found:
                raise FilmError(f"--texts {self.texts} has no {stem}.txt for either side")
            return found
        if self.texts:
            path = self.texts / f"{stem}.txt"
            if not path.is_file():
                raise FilmError(f"--texts {self.texts} has no {path.name}")
            return {"text": read_text(path)}
        if not self.pipeline.describes:
            return {}
        a, b = self.sources[stem]
        described = self.pipeline.describe(read_image(a), read_image(b), task=self.task, names=(str(a), str(b)))
        return dict(zip(("text_a", "text_b"), described, strict=True))


def find_sides(texts: Path, task: str | None, set_name: str | None) -> tuple[Path, Path] | None:
    """Find the folders of both sides; None for a folder that holds the texts themselves.

    Raises:
        FilmError: There is no such folder, or it is a root without texts of the set, or with the set unknown.
    """
    if not texts.is_dir():
        raise FilmError(f"there is no folder --texts {texts}")
    sides = tuple(texts / side for side in SOURCES[task]) if task else ()
    if any(folder.is_dir() for folder in sides):
        return sides[0], sides[1]
    root = next((root for root in (texts, texts / "VLFDataset") if (root / "Text").is_dir()), None)
    if root is None:
        return None
    if set_name is None:
        raise FilmError(
            f"--texts {texts} holds Text/TASK/SET: which set? give Text/TASK/SET itself, or --data and --set"
        )
    of, _, name = set_name.partition("/")
    found = vlf_texts(root, of, name)
    if not any(folder.is_dir() for folder in found):
        raise FilmError(f"--texts {texts} has no texts of {set_name}: no folder {found[0]} or {found[1]}")
    return found
