"""Devices and precisions, and what is said where there is none."""

import pytest
import torch

from film.devices import DEVICES, PRECISIONS, autocast, choose_device
from film.errors import FilmError


def test_cpu_is_always_there() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in DEVICES


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA here")
def test_a_device_that_is_not_there() -> None:
    with pytest.raises(FilmError, match=r"no device 'cuda' here; choose from auto, (cpu|cpu, mps)$"):
        choose_device("cuda")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA here")
def test_cuda_comes_first() -> None:
    assert choose_device("auto") == choose_device("cuda") == torch.device("cuda")


def test_unknown_names() -> None:
    with pytest.raises(FilmError, match="unknown device 'tpu'; choose from auto, cpu, cuda, mps"):
        choose_device("tpu")
    with pytest.raises(FilmError, match="unknown precision '64'; choose from 32, bf16, 16"):
        autocast(torch.device("cpu"), "64")


@pytest.mark.parametrize(("precision", "dtype"), [("32", "float32"), ("bf16", "bfloat16"), ("16", "float16")])
def test_precision(precision: str, dtype: str) -> None:
    assert precision in PRECISIONS
    with autocast(torch.device("cpu"), precision):
        assert str(torch.nn.Linear(3, 3)(torch.rand(2, 3)).dtype) == f"torch.{dtype}"
