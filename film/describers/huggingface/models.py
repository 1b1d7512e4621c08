"""Models of transformers, on the hub or in a folder, and where they compute."""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from film.describers.huggingface.failures import is_lack_of_memory, reason
from film.devices import DEVICES, PRECISIONS, choose_device
from film.errors import FilmError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Hardware:
    """Where models compute, and in which precision.

    Args:
        device: `auto` (CUDA, then MPS, then CPU), `cpu`, `cuda` or `mps`. Under torchrun every process takes the GPU
            of its `LOCAL_RANK`.
        precision: Of weights and activations: `32`, `bf16` or `16`.

    Raises:
        FilmError: One of them has no such name.
    """

    device: str = "auto"
    precision: str = "32"

    def __post_init__(self) -> None:
        for name, value, allowed in (("device", self.device, DEVICES), ("precision", self.precision, PRECISIONS)):
            if value not in allowed:
                raise FilmError(f"unknown {name} {value!r}; choose from {', '.join(allowed)}")

    @property
    def place(self) -> "torch.device":
        """The device itself.

        Raises:
            FilmError: It isn't there, or torchrun started more processes than there are GPUs.
        """
        import torch

        device, rank = choose_device(self.device), os.environ.get("LOCAL_RANK")
        if device.type != "cuda" or rank is None:
            return device
        count = torch.cuda.device_count()
        if count == 1 and "CUDA_VISIBLE_DEVICES" in os.environ:  # the launcher has shared them out already
            return torch.device("cuda", 0)
        if int(rank) >= count:
            raise FilmError(
                f"process {rank} of this machine (LOCAL_RANK) finds no GPU of its own among {count}; "
                f"start at most {count} with torchrun --nproc-per-node"
            )
        return torch.device("cuda", int(rank))

    @property
    def dtype(self) -> "torch.dtype":
        """Number format of the weights."""
        import torch

        return {"32": torch.float32, "bf16": torch.bfloat16, "16": torch.float16}[self.precision]


@dataclass(frozen=True)
class Pretrained:
    """A model on the hub or in a folder.

    Attributes:
        name: Id such as `Qwen/Qwen2.5-VL-3B-Instruct`, or a folder as `save_pretrained` writes it.
        revision: Branch, tag or commit on the hub; None for its main branch.
    """

    name: str
    revision: str | None = None

    def identity(self) -> dict[str, Any]:
        """Name, and which version of the model bears it; errors as of `check`."""
        return {"model": Path(self.name).name if self._folder else self.name, "version": self.version}

    @cached_property
    def version(self) -> str:
        """The commit on the hub, or a hash of all that is in the folder, at a gigabyte or so a second."""
        config = self.check()
        if not self._folder:
            return config.parent.name  # snapshots/COMMIT/config.json of the cache
        digest = hashlib.sha256()
        for path in sorted(path for path in config.parent.iterdir() if path.is_file()):
            digest.update(path.name.encode())
            with path.open("rb") as file:
                while block := file.read(1 << 22):
                    digest.update(block)
        return f"sha256:{digest.hexdigest()}"

    def check(self) -> Path:
        """Make sure that the model is there, by its configuration alone, which is a small file.

        Returns:
            That file.

        Raises:
            FilmError: There is no such folder, or the hub doesn't know it, or can't be asked.
        """
        from transformers.utils import cached_file

        with self._explained():
            found = cached_file(self._source, "config.json", revision=self.revision)
            if found is None:
                raise OSError("the folder has no config.json")
        return Path(found)

    def load(self, kind: str, hardware: Hardware) -> Any:
        """Load the model for inference.

        Args:
            kind: An auto class of transformers, such as `AutoModelForImageTextToText`.
            hardware: Where to and in which precision.

        Raises:
            FilmError: It can't be loaded: missing, broken, of another kind, or a package lacks.
        """
        import transformers

        place = hardware.place
        with self._explained():
            model = getattr(transformers, kind).from_pretrained(
                self._source, revision=self.revision, dtype=hardware.dtype, trust_remote_code=False
            )
            return model.to(place).eval().requires_grad_(requires_grad=False)

    def pipeline(self, task: str, hardware: Hardware) -> Any:
        """Load model and processor as a pipeline for a task such as `mask-generation`; errors as of `load`."""
        import transformers

        build: Any = transformers.pipeline  # its overloads know only literal tasks
        place = hardware.place
        with self._explained():
            return build(
                task,
                model=self._source,
                revision=self.revision,
                dtype=hardware.dtype,
                device=place,
                trust_remote_code=False,
            )

    def processor(self, kind: str = "AutoProcessor", *, continues: bool = False) -> Any:
        """Load what turns images and words into the numbers that the model reads.

        Args:
            kind: An auto class of transformers.
            continues: The model goes on from the end of a text, so that padding must lie before its beginning.

        Raises:
            FilmError: It can't be loaded.
        """
        import transformers

        with self._explained():
            processor = getattr(transformers, kind).from_pretrained(
                self._source, revision=self.revision, trust_remote_code=False
            )
        if continues:
            tokenizer = getattr(processor, "tokenizer", processor)
            tokenizer.padding_side = "left"
            tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
        return processor

    @property
    def _source(self) -> str:
        return str(Path(self.name).expanduser()) if self.name.startswith("~") else self.name

    @property
    def _folder(self) -> bool:
        return Path(self._source).is_dir()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # the loaders raise anything on what they don't understand
            raise FilmError(f"the model {self.name!r} can't be loaded: {reason(error)}; {_way_out(error)}") from error


def _way_out(error: Exception) -> str:
    if isinstance(error, ImportError):
        package = re.search(r"torchvision|timm|sentencepiece|accelerate|num2words|scipy", str(error), re.IGNORECASE)
        return f"pip install {package[0].lower() if package else 'what it names'}"
    if is_lack_of_memory(error):
        return "take a smaller one, or precision bf16"
    if isinstance(error, OSError):
        return (
            "give a folder that holds one, or an id of huggingface.co: with a network, or after `hf download ID` into "
            "the cache that HF_HOME names"
        )
    return "give one of the kind that the configuration asks for; models with code of their own are not run"
