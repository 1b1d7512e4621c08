"""The text encoder that a name stands for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from film.checkpoint import load_model
from film.components import build
from film.config import CONFIGS, compose, merge
from film.errors import FilmError
from film.text_encoders.base import TextEncoder
from film.weights import shipped_models


def open_encoder(name: str, overrides: Mapping[str, Any] | None = None) -> TextEncoder:
    """Build a text encoder.

    Args:
        name: Of a file in `configs/text_encoder`, of a YAML file, or of a model whose encoder is taken.
        overrides: Arguments in place of those in the file.

    Raises:
        FilmError: There is no such encoder, it doesn't take these arguments, or it reads no words.
    """
    if name in shipped_models() or Path(name).suffix in (".safetensors", ".pth", ".pt"):
        if overrides:
            raise FilmError(f"the encoder of {name} is taken as it is; leave --text-encoder.{min(overrides)} out")
        encoder = load_model(name).network.text_encoder
    else:
        config = _config(name)
        changed = merge(config, {"init_args": dict(overrides)}) if overrides else config
        encoder = build(changed, TextEncoder, name="text_encoder")
    if encoder is None or not encoder.reads_words:
        raise FilmError(f"{name} brings no text encoder that reads words; choose from {', '.join(_known())}")
    return encoder.eval()


def _config(name: str) -> Any:
    if Path(name).suffix not in (".yaml", ".yml") and name not in _known():
        raise FilmError(
            f"there is no text encoder {name!r}; choose from {', '.join(_known())}, or give a YAML file or a model"
        )
    config: Any = compose([name if Path(name).suffix in (".yaml", ".yml") else f"text_encoder/{name}.yaml"])
    for key in ("model", "network", "init_args", "text_encoder"):
        if not isinstance(config, dict) or key not in config:
            raise FilmError(
                f"{name} has no model.network.init_args.text_encoder with class_path and init_args, as "
                "configs/text_encoder/minilm.yaml has it"
            )
        config = config[key]
    return config


def _known() -> list[str]:
    """Names of the encoders that read words."""
    return sorted(path.stem for path in CONFIGS.glob("text_encoder/*.yaml") if path.stem != "precomputed")
