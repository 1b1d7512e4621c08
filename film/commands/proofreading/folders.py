"""Which folders of texts there are, what their texts are about, and which images they should be about."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from film.data.vlf import vlf_folder, vlf_sets, vlf_texts
from film.errors import FilmError
from film.imaging.files import FORMATS
from film.tasks import SOURCES, source_named


@dataclass(frozen=True)
class TextFolder:
    """Texts that belong together.

    Attributes:
        path: Where they lie; it needn't be there.
        title: What to call it.
        task: What pairs they are about; None for unknown.
        side: Which source; None for unknown.
        images: Folder of the images; None for unknown.
    """

    path: Path
    title: str
    task: str | None = None
    side: str | None = None
    images: Path | None = None

    def texts(self) -> dict[str, Path]:
        """Files by name without suffix, sorted."""
        files = sorted(self.path.glob("*.txt")) if self.path.is_dir() else []
        return {path.stem: path for path in files if not path.name.startswith(".")}

    def partner(self, name: str) -> Path | None:
        """The text about the other source of a pair; None if there is none."""
        if self.task is None or self.side is None:
            return None
        other = self.path.with_name(SOURCES[self.task]["ba".index(self.side)]) / f"{name}.txt"
        return other if other.is_file() else None

    def expected(self) -> set[str] | None:
        """Names that should have a text, None for unknown."""
        if self.images is None or not self.images.is_dir():
            return None
        return {path.stem for path in self.images.iterdir() if path.suffix.lower() in FORMATS and path.name[0] != "."}


def find_text_folders(places: Sequence[Path], *, images: Path | None, task: str | None) -> list[TextFolder]:
    """Find the folders of texts in some places.

    Args:
        places: Roots in the VLF layout, or folders with texts in them or below.
        images: Where the images lie, as a root or a folder of the same kind; None for where the layout has them.
        task: Only the sets of this task; of folders outside the layout it says what they are about.

    Raises:
        FilmError: A place isn't there or holds no texts, or the images aren't there.
    """
    if images and not images.is_dir():
        raise FilmError(f"there is no folder {images} with images")
    found = []
    for place in places:
        if not place.is_dir():
            raise FilmError(f"there is no folder {place}")
        root = _root(place, "Text")
        here = list(_of_root(root, images, task) if root else _of_folder(place, images, task))
        if not any(folder.texts() for folder in here):
            raise FilmError(f"there are no texts (.txt) in {place}{f' for {task}' if task else ''}")
        found += here
    return found


def _root(place: Path, kind: str) -> Path | None:
    return next((root for root in (place, place / "VLFDataset") if (root / kind).is_dir()), None)


def _of_root(root: Path, images: Path | None, task: str | None) -> Iterator[TextFolder]:
    """Both sides of every set that has images or texts."""
    image_root = (_root(images, "Image") if images else None) or root
    written = {(path.parent.name, path.name) for path in (root / "Text").glob("*/*/") if path.parent.name in SOURCES}
    for of, name in sorted(written | set(vlf_sets(image_root))):
        if task in (None, of):
            for side, source, path in zip("ab", SOURCES[of], vlf_texts(root, of, name), strict=True):
                yield TextFolder(path, f"{of}/{name}/{source}", of, side, vlf_folder(image_root, of, name) / source)


def _of_folder(place: Path, images: Path | None, task: str | None) -> Iterator[TextFolder]:
    folders = {path.parent for path in place.rglob("*.txt") if not path.name.startswith(".")}
    for folder in sorted(folders):
        named, side = source_named(folder.absolute().name) or (None, None)
        of = task or named
        inner = folder.relative_to(place)
        source = next((path for path in (images / inner, images) if path.is_dir()), None) if images else _beside(folder)
        yield TextFolder(folder, str(folder), of, side if of == named else None, source)


def _beside(folder: Path) -> Path | None:
    """Where the VLF layout has the images of …/Text/TASK/SET/SIDE."""
    *above, kind, task, name, side = ("", "", "", "", *folder.absolute().parts)
    return Path(*above, "Image", task, name, side) if kind == "Text" else None
