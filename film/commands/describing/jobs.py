"""Which images are described, what is known about each, and where its text goes: by names alone."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from film.data.folders import FolderPairs
from film.data.sets import find_root, open_set
from film.data.source import Reading
from film.data.splits import Split
from film.data.vlf import vlf_sets, vlf_splits, vlf_texts
from film.errors import FilmError
from film.imaging.files import FORMATS
from film.tasks import SOURCES, TASKS, source_named

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Job:
    """One image to be described.

    Attributes:
        image: Its file.
        target: File of the text; the record stands beside it.
        key: What decides the shard; both sources of a pair have the same.
        task: Key of `film.tasks`, or None for a plain image.
        side: `a` or `b`, or None.
        partner: File of the other source of the pair, if there is one.
    """

    image: Path
    target: Path
    key: str
    task: str | None = None
    side: str | None = None
    partner: Path | None = None


def jobs_of_images(
    paths: Sequence[Path],
    output: Path,
    *,
    task: str | None = None,
    side: str | None = None,
    pair_with: Path | None = None,
) -> list[Job]:
    """List images and the images of folders.

    Args:
        paths: Files and folders.
        output: Folder for `<stem>.txt`.
        task: What pairs they belong to; None for what the names of their folders say.
        side: Which source of the pair they are; None likewise.
        pair_with: Folder with the partner of each image, by the same name.

    Raises:
        FilmError: A path is missing, a folder holds no image, two images have one stem, or it isn't said which side
            of its pair an image is.
    """
    partners = {path.stem: path for path in _images(pair_with)} if pair_with else {}
    jobs: dict[str, Job] = {}
    for image in _listed(paths):
        if image.stem in jobs:
            other = jobs[image.stem].image
            if other.samefile(image):
                continue
            raise FilmError(f"{other} and {image} would both become {image.stem}.txt; rename one")
        partner = partners.get(image.stem, pair_with / image.name) if pair_with else None
        found_task, found_side = _place(image, task, side)
        target = output / f"{image.stem}.txt"
        jobs[image.stem] = Job(image, target, image.stem, task=found_task, side=found_side, partner=partner)
    if pair_with and not partners.keys() & jobs.keys():
        raise FilmError(f"no image has a partner of the same name in --pair-with {pair_with}")
    return list(jobs.values())


def _listed(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from _images(path)
        elif path.exists():
            yield path
        else:
            raise FilmError(f"{path} doesn't exist; give images, or folders of images")


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise FilmError(f"there is no folder {folder}")
    files = (path for path in folder.iterdir() if path.suffix.lower() in FORMATS and path.name[0] != ".")
    if found := sorted(files):
        return found
    raise FilmError(f"there are no images in {folder}; suffixes are {', '.join(FORMATS)}")


def _place(image: Path, task: str | None, side: str | None) -> Place | tuple[None, None]:
    """Task and side of an image, as far as they aren't given by the name of its folder: IR, VI, MRI, T and so on."""
    named = source_named(image.absolute().parent.name)
    if task and side:
        return task, side
    if named and task in (None, named[0]) and side in (None, named[1]):
        return named
    if task:
        a, b = SOURCES[task]
        raise FilmError(f"which source of a {task} pair is {image}? say --side a ({a}) or --side b ({b})")
    if side:
        raise FilmError(f"--side {side} of which task is {image}? say --task {'|'.join(TASKS)}")
    return None, None


def jobs_of_sets(
    data: Path,
    sets: Sequence[str],
    *,
    split: Split = "all",
    task: str | None = None,
    side: str | None = None,
    output: Path | None = None,
) -> list[Job]:
    """List the images of sets in the VLF layout, A and B of a pair one after the other.

    Args:
        data: The folder that holds `VLFDataset`, or that folder.
        sets: `TASK/SET`; none takes all.
        split: `train`, `test` or `all`; a set that has no such list is left out unless it is the only one.
        task: Only the sets of this task.
        side: Only `a` or `b`.
        output: Root for `Text/{TASK}/{SET}/{side}`; None for the root of the data.

    Raises:
        FilmError: There is no such set, or nothing is left.
    """
    root = find_root(data)
    chosen = [_parse(name) for name in sets] or vlf_sets(root)
    chosen = [(of, name) for of, name in chosen if task in (None, of)]
    if not chosen:
        raise FilmError(f"{root} holds no set{f' of {task}' if task else ''}: there is no folder Image/TASK/SET in it")
    having = [found for found in chosen if split == "all" or split in vlf_splits(root, *found)]
    return [job for found in having or chosen for job in _jobs_of_set(root, *found, split, side, output or root)]


def _parse(name: str) -> tuple[str, str]:
    task, _, folder = name.partition("/")
    if task not in TASKS or not folder:
        raise FilmError(f"--set {name!r} must be TASK/SET with a task of {', '.join(TASKS)}: IVF/MSRS")
    return task, folder


def _jobs_of_set(root: Path, task: str, name: str, split: Split, side: str | None, output: Path) -> Iterator[Job]:
    reading = Reading(words="task", val_share=0.0)  # what validates is a part of the train list too
    pairs = open_set(root, task, name=name, split=split, reading=reading)
    if not isinstance(pairs, FolderPairs):
        raise FilmError(f"{task}/{name} does not lie in {root} as image files, which describing needs")
    for pair in pairs.pairs:
        for own, folder in enumerate(vlf_texts(output, task, name)):
            if side in (None, "ab"[own]):
                target = folder / f"{pair[0].stem}.txt"
                key = f"{task}/{name}/{pair[0].stem}"
                yield Job(pair[own], target, key, task=task, side="ab"[own], partner=pair[1 - own])
