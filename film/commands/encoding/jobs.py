"""Which texts make the features of a pair, and where these go: by names alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from film.data.sets import find_root
from film.data.vlf import vlf_folder, vlf_texts
from film.errors import FilmError
from film.imaging.files import FORMATS
from film.tasks import SENTENCES, SOURCES, TASKS


@dataclass(frozen=True, slots=True)
class Job:
    """The texts of one pair, which become one file of features.

    Attributes:
        texts: Their files, that of A first; whether they are there is seen when it comes to reading.
        target: File of the features.
        key: What decides the shard.
        sentence: What may stand in where there is no text at all; None if nothing may.
    """

    texts: tuple[Path, ...]
    target: Path
    key: str
    sentence: str | None = None


def jobs_of_folders(
    folders: Sequence[Path], output: Path, *, suffix: str = ".safetensors", task: str | None = None
) -> list[Job]:
    """List the texts of one or two folders.

    Args:
        folders: One with `<stem>.txt`, each of which becomes a file; one with two folders named after the sources of
            a task (IR and VI) or `a` and `b`; or two, that of A first. Of two sides equal names belong together.
        output: Folder for `<stem>` with `suffix`.
        suffix: Of the files of features.
        task: Which task's sides are meant, and whose sentence may stand in.

    Raises:
        FilmError: A folder is missing or holds no texts, or it isn't clear which is meant.
    """
    if len(folders) > 2:
        raise FilmError(f"{len(folders)} folders of texts are too many; give one, or those of A and B")
    if missing := next((folder for folder in folders if not folder.is_dir()), None):
        raise FilmError(
            f"there is no folder {missing}; give a folder of texts <stem>.txt, as film describe writes them"
        )
    sides = tuple(folders) if len(folders) == 2 else _sides(folders[0], task)
    sentence = SENTENCES[task] if task else None
    stems = sorted({stem for side in sides for stem in _stems(side)})
    if not stems:
        raise FilmError(f"there are no texts <stem>.txt in {' or '.join(map(str, sides))}")
    return [
        Job(tuple(side / f"{stem}.txt" for side in sides), output / f"{stem}{suffix}", stem, sentence) for stem in stems
    ]


def _sides(folder: Path, task: str | None) -> tuple[Path, ...]:
    """The folders of the two sides in a folder, in any case of letters; itself, if there are none."""
    inside = {path.name.upper(): path for path in sorted(folder.iterdir(), reverse=True) if path.is_dir()}
    names = [*(SOURCES[task] for task in ([task] if task else TASKS)), ("A", "B")]
    found = [pair for pair in names if inside.keys() & set(pair)]
    if not found:
        if inside.keys() & {"TEXT", "VLFDATASET"}:
            raise FilmError(f"{folder} is the root of a data set; say film encode --data {folder}")
        return (folder,)
    if _stems(folder) or len(found) > 1:
        there = ", ".join(inside[side].name for pair in found for side in pair if side in inside)
        beside = "texts beside the folders" if _stems(folder) else "folders"
        raise FilmError(f"{folder} has {beside} {there}; name the folder or the two that you mean, or say --task")
    return tuple(inside.get(side, folder / side) for side in found[0])


def _stems(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return [path.stem for path in folder.iterdir() if path.suffix == ".txt" and not path.name.startswith(".")]


def jobs_of_sets(
    data: Path,
    sets: Sequence[str],
    *,
    texts: Path | None = None,
    output: Path | None = None,
    suffix: str = ".safetensors",
    task: str | None = None,
) -> list[Job]:
    """List the texts of sets in the VLF layout; pairs without any are listed too, by their images.

    Args:
        data: The folder that holds `VLFDataset`, or that folder.
        sets: `TASK/SET`; none takes all that have texts.
        texts: Another root for `Text`.
        output: Root for `TextFeature/{TASK}/{SET}`; None for that of the texts.
        suffix: Of the files of features.
        task: Only the sets of this task.

    Raises:
        FilmError: There is no such set, or it has no texts.
    """
    root = find_root(data)
    source = find_root(texts) if texts else root
    chosen = [parse_set(name) for name in sets] or _sets_with_texts(source)
    chosen = [(of, name) for of, name in chosen if task in (None, of)]
    if not chosen:
        raise FilmError(
            f"there are no texts{f' of {task}' if task else ''} Text/TASK/SET/SIDE/<stem>.txt in {source}; film "
            "describe --data writes them"
        )
    return [job for of, name in chosen for job in _jobs_of_set(root, source, of, name, output or source, suffix)]


def parse_set(name: str) -> tuple[str, str]:
    """Part `TASK/SET`.

    Raises:
        FilmError: It isn't that.
    """
    task, _, folder = name.partition("/")
    if task not in TASKS or not folder:
        raise FilmError(f"--set {name!r} must be TASK/SET with a task of {', '.join(TASKS)}: IVF/MSRS")
    return task, folder


def _sets_with_texts(root: Path) -> list[tuple[str, str]]:
    return [(task, path.name) for task in TASKS for path in sorted((root / "Text" / task).glob("*/"))]


def _jobs_of_set(root: Path, source: Path, task: str, name: str, output: Path, suffix: str) -> Iterator[Job]:
    sides = vlf_texts(source, task, name)
    stems = {stem for side in sides for stem in _stems(side)}
    if not stems:
        known = ", ".join("/".join(found) for found in _sets_with_texts(source))
        raise FilmError(
            f"{task}/{name} has no texts in {source / 'Text'}; make them with film describe --data. "
            f"There are texts of: {known or 'no set'}"
        )
    images = (path for side in SOURCES[task] for path in vlf_folder(root, task, name).glob(f"{side}/*"))
    stems |= {path.stem for path in images if path.suffix.lower() in FORMATS}
    folder = output / "TextFeature" / task / name
    for stem in sorted(stems):
        files = tuple(side / f"{stem}.txt" for side in sides)
        yield Job(files, folder / f"{stem}{suffix}", f"{task}/{name}/{stem}", SENTENCES[task])
