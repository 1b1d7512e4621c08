"""Find the set that a name stands for: VLF layout, prepared pairs or the release's HDF5, whatever lies there."""

import logging
import re
from dataclasses import replace
from pathlib import Path

from film.data.descriptions import DescribedPairs, Descriptions
from film.data.folders import FolderPairs, PairFolders, find_files, same_names
from film.data.hdf5 import HDF5Pairs, hdf5_names
from film.data.packed import PackedPairs
from film.data.source import PairSource, Reading, Words
from film.data.splits import Split, choose, train_or_val
from film.data.vlf import vlf_descriptions, vlf_folder, vlf_pairs
from film.errors import FilmError

_HDF5 = (".h5", ".hdf5")
_log = logging.getLogger("film")


def find_root(root: str | Path) -> Path:
    """Take the folder that holds `VLFDataset`, or that folder itself.

    Raises:
        FilmError: There is no such folder.
    """
    path = Path(root).expanduser()
    if not path.is_dir():
        raise FilmError(
            f"there is no data folder {path}; set FILM_DATA to the folder that holds VLFDataset, "
            "or --data.init_args.root to where the data lies"
        )
    return path / "VLFDataset" if (path / "VLFDataset").is_dir() else path


def open_set(root: str | Path, task: str, *, name: str, split: Split, reading: Reading) -> PairSource:
    """Open one split of a set.

    Args:
        root: The folder that holds `VLFDataset`, that folder, or one that `film data prepare` has written.
        task: Key of `film.tasks`.
        name: Name of the set, or an HDF5 file, from the root or from the working directory.
        split: Which part.
        reading: How it is split and which words are read.

    Raises:
        FilmError: There is no such set, or it is incomplete, or `reading.texts` leads nowhere.
    """
    if reading.texts is None or reading.words == "task":
        return _open_set(root, task, name=name, split=split, reading=reading)
    place = _find_texts(reading.texts, reading.words)
    pairs = _open_set(root, task, name=name, split=split, reading=replace(reading, words="task"))
    stem = name if not name.endswith(_HDF5) else re.sub("_(train|val|test)$", "", Path(name).stem)
    descriptions = vlf_descriptions(place, task, name=stem, reading=reading)
    if not len(descriptions):
        _log.warning("there are no texts of %s/%s in %s: the sentence of the task stands in", task, stem, place)
    return DescribedPairs(pairs, descriptions)


def _find_texts(texts: str, words: Words) -> Path:
    kind, given = "TextFeature" if words == "features" else "Text", Path(texts).expanduser()
    for root in (given, given / "VLFDataset"):
        if (root / kind).is_dir():
            return root
    raise FilmError(
        f"texts: {texts} holds no folder {kind}; give a folder that holds {kind}/TASK/SET, as `film describe --data` "
        "writes it, or leave texts out to read those in the root"
    )


def _open_set(root: str | Path, task: str, *, name: str, split: Split, reading: Reading) -> PairSource:
    folder = find_root(root)
    if name.endswith(_HDF5):
        return _open_hdf5(
            next((p for p in (folder / name, Path(name)) if p.is_file()), folder / name), task, split, reading
        )
    prepared = folder / task / name
    if prepared.is_dir():
        return _open_prepared(prepared, split, reading)
    if vlf_folder(folder, task, name).is_dir():
        return vlf_pairs(folder, task, name=name, split=split, reading=reading)
    for place in (folder / "VLFDataset_h5", folder, folder.parent / "VLFDataset_h5"):
        if released := _released(place, name, split):
            return _open_hdf5(released, task, split, reading)
    raise FilmError(
        f"there is no set {name!r} for {task} in {folder}: neither Image/{task}/{name}, nor prepared pairs in "
        f"{task}/{name}, nor VLFDataset_h5/{name}_{split}.h5; sets there: {', '.join(_known(folder, task)) or 'none'}"
    )


def _known(folder: Path, task: str) -> list[str]:
    return sorted({path.name for place in (folder / "Image" / task, folder / task) for path in place.glob("*/")})


def _released(place: Path, name: str, split: Split) -> Path | None:
    """The release's file of a split; validation comes out of the train file unless it has its own."""
    candidates = [place / f"{name}_{split}.h5"] + ([place / f"{name}_train.h5"] if split == "val" else [])
    return next((path for path in candidates if path.is_file()), None)


def _open_hdf5(path: Path, task: str, split: Split, reading: Reading) -> HDF5Pairs:
    names = hdf5_names(path, with_text=reading.words == "features")
    if path.stem.endswith("_train"):
        separate = path.with_name(path.name.replace("_train.", "_val.")).is_file()
        if split in ("train", "val") and not separate:
            names = train_or_val(names, split, seed=reading.seed, share=reading.val_share)
    elif not path.stem.endswith(("_test", "_val")):
        names = choose(names, split, seed=reading.seed, val_share=reading.val_share, test_share=reading.test_share)
    if not names:
        raise FilmError(f"no pair of {path} is left for {split}; change val_share or test_share")
    return HDF5Pairs(path, task, words=reading.words, names=names, text_dim=reading.text_dim)


def _open_prepared(folder: Path, split: Split, reading: Reading) -> PairSource:
    return PackedPairs(folder / split, words=reading.words, text_dim=reading.text_dim)


def open_folders(folders: PairFolders, task: str, *, split: Split, reading: Reading) -> PairSource:
    """Open one split of two folders of images with the same names.

    Raises:
        FilmError: A folder is missing, or no pair is left.
    """
    a_dir, b_dir = Path(folders.a_dir), Path(folders.b_dir)
    names = choose(
        same_names(a_dir, b_dir),
        split,
        seed=reading.seed,
        val_share=reading.val_share,
        test_share=reading.test_share,
    )
    if not names:
        raise FilmError(f"no pair of {a_dir} and {b_dir} is left for {split}; change val_share or test_share")
    texts = tuple(Path(place) if place else None for place in (folders.text_a_dir, folders.text_b_dir))
    features = Path(folders.text_features_dir) if folders.text_features_dir else None
    descriptions = Descriptions(task, reading.words, text_dirs=texts, features_dir=features, width=reading.text_dim)
    return FolderPairs(find_files(names, a_dir, b_dir, listed_in=str(a_dir)), task, descriptions=descriptions)
