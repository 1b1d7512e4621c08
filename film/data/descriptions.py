"""The words of pairs: paragraphs in text files, and features that an encoder made of them."""

from pathlib import Path

from film.data.source import Images, PairSource, Simulation, Words
from film.errors import FilmError
from film.layers.text import TextFeatures
from film.layers.text_files import SUFFIXES, read_text_features
from film.tasks import SENTENCES


def read_text(path: Path) -> str:
    """Read a paragraph; line breaks become blanks.

    Raises:
        FilmError: The file can't be read as UTF-8.
    """
    try:
        return " ".join(path.read_text(encoding="utf-8-sig").split())
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise FilmError(f"{path} is no UTF-8 (byte 0x{byte:02x} at {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise FilmError(f"can't read the text {path}: {error.strerror or error}") from error


class Descriptions:
    """The words of the pairs of one set, by the name of the pair.

    Args:
        task: Key of `film.tasks`; its sentence stands in where a pair has no text.
        kind: `words` (texts of A and B joined, A first), `features`, or `task` (the sentence only).
        text_dirs: Folders with `<name>.txt`, that of A first.
        features_dir: Folder with `<name>.npy` or `<name>.safetensors`.
        width: Width D of the features; None takes that of the first that is read.
    """

    def __init__(
        self,
        task: str,
        kind: Words = "words",
        *,
        text_dirs: tuple[Path | None, ...] = (),
        features_dir: Path | None = None,
        width: int | None = None,
    ) -> None:
        self.sentence = SENTENCES[task]
        self.kind = kind
        self.width = width
        self.features_dir = features_dir
        self._texts = [_by_stem(folder, (".txt",)) for folder in text_dirs if folder] if kind == "words" else []
        self._features = _by_stem(features_dir, SUFFIXES) if kind == "features" else {}

    def __len__(self) -> int:
        """How many texts or features there are."""
        return len(self._features) + sum(map(len, self._texts))

    def check(self, names: list[str]) -> None:
        """Make sure before the work that every pair has its features, and that the first can be read.

        Raises:
            FilmError: One hasn't.
        """
        if self.kind != "features" or not names:
            return
        if missing := next((name for name in names if name not in self._features), None):
            raise FilmError(
                f"there are no text features {missing}.npy or {missing}.safetensors in {self.features_dir}; "
                "make them with `film encode`, or choose words: words or words: task"
            )
        self.width = read_text_features(self._features[names[0]], width=self.width).tokens.shape[-1]

    def __getitem__(self, name: str) -> str | TextFeatures:
        if self.kind == "features":
            return read_text_features(self._features[name], width=self.width)
        found = [read_text(texts[name]) for texts in self._texts if name in texts]
        return " ".join(text for text in found if text) or self.sentence


class DescribedPairs(PairSource):
    """Pairs with the words of another place.

    Args:
        pairs: Where the images come from.
        descriptions: The words, by the names of `pairs`.
    """

    def __init__(self, pairs: PairSource, descriptions: Descriptions) -> None:
        super().__init__(pairs.names, pairs.task)
        self.pairs = pairs
        self.descriptions = descriptions
        descriptions.check(list(pairs.names))

    def task_of(self, index: int) -> str:
        """Task of the pair."""
        return self.pairs.task_of(index)

    def simulation_of(self, index: int) -> Simulation | None:
        """What makes a pair of this photo, if it is one."""
        return self.pairs.simulation_of(index)

    def read(self, index: int) -> Images:
        """Read the images where they lie."""
        return self.pairs.read(index)

    def text(self, index: int) -> str | TextFeatures:
        """Give the words of the other place."""
        return self.descriptions[self.names[index]]


def _by_stem(folder: Path | None, suffixes: tuple[str, ...]) -> dict[str, Path]:
    if folder is None or not folder.is_dir():
        return {}
    return {path.stem: path for path in sorted(folder.iterdir()) if path.suffix in suffixes}
