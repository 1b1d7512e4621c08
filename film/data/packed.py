"""Prepared pairs: decoded luminance in a few memory-mapped safetensors files, one folder a split.

A pair costs one look-up and the copy of the window that is shown, instead of decoding two whole images; all workers
share the pages. Grey images keep their 8 bits; the luminance of colour is rounded to 16, at most 8e-6 off. Text
features are rounded to float16.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from film.data.reading import luminance
from film.data.source import Images, OncePerProcess, PairSource, Words, check_sizes
from film.errors import FilmError
from film.imaging.files import write_atomically
from film.layers.text import TextFeatures
from film.tasks import SENTENCES

_FORMAT = "film-pairs-1"
_TYPES = {"U8": np.uint8, "U16": np.uint16, "F16": np.float16, "F32": np.float32, "BOOL": np.bool_}


class PackedPairs(PairSource):
    """Pairs that `film data prepare` has written.

    Args:
        folder: Folder of one split.
        words: What stands for the text of a pair, as far as it was prepared.
        text_dim: Width of the text features; None takes any.
    """

    def __init__(self, folder: Path, *, words: Words = "words", text_dim: int | None = None) -> None:
        self._shards = OncePerProcess()
        self._where: list[Path] = []
        self._texts: list[str | None] = []
        names: list[str] = []
        task = ""
        for path in shards_of(folder):
            about = json.loads(_read_header(path)["__metadata__"]["pairs"])
            task = about["task"]
            names += about["names"]
            self._texts += about["texts"]
            self._where += [path] * len(about["names"])
        super().__init__(names, task)
        self.words = words
        self.text_dim = text_dim
        if words == "features":
            first = self.text(0)
            assert isinstance(first, TextFeatures)
            self.text_dim = first.tokens.shape[-1]
            self._shards = OncePerProcess()  # nothing stays open that a forked worker would share

    def read(self, index: int) -> Images:
        """Map both images; nothing is read before it is used."""
        name = self.names[index]
        return check_sizes(Images(self._array(index, "a"), self._array(index, "b")), name)

    def text(self, index: int) -> str | TextFeatures:
        """Give the prepared text, the features, or the sentence of the task."""
        if self.words != "features":
            return (self.words == "words" and self._texts[index]) or SENTENCES[self.task]
        tokens, mask = (torch.from_numpy(self._array(index, kind))[None] for kind in ("tokens", "mask"))
        features = TextFeatures(tokens, mask)
        width = features.tokens.shape[-1]
        if self.text_dim is not None and width != self.text_dim:
            raise FilmError(f"{self.names[index]} has text features {width} wide, expected {self.text_dim}")
        return features

    def _array(self, index: int, kind: str) -> np.ndarray:
        path, name = self._where[index], self.names[index]
        try:
            return self._shards.get(path, _Shard)[f"{kind}/{name}"]
        except KeyError as error:
            raise FilmError(f"{path} has no {kind} of {name}; run `film data prepare` again with --words") from error


def shards_of(folder: Path) -> list[Path]:
    """List the files of a prepared split.

    Raises:
        FilmError: There are none.
    """
    if shards := sorted(folder.glob("*.safetensors")):
        return shards
    raise FilmError(f"{folder} holds no prepared pairs; write them with `film data prepare`")


class _Shard:
    """One safetensors file, mapped into memory; looking a tensor up is ten times as fast as with `safe_open`."""

    def __init__(self, path: Path) -> None:
        header = _read_header(path)
        self._entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        # Copy-on-write, so that torch takes the arrays for writable; nobody writes.
        self._bytes = np.memmap(path, np.uint8, "c").view(np.ndarray)  # slices of a memmap take ten times as long
        self._start = 8 + int(self._bytes[:8].view(np.uint64)[0])

    def __getitem__(self, name: str) -> np.ndarray:
        entry = self._entries[name]
        begin, end = entry["data_offsets"]
        data = self._bytes[self._start + begin : self._start + end]
        return data.view(_TYPES[entry["dtype"]]).reshape(entry["shape"])


def _read_header(path: Path) -> dict[str, Any]:
    """Read what is in a shard, and make sure that all of it is there."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
        if header["__metadata__"]["format"] != _FORMAT:
            raise ValueError("of another kind")
        if path.stat().st_size < 8 + length + max(e["data_offsets"][1] for n, e in header.items() if n[:2] != "__"):
            raise ValueError("cut short")
    except (OSError, ValueError, KeyError, TypeError, MemoryError, OverflowError) as error:
        raise FilmError(f"{path} can't be read as prepared pairs: {error}; run `film data prepare` again") from error
    return header


def pack(source: PairSource, folder: Path, *, shard_bytes: int = 2**28) -> Iterator[str]:
    """Write all pairs of a source into a folder, replacing what was prepared there.

    Args:
        source: Read pair by pair.
        folder: Made if it is missing.
        shard_bytes: About how large one file gets.

    Yields:
        The name of each pair when it has been read.

    Raises:
        FilmError: A pair can't be read, or the files can't be written.
    """
    for old in folder.glob("*.safetensors"):
        old.unlink()
    tensors: dict[str, Tensor] = {}
    written: list[tuple[str, str | None]] = []
    number = 0
    for index, name in enumerate(source.names):
        text = source.text(index)
        tensors |= _tensors(name, source.read(index), text)
        written.append((name, text if isinstance(text, str) else None))
        yield name
        if sum(tensor.nbytes for tensor in tensors.values()) >= shard_bytes or index == len(source) - 1:
            _write(folder / f"{number:05d}.safetensors", tensors, source.task, written)
            tensors, written, number = {}, [], number + 1


def _tensors(name: str, images: Images, text: str | TextFeatures) -> dict[str, Tensor]:
    tensors = {f"{side}/{name}": torch.from_numpy(_compact(image)) for side, image in zip("ab", images, strict=True)}
    if isinstance(text, TextFeatures):
        tensors |= {f"tokens/{name}": text.tokens[0].half().contiguous(), f"mask/{name}": text.mask[0].contiguous()}
    return tensors


def _compact(pixels: np.ndarray) -> np.ndarray:
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():  # grey that is stored as RGB
        pixels = pixels[..., 0]
    plane = luminance(pixels)
    return np.ascontiguousarray(np.rint(plane * 65535).astype(np.uint16) if plane.dtype.kind == "f" else plane)


def _write(path: Path, tensors: dict[str, Tensor], task: str, pairs: Iterable[tuple[str, str | None]]) -> None:
    names, texts = zip(*pairs, strict=True)
    about = json.dumps({"task": task, "names": names, "texts": texts})
    write_atomically(path, lambda temporary: save_file(tensors, temporary, {"format": _FORMAT, "pairs": about}))
