"""Where and in which precision a network computes; torch is imported only when it comes to that."""

from typing import TYPE_CHECKING

from film.errors import FilmError

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("32", "bf16", "16")


def choose_device(name: str) -> "torch.device":
    """Find the device of a name; `auto` is CUDA, else MPS, else the CPU.

    Raises:
        FilmError: The name is unknown, or the device isn't there.
    """
    import torch

    if name not in DEVICES:
        raise FilmError(f"unknown device {name!r}; choose from {', '.join(DEVICES)}")
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, is_present in present.items() if is_present)
    if not present[name]:
        allowed = ", ".join(device for device in DEVICES if present.get(device, True))
        raise FilmError(f"there is no device {name!r} here; choose from {allowed}")
    return torch.device(name)


def autocast(device: "torch.device", precision: str) -> "torch.autocast":
    """Make the context in which a network computes in `32`, `bf16` or `16`.

    Raises:
        FilmError: The precision is unknown.
    """
    import torch

    if precision not in PRECISIONS:
        raise FilmError(f"unknown precision {precision!r}; choose from {', '.join(PRECISIONS)}")
    dtype = torch.float16 if precision == "16" else torch.bfloat16
    return torch.autocast(device.type, dtype, enabled=precision != "32")
