"""The preprocessed form of FILM's release: one HDF5 file a split with the groups imageA, imageB and text.

Each group holds one array a name: images (1, H, W) float in [0, 1], text features (1, L, D). The file is opened once in
every worker; the release opened it for every pair.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from film.data.source import Images, OncePerProcess, PairSource, Words, check_sizes
from film.errors import FilmError
from film.layers.text import TextFeatures
from film.tasks import SENTENCES

GROUPS = ("imageA", "imageB", "text")
_INSTALL = "reading HDF5 needs h5py: pip install h5py"


class HDF5Pairs(PairSource):
    """Pairs of one HDF5 file.

    Args:
        path: The file.
        task: Key of `film.tasks`.
        words: `features` for the text features in the file; else the sentence of the task, as there are no words.
        names: Which pairs, in this order; None takes all.
        text_dim: Width of the text features; None takes that of the first.
    """

    def __init__(
        self,
        path: Path,
        task: str,
        *,
        words: Words = "features",
        names: Sequence[str] | None = None,
        text_dim: int | None = None,
    ) -> None:
        found = hdf5_names(path, with_text=words == "features")
        super().__init__(found if names is None else names, task)
        self.path = path
        self.words = words
        self.text_dim = text_dim
        self._files = OncePerProcess()
        if words == "features":
            features = self.text(0)
            assert isinstance(features, TextFeatures)
            self.text_dim = features.tokens.shape[-1]
            self._files = OncePerProcess()  # nothing stays open that a forked worker would share

    def read(self, index: int) -> Images:
        """Read both images."""
        name = self.names[index]
        a, b = (self._array(group, name) for group in GROUPS[:2])
        where = f"{name} in {self.path}"
        if not all(len(image) == 1 and image.ndim == 3 for image in (a, b)):
            raise FilmError(f"{where} has images of shape {a.shape} and {b.shape} instead of (1, H, W)")
        return check_sizes(Images(a[0], b[0]), where)

    def text(self, index: int) -> str | TextFeatures:
        """Give the text features, or the sentence of the task."""
        if self.words != "features":
            return SENTENCES[self.task]
        name = self.names[index]
        tokens = self._array("text", name)
        if tokens.ndim != 3 or len(tokens) != 1:
            raise FilmError(f"{name} in {self.path} has text features of shape {tokens.shape} instead of (1, L, D)")
        if self.text_dim is not None and tokens.shape[-1] != self.text_dim:
            raise FilmError(
                f"{name} in {self.path} has text features {tokens.shape[-1]} wide, expected {self.text_dim}"
            )
        if not np.isfinite(tokens).all():
            raise FilmError(f"{name} in {self.path} has NaN or infinite text features")
        return TextFeatures.unpadded(torch.from_numpy(tokens))

    def _array(self, group: str, name: str) -> np.ndarray:
        file = self._files.get(self.path, open_hdf5)
        try:
            return np.asarray(file[group][name], np.float32)
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise FilmError(f"can't read {group} of {name} in {self.path}: {error}") from error


def open_hdf5(path: Path) -> Any:
    """Open a file for reading.

    Raises:
        FilmError: It is missing or no HDF5, or h5py isn't installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise FilmError(_INSTALL) from error
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise FilmError(f"{path} can't be read as HDF5: it is missing, cut short or of another kind") from error


def hdf5_names(path: Path, *, with_text: bool) -> list[str]:
    """List the pairs of a file.

    Args:
        path: The file.
        with_text: Whether every pair must have text features.

    Raises:
        FilmError: A group is missing or empty, or a pair is incomplete.
    """
    groups = GROUPS if with_text else GROUPS[:2]
    with open_hdf5(path) as file:
        if missing := [group for group in groups if group not in file]:
            raise FilmError(f"{path} has no group {missing[0]!r}; the release's files have {', '.join(GROUPS)}")
        names = {group: set(file[group]) for group in groups}
    if not names["imageA"]:
        raise FilmError(f"{path} holds no pairs: its group imageA is empty")
    for group in groups[1:]:
        if odd := sorted(names["imageA"] ^ names[group]):
            raise FilmError(f"{path} has {odd[0]!r} in only one of imageA and {group}; write the file again")
    return sorted(names["imageA"])
