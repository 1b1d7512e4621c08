"""Files with the text features of one pair: ours (safetensors, with a mask) and the release's (`.npy`)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from film.errors import FilmError
from film.layers.text import TextFeatures

SUFFIXES = (".npy", ".safetensors")


def read_text_features(path: Path, *, width: int | None = None) -> TextFeatures:
    """Read the text features of one pair.

    Args:
        path: A `.npy` file (1, L, D), as those of the VLF data set, or a `.safetensors` file with `tokens` (L, D) and
            `mask` (L,) of bool or uint8.
        width: The D that is expected; None takes any.

    Returns:
        Tokens (1, L, D) float32 with their mask.

    Raises:
        FilmError: The file is missing or isn't one of the two, has NaN or infinite values, or another width.
    """
    if path.suffix not in SUFFIXES:
        raise FilmError(f"{path}: text features are a .npy file (1, L, D) or a .safetensors file with tokens and mask")
    try:
        features = _read_npy(path) if path.suffix == ".npy" else _read_safetensors(path)
    except OSError as error:
        reason = error.strerror or str(error).removesuffix(f": {path}")
        raise FilmError(f"can't read {path}: {reason}") from error
    except (ValueError, KeyError, SafetensorError, EOFError) as error:
        raise FilmError(f"{path} doesn't hold text features: {' '.join(str(error).split())}") from error
    found = features.tokens.shape[-1]
    if width is not None and found != width:
        raise FilmError(
            f"{path} has text features {found} wide{made_by(path)}, expected {width}; encode all texts with the "
            f"encoder that the network reads, or set text_dim and the dim of its text encoder to {found}"
        )
    if not features.tokens.isfinite().all():
        raise FilmError(f"{path} doesn't hold text features: there are NaN or infinite values; encode this text again")
    return features


def read_header(path: Path) -> dict[str, str]:
    """Read how the features of a `.safetensors` file were made: encoder, revision, width, sha256 of each text.

    Returns:
        What the header says; nothing for `.npy`, for a file of another origin, and for one that can't be read.
    """
    if path.suffix != ".safetensors" or not path.is_file():
        return {}
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (OSError, SafetensorError):
        return {}


def read_identity(path: Path) -> dict[str, Any]:
    """Read what the encoder that made a file said of itself, `TextEncoder.identity`; nothing if it can't be read."""
    try:
        identity = json.loads(read_header(path).get("identity", "{}"))
    except ValueError:
        return {}
    return identity if isinstance(identity, dict) else {}


def made_by(path: Path) -> str:
    """Say for an error which encoder made a file: `, made by …`, or nothing if it doesn't say."""
    header = read_header(path)
    name = f" ({header['name']})" if header.get("name") else ""
    return f", made by {header['encoder']}{name}" if header.get("encoder") else ""


def _read_npy(path: Path) -> TextFeatures:
    array = np.load(path, allow_pickle=False)
    if array.ndim != 3 or len(array) != 1 or array.dtype.kind != "f" or array.size == 0:
        raise ValueError(f"it has {array.dtype} of shape {array.shape} instead of floats (1, L, D)")
    return TextFeatures.unpadded(torch.from_numpy(array.astype(np.float32, copy=False)))


def _read_safetensors(path: Path) -> TextFeatures:
    content = load_file(path)
    tokens, mask = content["tokens"], content["mask"]
    is_mask = mask.dtype in (torch.bool, torch.uint8) and mask.shape == tokens.shape[:1]
    if tokens.ndim != 2 or not is_mask or not tokens.is_floating_point() or tokens.numel() == 0:
        raise ValueError(
            f"tokens are {tokens.dtype} {tuple(tokens.shape)} and mask is {mask.dtype} {tuple(mask.shape)} instead of "
            "floats (L, D) and bool (L,)"
        )
    return TextFeatures(tokens.float()[None], mask.bool()[None])
