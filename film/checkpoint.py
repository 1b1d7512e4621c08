"""Model files: ours (safetensors, the network's config in the header) and the released FILM `.pth`.

Neither can execute code: a `.pth` is read with `weights_only`, and a config may only name components that film brings
or that the user imported beforehand.
"""

import contextlib
import json
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from film.components import build
from film.config import compose
from film.decoders.base import Decoder
from film.errors import FilmError
from film.fusion.base import FusionStage
from film.image_encoders.base import ImageEncoder
from film.network import FusionNetwork
from film.released import is_released, translate
from film.tasks import SENTENCES
from film.text_encoders.base import TextEncoder
from film.weights import shipped_models

_SLOTS: dict[str, type] = {
    "image_encoder": ImageEncoder,
    "text_encoder": TextEncoder,
    "fusion": FusionStage,
    "decoder": Decoder,
}


@dataclass(frozen=True)
class Model:
    """What a model file holds.

    Attributes:
        name: Name of the shipped model, or the file's name without its ending.
        network: The network with its weights, in evaluation mode, on the CPU.
        config: Class path and arguments of the network and its components.
        sentences: The sentence of each task, and under `neutral` the one used without a task.
    """

    name: str
    network: FusionNetwork
    config: dict[str, Any]
    sentences: dict[str, str] = field(default_factory=lambda: dict(SENTENCES))

    @property
    def reads_words(self) -> bool:
        """Whether it takes strings; otherwise text comes as features, or there is none."""
        return self.network.text_encoder is not None and self.network.text_encoder.reads_words


def build_network(config: Mapping[str, Any]) -> FusionNetwork:
    """Build a network with fresh weights.

    Args:
        config: `class_path` and `init_args`, as under `model.network` in `configs/network/film.yaml`.

    Raises:
        FilmError: It names something else than a component, or arguments that a component doesn't take.
    """
    return build(config, FusionNetwork, name="network", slots=_SLOTS)


def load_model(source: str | Path) -> Model:
    """Load a shipped model by name, a model file, or a released FILM checkpoint.

    Args:
        source: A name that `film list` shows, a `.safetensors` file of ours, or a `.pth` file of the release.

    Raises:
        FilmError: No such model, or the file isn't one.
    """
    shipped = shipped_models()
    path = shipped.get(str(source), Path(source))
    if not path.is_file():
        raise FilmError(
            f"no model {str(source)!r}: neither a file nor one of the shipped models ({', '.join(shipped)})"
        )
    if path.suffix == ".safetensors":
        return _load_safetensors(path)
    if path.suffix in (".pth", ".pt"):
        return _load_released(path)
    raise FilmError(f"{path}: a model file ends in .safetensors (film) or .pth (released FILM), not {path.suffix!r}")


def load_network(source: str | Path) -> FusionNetwork:
    """Load just the network of a model, see `load_model`."""
    return load_model(source).network


def save_model(model: Model, path: Path) -> None:
    """Write a model file: weights, and in the header the config of the network and its sentences.

    The file appears whole or not at all.
    """
    header = {"format": 1, "network": model.config, "sentences": model.sentences}
    weights = {name: tensor.contiguous() for name, tensor in model.network.state_dict().items()}
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(save(weights, metadata={"film": json.dumps(header)}))
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise FilmError(f"cannot write {path}: {error}") from error


def _load_safetensors(path: Path) -> Model:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
        header = json.loads(metadata["film"])
        config, sentences = header["network"], header["sentences"]
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise FilmError(f"{path} is not a film model file ({error!r}); make one with `film import`") from error
    return Model(path.stem, _with_weights(config, weights, path), config, sentences)


def _load_released(path: Path) -> Model:
    try:
        with warnings.catch_warnings():  # about foreign pickles, which fail below in our own words
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise FilmError(f"{path} holds pickled code, or no checkpoint at all; only plain tensors are read") from error
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise FilmError(f"{path} is not a checkpoint ({error!r:.200})") from error
    state = content.get("model", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not is_released(state):
        raise FilmError(f"{path} is not a released FILM checkpoint: it has no text_process.conv.weight")
    config = compose(["network/film.yaml"])["model"]["network"]
    return Model(path.stem, _with_weights(config, translate(state), path), config)


def _with_weights(config: Mapping[str, Any], weights: dict[str, Tensor], path: Path) -> FusionNetwork:
    network = build_network(config)
    expected = network.state_dict()
    problems = [f"lacks {name}" for name in expected.keys() - weights.keys()]
    problems += [f"has an unknown {name}" for name in weights.keys() - expected.keys()]
    problems += [
        f"has {name} of shape {tuple(weights[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected.keys() & weights.keys()
        if weights[name].shape != expected[name].shape
    ]
    if problems:
        raise FilmError(
            f"{path} doesn't fit its network: it {'; '.join(sorted(problems)[:3])} ({len(problems)} in all)"
        )
    network.load_state_dict(weights)
    return network.eval()
