"""Look for what is wrong with a data set before hours of training find it."""

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from film.data.descriptions import read_text
from film.data.hdf5 import HDF5Pairs
from film.data.reading import images_of, luminance, unit
from film.data.splits import read_list
from film.data.vlf import LISTS, vlf_folder, vlf_sets
from film.errors import FilmError
from film.imaging.files import read_image
from film.imaging.picture import SMALLEST_SIDE
from film.tasks import SOURCES

Found = TypeVar("Found")


class Progress(Protocol):
    """Shows how far the work has come."""

    def __call__(self, results: Iterable[Found], *, total: int, desc: str) -> Iterable[Found]:
        """Hand the results on, one after the other."""


_THUMB = 16  # side of what pairs are compared by
# Root mean square difference, in 8-bit levels: copies saved smaller or as JPEG have 1 to 3, other pairs 10 and more.
_ALIKE = 4.0
_PLAIN = 4.0  # deviation, in 8-bit levels, below which a picture is too even to tell it from another


@dataclass
class SetReport:
    """What was found in one set.

    Attributes:
        title: `{TASK}/{SET}`, or the file.
        counts: Number of pairs by split; `unlisted` are those that no list names.
        sizes: Width and height of the pairs.
        texts: Number of texts.
        problems: One line each.
    """

    title: str
    counts: dict[str, int] = field(default_factory=dict)
    sizes: set[tuple[int, int]] = field(default_factory=set)
    texts: int = 0
    problems: list[str] = field(default_factory=list)


class Pair(NamedTuple):
    """A pair to look at.

    Attributes:
        name: Without suffix.
        split: Name of the list it stands in, or `unlisted`.
        a: File of source A.
        b: File of source B.
    """

    name: str
    split: str
    a: Path
    b: Path


class _Look(NamedTuple):
    """What was seen of a pair that could be read."""

    pair: Pair
    size: tuple[int, int]
    contents: tuple[str, str]
    thumb: np.ndarray


def check_vlf(root: Path, progress: Progress) -> Iterator[SetReport]:
    """Check all sets of a folder in the VLF layout, one after the other.

    Args:
        root: The folder that holds `Image`.
        progress: Wraps what has been seen of the pairs of a set.

    Raises:
        FilmError: There is no set.
    """
    sets = vlf_sets(root)
    if not sets:
        raise FilmError(
            f"{root} holds no data set: there is no folder Image/TASK/SET in it, with TASK {'|'.join(SOURCES)}"
        )
    for task, name in sets:
        yield _check_set(root, task, name, progress)


def _check_set(root: Path, task: str, name: str, progress: Progress) -> SetReport:
    report = SetReport(f"{task}/{name}")
    pairs = _pairs(vlf_folder(root, task, name), SOURCES[task], report)
    with ThreadPoolExecutor() as pool:
        seen = pool.map(lambda pair: _look(pair, report), pairs)
        looks = [look for look in progress(seen, total=len(pairs), desc=report.title) if look]
    report.sizes = {look.size for look in looks}
    for split in (*LISTS, "unlisted"):
        report.counts[split] = sum(pair.split == split for pair in pairs)
    _check_leaks(looks, report)
    for side in SOURCES[task]:
        _check_texts(root / "Text" / task / name / side, {pair.name for pair in pairs}, report)
    report.problems.sort()
    return report


def _pairs(folder: Path, sides: tuple[str, str], report: SetReport) -> list[Pair]:
    """Pair the files of a set, noting what has no partner or no file."""
    try:
        images_a, images_b = (images_of(folder / side) for side in sides)
        lists = {split: read_list(path) for split in LISTS if (path := folder / f"{split}.txt").is_file()}
    except FilmError as error:
        report.problems.append(str(error))
        return []
    splits: dict[str, str] = {}
    for split, name in ((split, name) for split, names in lists.items() for name in names):
        stem = Path(name).stem
        if stem in splits:
            report.problems.append(f"{name} stands in {splits[stem]}.txt and in {split}.txt")
        missing = [side for side, images in zip(sides, (images_a, images_b), strict=True) if stem not in images]
        report.problems += [f"{split}.txt names {name}, which is not in {side}" for side in missing]
        splits[stem] = split
    stems_a, stems_b = ({path.stem for path in images.values()} for images in (images_a, images_b))
    for side, alone in zip(sides, (stems_a - stems_b, stems_b - stems_a), strict=True):
        report.problems += [f"{stem} is in {side} only" for stem in sorted(alone)]
    both = sorted(stems_a & stems_b)
    return [Pair(stem, splits.get(stem, "unlisted"), images_a[stem], images_b[stem]) for stem in both]


