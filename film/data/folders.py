"""Pairs from two folders of images with the same names."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from film.data.descriptions import Descriptions
from film.data.reading import images_of, read_pixels
from film.data.source import Images, PairSource, check_sizes
from film.errors import FilmError
from film.layers.text import TextFeatures


@dataclass(frozen=True)
class PairFolders:
    """Where the pairs of a set lie that has no layout of its own.

    Attributes:
        a_dir: Folder with the images of source A.
        b_dir: Folder with those of source B, by the same names; suffixes may differ.
        text_a_dir: Folder with `<name>.txt`: what A shows.
        text_b_dir: Folder with `<name>.txt`: what B shows.
        text_features_dir: Folder with `<name>.npy` or `<name>.safetensors`.
    """

    a_dir: str
    b_dir: str
    text_a_dir: str | None = None
    text_b_dir: str | None = None
    text_features_dir: str | None = None


class FolderPairs(PairSource):
    """Pairs whose images are files.

    Args:
        pairs: Files of A and B.
        task: Key of `film.tasks`.
        descriptions: The words of each pair, by the name of its A without suffix.
    """

    def __init__(self, pairs: Sequence[tuple[Path, Path]], task: str, *, descriptions: Descriptions) -> None:
        super().__init__([a.stem for a, _ in pairs], task)
        self.pairs = pairs
        self.descriptions = descriptions
        descriptions.check(list(self.names))

    def read(self, index: int) -> Images:
        """Read both files."""
        a, b = self.pairs[index]
        return check_sizes(Images(read_pixels(a), read_pixels(b)), str(a))

    def text(self, index: int) -> str | TextFeatures:
        """Give the texts of A and B joined, their features, or the sentence of the task."""
        return self.descriptions[self.names[index]]


def same_names(a_dir: Path, b_dir: Path) -> list[str]:
    """List the names, without suffix, that stand in both folders.

    Raises:
        FilmError: A folder is missing, or they have no name in common.
    """
    images_a, images_b = images_of(a_dir), images_of(b_dir)
    names = sorted({path.stem for path in images_a.values()} & {path.stem for path in images_b.values()})
    if not names:
        raise FilmError(f"no image in {a_dir} has a partner of the same name in {b_dir}")
    return names


def find_files(names: Sequence[str], a_dir: Path, b_dir: Path, *, listed_in: str) -> list[tuple[Path, Path]]:
    """Find the files of every name, whatever its suffix, listing each folder once.

    Args:
        names: With or without suffix.
        a_dir: Folder of source A.
        b_dir: Folder of source B.
        listed_in: Where the names come from, for the error.

    Raises:
        FilmError: A name has no file.
    """
    images_a, images_b = images_of(a_dir), images_of(b_dir)
    return [(_find(name, images_a, a_dir, listed_in), _find(name, images_b, b_dir, listed_in)) for name in names]


def _find(name: str, images: dict[str, Path], folder: Path, listed_in: str) -> Path:
    path = images.get(name) or images.get(Path(name).stem)
    if path is None:
        raise FilmError(f"{listed_in} names {name!r}, which is not in {folder}; add the file or take out the line")
    return path
