"""The layout of the VLF data set: images, split lists, texts and text features of a task's sets.

`Image/{TASK}/{SET}/{A,B}/{name}`, beside them `train.txt`, `val.txt` and `test.txt` with one file name a line,
`Text/{TASK}/{SET}/{A,B}/{name}.txt` and `TextFeature/{TASK}/{SET}/{name}.npy` (Zhao et al., ICML 2024).
"""

from collections.abc import Sequence
from pathlib import Path

from film.data.descriptions import Descriptions
from film.data.folders import FolderPairs, find_files, same_names
from film.data.source import Reading
from film.data.splits import Split, choose, read_list, train_or_val
from film.errors import FilmError
from film.tasks import SOURCES, TASKS

LISTS = ("train", "val", "test")


def vlf_sets(root: Path) -> list[tuple[str, str]]:
    """List task and name of all sets below a root."""
    return [(task, path.name) for task in TASKS for path in sorted((root / "Image" / task).glob("*/"))]


def vlf_folder(root: Path, task: str, name: str) -> Path:
    """Folder with the images and lists of one set."""
    return root / "Image" / task / name


def vlf_splits(root: Path, task: str, name: str) -> list[Split]:
    """List the splits that a set has by its lists; a set without any list has all."""
    there = [split for split in LISTS if (vlf_folder(root, task, name) / f"{split}.txt").is_file()]
    splits: tuple[Split, ...] = ("train", "val", "test")
    return [split for split in splits if not there or split in there or (split == "val" and "train" in there)]


def vlf_pairs(
    root: Path,
    task: str,
    *,
    name: str,
    split: Split,
    reading: Reading,
) -> FolderPairs:
    """Open one split of one set; no image is read.

    Args:
        root: The folder that holds `Image`.
        task: Key of `film.tasks`.
        name: Name of the set.
        split: Which part; `all` takes every pair of same name.
        reading: How it is split and which words are read.

    Raises:
        FilmError: A folder, a list or a listed file is missing, or a list is empty.
    """
    folder = vlf_folder(root, task, name)
    a, b = SOURCES[task]
    names, listed_in = _names(folder, (a, b), split, reading)
    if not names:
        raise FilmError(f"no pair of {folder} is left for {split}; lower val_share or test_share, or add pairs")
    files = find_files(names, folder / a, folder / b, listed_in=listed_in)
    return FolderPairs(files, task, descriptions=vlf_descriptions(root, task, name=name, reading=reading))


def vlf_texts(root: Path, task: str, name: str) -> tuple[Path, Path]:
    """Folders with the texts of A and of B of one set."""
    a, b = SOURCES[task]
    return root / "Text" / task / name / a, root / "Text" / task / name / b


def vlf_descriptions(root: Path, task: str, *, name: str, reading: Reading) -> Descriptions:
    """Find the words of one set.

    Args:
        root: The folder that holds `Text` and `TextFeature`.
        task: Key of `film.tasks`.
        name: Name of the set.
        reading: Which words are read.
    """
    return Descriptions(
        task,
        reading.words,
        text_dirs=vlf_texts(root, task, name),
        features_dir=root / "TextFeature" / task / name,
        width=reading.text_dim,
    )


def _names(folder: Path, sides: tuple[str, str], split: Split, reading: Reading) -> tuple[Sequence[str], str]:
    """Names of a split and where they come from."""
    lists = {kind: folder / f"{kind}.txt" for kind in LISTS}
    there = [kind for kind, path in lists.items() if path.is_file()]
    if split in there and not (split == "train" and "val" not in there):
        return read_list(lists[split]), str(lists[split])
    if split == "all" or not there:
        names = same_names(*(folder / side for side in sides))
        return choose(names, split, seed=reading.seed, val_share=reading.val_share, test_share=reading.test_share), str(
            folder
        )
    if split in ("train", "val") and "train" in there:
        return train_or_val(read_list(lists["train"]), split, seed=reading.seed, share=reading.val_share), str(
            lists["train"]
        )
    raise FilmError(f"{folder} has no {split}.txt; it has {', '.join(f'{kind}.txt' for kind in there)}")