def _look(pair: Pair, report: SetReport) -> _Look | None:
    try:
        a, b = read_image(pair.a), read_image(pair.b)
    except FilmError as error:
        report.problems.append(str(error))
        return None
    if a.size != b.size:
        report.problems.append(f"{pair.name}: A is {a.size[0]}x{a.size[1]}, B is {b.size[0]}x{b.size[1]}")
        return None
    if min(a.size) < SMALLEST_SIDE:
        report.problems.append(f"{pair.name} is {a.size[0]}x{a.size[1]}; at least {SMALLEST_SIDE} px a side are needed")
    contents = tuple(hashlib.sha256(picture.pixels.tobytes()).hexdigest() for picture in (a, b))
    return _Look(pair, a.size, (contents[0], contents[1]), np.concatenate([_thumb(a.pixels), _thumb(b.pixels)]))


def _thumb(pixels: np.ndarray) -> np.ndarray:
    import cv2

    small = cv2.resize(unit(luminance(pixels)), (_THUMB, _THUMB), interpolation=cv2.INTER_AREA)
    return 255 * small.ravel()


def _check_leaks(looks: Sequence[_Look], report: SetReport) -> None:
    """Note the pairs of different lists that share an image, or look the same when small."""
    by_content: dict[str, list[Pair]] = defaultdict(list)
    for look in looks:
        for content in set(look.contents):
            by_content[content].append(look.pair)
    same = {group[0]: group for group in by_content.values() if len({pair.split for pair in group}) > 1}
    told = set()
    for one, other in itertools.chain.from_iterable(itertools.combinations(group, 2) for group in same.values()):
        if one.split != other.split and "unlisted" not in (one.split, other.split) and (one, other) not in told:
            told.add((one, other))
            report.problems.append(f"{one.name} of {one.split} and {other.name} of {other.split} share an image")
    for one, other in _alike(looks):
        if (one, other) not in told and (other, one) not in told:
            report.problems.append(
                f"{one.name} of {one.split} and {other.name} of {other.split} are the same pair, saved again"
            )


def _alike(looks: Sequence[_Look]) -> Iterator[tuple[Pair, Pair]]:
    """Pairs of test, and those of train and val that can't be told from them by their thumbnails."""
    telling = [look for look in looks if look.thumb.std() > _PLAIN]
    tests = [look for look in telling if look.pair.split == "test"]
    others = [look for look in telling if look.pair.split in ("train", "val")]
    if not tests or not others:
        return
    known = np.stack([look.thumb for look in others])
    for test in tests:
        distances = np.sqrt(np.square(known - test.thumb).mean(1))
        yield from ((others[i].pair, test.pair) for i in np.flatnonzero(distances < _ALIKE))


def _check_texts(folder: Path, names: set[str], report: SetReport) -> None:
    """Note texts that stand twice, are empty, or belong to no pair."""
    by_text: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.glob("*.txt")):
        report.texts += 1
        if path.stem not in names:
            report.problems.append(f"the text {folder.name}/{path.name} belongs to no pair")
        try:
            by_text[read_text(path)].append(path.name)
        except FilmError as error:
            report.problems.append(str(error))
    report.problems += [f"the text {folder.name}/{name} is empty" for name in by_text.pop("", [])]
    for files in by_text.values():
        if len(files) > 1:
            report.problems.append(f"one text stands {len(files)} times in {folder.name}: {', '.join(files)}")


def check_hdf5(path: Path, progress: Progress) -> SetReport:
    """Check one of the release's HDF5 files.

    Args:
        path: The file.
        progress: Wraps the numbers of the pairs.

    Raises:
        FilmError: It can't be read at all, or has no pairs.
    """
    source = HDF5Pairs(path, "IVF")  # the task matters for sentences only
    report = SetReport(str(path), {"pairs": len(source)}, texts=len(source))
    for index in progress(range(len(source)), total=len(source), desc=path.name):
        try:
            images = source.read(index)
            source.text(index)
        except FilmError as error:
            report.problems.append(str(error))
            continue
        report.sizes.add((images.a.shape[1], images.a.shape[0]))
        for side, image in zip("AB", images, strict=True):
            if not (image.min() >= 0 and image.max() <= 1):  # NaN fails both
                report.problems.append(f"{side} of {source.names[index]} is not in [0, 1]")
    return report
