"""The record beside each text: how it was made, from which the next run knows what is still to be done.

A text is current if its record names the same image, partner, task, side and settings. A text without a record, or one
that isn't what the record says, is somebody's own.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import Any

from film import __version__
from film.describers.base import Describer, Description
from film.errors import FilmError
from film.imaging.files import write_atomically


class State(Enum):
    """What stands where a text should."""

    MISSING = "missing"
    CURRENT = "current"
    STALE = "made of another image or with other settings"
    OWN = "edited by hand or from elsewhere"


def sha256(path: Path) -> str:
    """Hash a file.

    Raises:
        FilmError: It can't be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise FilmError(f"can't read {path}: {error.strerror or error}") from error


def settings_of(describer: Describer) -> dict[str, Any]:
    """Say what a describer's texts depend on besides the images, as it comes back from JSON."""
    kind = type(describer)
    return {
        "describer": f"{kind.__module__}.{kind.__qualname__}",
        "identity": json.loads(json.dumps(describer.identity())),
    }


def state_of(target: Path, origin: Mapping[str, Any]) -> State:
    """Compare a text with what would be made.

    Args:
        target: File of the text.
        origin: What it would be made of and how.

    Raises:
        FilmError: The text is there and can't be read.
    """
    if not target.exists():
        return State.MISSING
    record = _read(target.with_suffix(".json"))
    if record.get("text_sha256") != sha256(target):
        return State.OWN
    return State.CURRENT if all(record.get(key) == value for key, value in origin.items()) else State.STALE


def write(target: Path, description: Description, origin: Mapping[str, Any], *, image: str, partner: str | None) -> str:
    """Write a text and its record, each whole or not at all; the folder is made if it is missing.

    Args:
        target: File of the text.
        description: What is written; its white space becomes single blanks.
        origin: What it was made of and how.
        image: Name of the image, for the reader.
        partner: Name of its partner, likewise.

    Returns:
        The text.

    Raises:
        FilmError: The text is empty, or can't be written.
    """
    text = " ".join(description.text.split())
    if not text:
        raise FilmError("the answer is empty")
    content = f"{text}\n".encode()
    record = {
        **origin,
        "image": image,
        "partner": partner,
        "details": dict(description.details),
        "film": __version__,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "text_sha256": hashlib.sha256(content).hexdigest(),
    }
    lines = json.dumps(record, indent=1, ensure_ascii=False)
    # A text without its record would count as somebody's own; a record without its text counts for nothing.
    target.unlink(missing_ok=True)
    write_atomically(target.with_suffix(".json"), lambda path: path.write_text(f"{lines}\n", encoding="utf-8"))
    write_atomically(target, lambda path: path.write_bytes(content))
    return text


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
