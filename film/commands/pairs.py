"""Which image goes with which, and where the results go: decided and checked before any work is done."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from film.errors import FilmError
from film.imaging.files import FORMATS, check_writable


@dataclass(frozen=True)
class Pair:
    """Two source files.

    Attributes:
        stem: Name of the pair: that of A without its suffix.
        a: File of source A.
        b: File of source B.
    """

    stem: str
    a: Path
    b: Path


@dataclass(frozen=True)
class Pairing:
    """The pairs of two files or two folders.

    Attributes:
        pairs: In the order of their names; at least one.
        unpaired: Images of either folder that have no partner in the other.
    """

    pairs: list[Pair]
    unpaired: list[Path]


@dataclass(frozen=True)
class Target:
    """Where the results of a pair go.

    Attributes:
        fused: File of the fused image.
        comparison: File of A, B and fused side by side; None for none.
    """

    fused: Path
    comparison: Path | None


def find_pairs(a: Path, b: Path) -> Pairing:
    """Pair two files, or the images of two folders by their names without suffix.

    Raises:
        FilmError: One is missing, a file is given against a folder, a name stands twice in one folder, or no image
            has a partner.
    """
    for path in (a, b):
        if not path.exists():
            raise FilmError(f"{path} doesn't exist; give two images, or two folders of images")
    if a.is_dir() != b.is_dir():
        folder, file = (a, b) if a.is_dir() else (b, a)
        raise FilmError(f"{folder} is a folder and {file} is a file; give two images, or two folders")
    if not a.is_dir():
        return Pairing([Pair(a.stem, a, b)], [])
    images_a, images_b = _images(a), _images(b)
    pairs = [Pair(stem, images_a[stem], images_b[stem]) for stem in sorted(images_a.keys() & images_b.keys())]
    if not pairs:
        raise FilmError(
            f"no image in {a} has a partner of the same name in {b} ({len(images_a)} and {len(images_b)} images; "
            f"suffixes may differ and are {', '.join(FORMATS)})"
        )
    return Pairing(pairs, _without(images_a, images_b) + _without(images_b, images_a))


def _without(images: dict[str, Path], partners: dict[str, Path]) -> list[Path]:
    return [path for stem, path in images.items() if stem not in partners]


def _images(folder: Path) -> dict[str, Path]:
    files = defaultdict(list)
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in FORMATS and not path.name.startswith(".") and path.is_file():
            files[path.stem].append(path)
    sources = {stem: paths for stem, paths in files.items() if not _is_result(stem, files)}
    for stem, paths in sources.items():
        if len(paths) > 1:
            names = " and ".join(path.name for path in paths)
            raise FilmError(f"{stem!r} stands twice in {folder}: {names}; keep one of them there")
    return {stem: paths[0] for stem, paths in sources.items()}


def _is_result(stem: str, stems: Iterable[str]) -> bool:
    """Whether this is what an earlier run wrote beside a source."""
    source = stem.removesuffix("_compare").removesuffix("_fused")
    return source != stem and source in stems


def plan_targets(pairing: Pairing, *, output: Path | None, folders: bool, compare: bool) -> list[Target]:
    """Decide where every result goes, and make sure that it may and can be written there.

    Args:
        pairing: The sources.
        output: A file for a single pair, or a folder that gets `<stem>.png`; None for `<stem>_fused.png` beside A.
        folders: Whether the sources were given as folders.
        compare: Whether comparisons are wanted: `<stem of the output>_compare.png` beside the output.

    Raises:
        FilmError: A result would replace a source or lie among them, or can't be written.
    """
    if output and folders:
        _check_folder(output, pairing.pairs[0])
    targets = [_target(pair, output, compare) for pair in pairing.pairs]
    sources = {_identity(path): path for pair in pairing.pairs for path in (pair.a, pair.b)}
    for path in (path for target in targets for path in (target.fused, target.comparison) if path):
        check_writable(path)
        if path.exists() and (source := sources.get(_identity(path))):
            raise FilmError(f"the result would overwrite the source {source}; choose another --output")
    return targets


def _check_folder(output: Path, pair: Pair) -> None:
    if output.is_dir():
        if any(output.samefile(source.parent) for source in (pair.a, pair.b)):
            raise FilmError(f"--output {output} holds the sources, which results would mix with; choose another folder")
    elif output.suffix.lower() in FORMATS:
        raise FilmError(f"--output {output} is one file, but two folders are fused; give a folder")


def _target(pair: Pair, output: Path | None, compare: bool) -> Target:
    if output is None:
        fused = pair.a.with_name(f"{pair.stem}_fused.png")
    elif output.is_dir():
        fused = output / f"{pair.stem}.png"
    elif output.suffix.lower() in Image.registered_extensions():
        fused = output  # `check_writable` names the formats we write
    else:
        fused = output / f"{pair.stem}.png"
    return Target(fused, fused.with_name(f"{fused.stem}_compare.png") if compare else None)


def _identity(path: Path) -> tuple[int, int]:
    """The file itself, whatever it is called: links and letter case make no difference."""
    status = path.stat()
    return status.st_dev, status.st_ino
