"""The faithful network equals the released one: golden outputs, and an independent plain version."""

from pathlib import Path

import pytest
import torch
from plain_film import PlainFilm
from safetensors.torch import load_file

from film.checkpoint import build_network, load_model, load_network, save_model
from film.config import compose
from film.layers.text import TextFeatures
from film.network import FusionNetwork
from film.released import translate


@pytest.fixture(scope="module")
def network(golden: Path) -> FusionNetwork:
    return load_network(golden / "film_random.pth")


@pytest.fixture(scope="module")
def cases(golden: Path) -> dict[str, torch.Tensor]:
    return load_file(golden / "film_forward.safetensors")


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-5), (torch.float32, 5e-5)])
@pytest.mark.parametrize("case", range(4))
def test_golden_outputs(network, cases, case, dtype, tolerance):
    a, b, text, expected = (cases[f"{case}.{name}"].to(dtype) for name in ("a", "b", "text", "fused"))
    with torch.no_grad():
        fused = network.to(dtype)(a, b, text)
    network.float()
    assert (fused - expected).abs().max() <= tolerance


def test_batch_of_two_is_two_batches_of_one(network, cases):
    a, b, text = (cases[f"1.{name}"] for name in ("a", "b", "text"))
    with torch.no_grad():
        both = network(a, b, text)
        each = torch.cat([network(a[i : i + 1], b[i : i + 1], text[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(both, each, rtol=0, atol=1e-5)


def test_padded_texts_of_different_lengths(network, cases):
    a, b, text = (cases[f"1.{name}"] for name in ("a", "b", "text"))
    texts = [TextFeatures.unpadded(text[:1]), TextFeatures.unpadded(text[1:, :5])]
    with torch.no_grad():
        padded = network(a, b, TextFeatures.stack(texts))
        alone = torch.cat([network(a[i : i + 1], b[i : i + 1], texts[i]) for i in range(2)])
    torch.testing.assert_close(padded, alone, rtol=0, atol=1e-5)


def test_strips_cut_anywhere_change_nothing(network, cases, monkeypatch):
    a, b, text = (cases[f"0.{name}"] for name in ("a", "b", "text"))
    with torch.no_grad():
        expected = network(a, b, text)
        monkeypatch.setattr("film.layers.restormer.STRIP_PIXELS", 7 * a.shape[-1])  # the last strip is a short one
        torch.testing.assert_close(network(a, b, text), expected, rtol=0, atol=5e-6)


@pytest.mark.parametrize("recompute", [False, True])
def test_gradients_equal_those_of_the_plain_network(recompute):
    plain = PlainFilm().double()
    config = compose(["network/film.yaml"])["model"]["network"]
    for part in ("image_encoder", "fusion", "decoder"):
        config["init_args"][part]["init_args"]["recompute"] = recompute
    network = build_network(config).double()
    network.load_state_dict(translate(plain.state_dict()))
    a, b = torch.rand(2, 1, 1, 24, 30, dtype=torch.float64)
    text = torch.randn(1, 9, 768, dtype=torch.float64)
    results = []
    for model in (plain, network):
        inputs = [x.clone().requires_grad_() for x in (a, b, text)]
        model(*inputs).square().sum().backward()
        norms = sorted(p.grad.norm().item() for p in model.parameters() if p.ndim == 4)
        results.append(([x.grad for x in inputs], torch.tensor(norms)))
    (plain_inputs, plain_norms), (inputs, norms) = results
    for ours, theirs in zip(inputs, plain_inputs, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-12)
    torch.testing.assert_close(norms, plain_norms, rtol=1e-6, atol=1e-12)


def test_import_keeps_every_bit(golden, network, cases, tmp_path):
    save_model(load_model(golden / "film_random.pth"), tmp_path / "film.safetensors")
    again = load_network(tmp_path / "film.safetensors")
    a, b, text = (cases[f"0.{name}"] for name in ("a", "b", "text"))
    with torch.no_grad():
        assert torch.equal(again(a, b, text), network(a, b, text))
