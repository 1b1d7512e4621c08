"""Files of text features: what is written, and from which the next run knows what is still to be done.

How features were made stands in the header of a `.safetensors` file, and for `.npy` in a `.json` beside it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from film.errors import FilmError
from film.imaging.files import write_atomically
from film.layers.text_files import SUFFIXES, read_header

Header = dict[str, str]


def header_of(identity: Mapping[str, Any], texts: Sequence[str], *, width: int, dtype: str) -> Header:
    """Say how features are made: equal headers mean equal features.

    Args:
        identity: What the encoder says of itself.
        texts: The texts of the pair, that of A first.
        width: Width D of the features.
        dtype: Number format of the file.
    """
    return {
        "encoder": str(identity["encoder"]),
        "name": str(identity.get("name", "")),
        "revision": str(identity.get("revision") or ""),
        "width": str(width),
        "dtype": dtype,
        "sha256": " ".join(hashlib.sha256(text.encode("utf-8")).hexdigest() for text in texts),
        "identity": json.dumps(identity, sort_keys=True),
    }


def is_current(path: Path, header: Header) -> bool:
    """Whether a file holds just these features already.

    Raises:
        FilmError: Features of another origin stand there or beside it, which would be lost or hide the new ones.
    """
    other = next(path.with_name(path.stem + suffix) for suffix in SUFFIXES if suffix != path.suffix)
    if other.exists():
        raise FilmError(
            f"{other} is there already, and only one format is read; take it away, or choose another --output"
        )
    if not path.exists():
        return False
    found = _read(path)
    if "identity" not in found:
        raise FilmError(f"{path} comes from elsewhere and would be replaced; take it away, or choose another --output")
    return found == header


def write_features(path: Path, tokens: Tensor, header: Header) -> None:
    """Write the features of one pair, whole or not at all; the folder is made if it is missing.

    Args:
        path: `.safetensors` gets `tokens` (L, D) and `mask` (L,), `.npy` (1, L, D).
        tokens: (L, D), of the number format that is written.
        header: How they were made.

    Raises:
        FilmError: It can't be written.
    """
    if path.suffix == ".safetensors":
        content = {"tokens": tokens.contiguous(), "mask": torch.ones(len(tokens), dtype=torch.bool)}
        data = save(content, metadata=header)  # save_file would let nobody else read it
        write_atomically(path, lambda temporary: temporary.write_bytes(data))
        return
    # A record without its features counts for nothing, features with the record of others would count as current.
    path.unlink(missing_ok=True)
    lines = json.dumps(header, indent=1)
    write_atomically(_record(path), lambda temporary: temporary.write_text(f"{lines}\n", encoding="utf-8"))
    write_atomically(path, lambda temporary: _save_npy(temporary, tokens[None].numpy()))


def _save_npy(path: Path, array: np.ndarray) -> None:
    with path.open("wb") as file:
        np.save(file, array)


def _read(path: Path) -> Header:
    if path.suffix == ".safetensors":
        return read_header(path)
    try:
        record = json.loads(_record(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _record(path: Path) -> Path:
    return path.with_name(f"{path.stem}.json")
