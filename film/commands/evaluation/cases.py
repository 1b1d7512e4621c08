"""What is measured: methods, the sources of each pair, and what is missing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from film.data.folders import FolderPairs
from film.data.sets import open_set
from film.data.source import Reading
from film.errors import FilmError
from film.imaging.files import FORMATS

T = TypeVar("T")


@dataclass(frozen=True)
class Case:
    """One pair.

    Attributes:
        name: Stem of its files.
        sources: Files of A and B; None where only fused images are measured.
        fused: File of each method that has one, by the method's name.
    """

    name: str
    sources: tuple[Path, Path] | None
    fused: Mapping[str, Path]


@dataclass
class Cases:
    """All pairs.

    Attributes:
        methods: Names, in the order they were given.
        cases: Pairs of which at least one method has a fused image, by name.
        missing: One line for each file without which a pair of a method is incomplete.
    """

    methods: list[str]
    cases: list[Case]
    missing: list[str] = field(default_factory=list)


def images_by_stem(folder: Path) -> dict[str, Path]:
    """List the images of a folder by name without suffix.

    Raises:
        FilmError: There is no such folder, or a stem stands twice in it.
    """
    if not folder.is_dir():
        raise FilmError(f"there is no folder {folder}")
    images: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in FORMATS or path.name.startswith("."):
            continue
        if path.stem in images:
            raise FilmError(f"{path.stem!r} stands twice in {folder}: {images[path.stem].name} and {path.name}")
        images[path.stem] = path
    return images


def find_methods(folders: Sequence[Path]) -> dict[str, dict[str, Path]]:
    """List the fused images of each method: folders of images, or folders that hold one such folder a method.

    Raises:
        FilmError: A folder holds no images and no folders of images, or two methods have one name.
    """
    methods: dict[str, dict[str, Path]] = {}
    for folder in folders:
        found = {folder.resolve().name: images_by_stem(folder)}
        if not any(found.values()):
            found = {path.name: images_by_stem(path) for path in sorted(folder.iterdir()) if path.is_dir()}
            found = {name: images for name, images in found.items() if images}
        if not found:
            raise FilmError(f"no images in {folder}, nor in the folders in it; suffixes are {', '.join(FORMATS)}")
        if twice := found.keys() & methods.keys():
            raise FilmError(
                f"two methods are called {sorted(twice)[0]!r}; a method has the name of its folder: rename one"
            )
        methods |= found
    return methods


def find_sources(a: Path, b: Path) -> tuple[dict[str, tuple[Path, Path]], list[str]]:
    """Pair the images of two folders by stem; also say which have no partner.

    Raises:
        FilmError: They have no stem in common.
    """
    images_a, images_b = images_by_stem(a), images_by_stem(b)
    common = images_a.keys() & images_b.keys()
    if not common:
        raise FilmError(f"no image in {a} has a partner of the same name in {b}")
    lonely = [f"{images_a[stem]}: no partner in {b}" for stem in sorted(images_a.keys() - common)]
    lonely += [f"{images_b[stem]}: no partner in {a}" for stem in sorted(images_b.keys() - common)]
    return {stem: (images_a[stem], images_b[stem]) for stem in sorted(common)}, lonely


def find_set(root: Path, name: str, split: str) -> dict[str, tuple[Path, Path]]:
    """Files of one split of a set in the VLF layout.

    Args:
        root: The folder that holds `VLFDataset`, or that folder.
        name: Task and set, `IVF/MSRS`.
        split: `train`, `val`, `test`, or `all`.

    Raises:
        FilmError: There is no such set.
    """
    task, _, folder = name.partition("/")
    pairs = open_set(root, task, name=folder, split=split, reading=Reading(words="task"))  # type: ignore[arg-type]
    if not isinstance(pairs, FolderPairs):
        raise FilmError(f"{name} does not lie in {root} as image files; give folders with --a and --b")
    return {a.stem: (a, b) for a, b in pairs.pairs}


def spread(items: Sequence[T], count: int) -> list[T]:
    """At most so many of the items, spread over all of them."""
    return list(items[:: max(1, len(items) // count)][:count])


def assemble(methods: Mapping[str, Mapping[str, Path]], sources: Mapping[str, tuple[Path, Path]] | None) -> Cases:
    """Bring fused images and sources together.

    Args:
        methods: Fused images of each method by stem.
        sources: Files of A and B by stem; None where only fused images are measured.

    Raises:
        FilmError: No fused image has sources.
    """
    fused_stems = {stem for images in methods.values() for stem in images}
    stems = sorted(fused_stems if sources is None else fused_stems & sources.keys())
    if not stems:
        raise FilmError(
            f"no fused image has the name of a source pair: {_some(fused_stems)} and {_some(sources or ())}"
        )
    cases = [
        Case(
            stem,
            sources[stem] if sources is not None else None,
            {name: images[stem] for name, images in methods.items() if stem in images},
        )
        for stem in stems
    ]
    return Cases(list(methods), cases, _missing(methods, sources, stems))


def _missing(
    methods: Mapping[str, Mapping[str, Path]], sources: Mapping[str, tuple[Path, Path]] | None, stems: Sequence[str]
) -> list[str]:
    wanted = sorted(stems if sources is None else sources)
    missing = [
        f"{method}: no fused image for {stem}"
        for method, images in methods.items()
        for stem in wanted
        if stem not in images
    ]
    if sources is not None:
        for images in methods.values():
            missing += [f"{images[stem]}: no sources" for stem in sorted(images.keys() - sources.keys())]
    return missing


def _some(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)[:3]) or "none"
