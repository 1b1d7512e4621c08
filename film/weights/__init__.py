"""The small models that ship with the package, each with its card."""

from pathlib import Path


def shipped_models() -> dict[str, Path]:
    """Name and file of every model in the package."""
    return {file.stem: file for file in sorted(Path(__file__).parent.glob("*.safetensors"))}
