"""The terms of the loss: against the released network's numbers, by hand, and the contract of each."""

import importlib
import inspect
import json
import pickle
import pkgutil
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

import film.losses
from film.checkpoint import load_network
from film.errors import FilmError
from film.losses.base import LossTerm, TotalLoss
from film.losses.gradient import Gradient, slope
from film.losses.intensity import Intensity, intensity_target
from film.losses.metric import MetricTerm
from film.losses.ssim import ReleasedSimilarity, Ssim, released_similarity, ssim
from film.losses.target import Target

TERMS = [
    member
    for found in pkgutil.iter_modules(film.losses.__path__)
    for _, member in inspect.getmembers(importlib.import_module(f"film.losses.{found.name}"), inspect.isclass)
    if issubclass(member, LossTerm) and not inspect.isabstract(member) and member.__module__.endswith(found.name)
]


@pytest.fixture
def images() -> list[torch.Tensor]:
    return list(torch.rand(4, 3, 1, 17, 23))


@pytest.mark.realdata
class TestReleased:
    """Every number within 1e-5 of what the release computes."""

    @pytest.fixture
    def expected(self, golden: Path) -> dict:
        return json.loads((golden / "losses.json").read_text())

    @pytest.mark.parametrize("rule", ["max", "mean"])
    def test_total_of_infrared_visible(self, golden: Path, expected: dict, rule: str) -> None:
        x = load_file(golden / "loss_inputs.safetensors")
        loss = TotalLoss({"intensity": Intensity(rule), "gradient": Gradient(weight=20)})
        values = loss(x["fused"], x["a"], x["b"])
        assert values["loss"].item() == pytest.approx(expected[rule]["total"], rel=1e-5)
        assert values["intensity"].item() == pytest.approx(expected[rule]["intensity"], rel=1e-5)
        assert values["gradient"].item() == pytest.approx(expected[rule]["gradient"], rel=1e-5)

    def test_similarity(self, golden: Path, expected: dict) -> None:
        x = load_file(golden / "loss_inputs.safetensors")
        for side in "ab":
            wanted = expected[f"similarity_{side}"]
            weighted = wanted["weight"] * (1 - ssim(x[side], x["fused"])).item()
            assert weighted == pytest.approx(wanted["ssim"], rel=1e-5)
            assert released_similarity(x[side], x["fused"]).item() == pytest.approx(wanted["total"], rel=1e-5)
        both = expected["similarity_a"]["total"] + expected["similarity_b"]["total"]
        assert ReleasedSimilarity()(x["fused"], x["a"], x["b"]).item() == pytest.approx(both, rel=1e-5)

    @pytest.mark.slow
    def test_three_steps_of_training(self, golden: Path, expected: dict) -> None:
        training = expected["training"]
        case = load_file(golden / "film_forward.safetensors")
        a, b, text = (case[f"{training['case']}.{key}"] for key in ("a", "b", "text"))
        network = load_network(golden / "film_random.pth").train()
        loss = TotalLoss({"intensity": Intensity("max"), "gradient": Gradient(weight=training["alpha_gradient"])})
        optimizer = torch.optim.Adam(network.parameters(), lr=training["lr"])
        for step in training["steps"]:
            optimizer.zero_grad()
            values = loss(network(a, b, text), a, b)
            values["loss"].backward()
            norm = torch.nn.utils.get_total_norm([p.grad for p in network.parameters() if p.grad is not None])
            assert values["loss"].item() == pytest.approx(step["total"], rel=1e-5)
            assert values["intensity"].item() == pytest.approx(step["intensity"], rel=1e-5)
            assert values["gradient"].item() == pytest.approx(step["gradient"], rel=1e-5)
            assert norm.item() == pytest.approx(step["grad_norm"], rel=1e-3)
            optimizer.step()


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.__name__)
class TestContract:
    def test_scalar_with_a_gradient(self, term: type[LossTerm], images: list[torch.Tensor]) -> None:
        fused, a, b, target = images
        value = term.tiny()(fused.requires_grad_(), a, b, target)
        assert value.shape == ()
        value.backward()
        assert fused.grad is not None
        assert fused.grad.isfinite().all()
        assert fused.grad.abs().sum() > 0

    def test_constant_images_are_finite(self, term: type[LossTerm]) -> None:
        flat = torch.full((1, 1, 16, 16), 0.5)
        assert term.tiny()(flat, flat, flat, flat).isfinite()

    def test_equal_images_are_best(self, term: type[LossTerm], images: list[torch.Tensor]) -> None:
        fused, a = images[:2]
        assert term.tiny()(a, a, a, a).item() == pytest.approx(0, abs=1e-5)
        assert term.tiny()(fused, a, a, a) > 0.01

    def test_mean_over_the_batch(self, term: type[LossTerm], images: list[torch.Tensor]) -> None:
        """Which DDP relies on; ReleasedSimilarity says that it isn't one."""
        alone = torch.stack([term.tiny()(*(x[i : i + 1] for x in images)) for i in range(3)]).mean()
        close = torch.allclose(term.tiny()(*images), alone, rtol=1e-5)
        assert close == (term is not ReleasedSimilarity)

    def test_nothing_to_learn_nothing_to_save(self, term: type[LossTerm]) -> None:
        module = term.tiny()
        assert not module.state_dict()
        assert not list(module.buffers())  # DDP would send them around in every forward pass
        assert pickle.loads(pickle.dumps(module)).weight == module.weight


def test_intensity_targets() -> None:
    a, b = torch.tensor([0.2, 1.0]).view(1, 1, 1, 2), torch.tensor([0.4, 0.5]).view(1, 1, 1, 2)
    assert intensity_target(a, b, "max").flatten().tolist() == pytest.approx([0.4, 1.0])
    assert intensity_target(a, b, "mean").flatten().tolist() == pytest.approx([0.3, 0.75])
    assert intensity_target(a, b, "weighted", share=0.25).flatten().tolist() == pytest.approx([0.35, 0.625])
    exposed = intensity_target(a, b, "well_exposed").flatten().tolist()
    assert 0.3 < exposed[0] < 0.4
    assert 0.5 < exposed[1] < 0.55


def test_slope_of_a_ramp() -> None:
    ramp = torch.arange(5.0).expand(1, 1, 5, 5)
    assert (slope(ramp)[0, 0, 1:-1, 1:-1] == 8).all()


def test_vector_gradient_knows_which_side_is_bright() -> None:
    """An inverted edge has the same magnitude."""
    edge = F.pad(torch.ones(1, 1, 9, 4), (4, 0))
    flat = torch.full_like(edge, 0.5)
    inner = (..., slice(2, -2), slice(2, -2))
    swapped = 1 - edge
    assert (slope(swapped)[inner] == slope(edge)[inner]).all()
    vector = Gradient("vector")
    assert vector(edge, edge, flat) == 0
    assert vector(swapped, edge, flat) > 0.1


def test_vector_gradient_asks_for_no_line_along_the_border() -> None:
    bright, dark = torch.full((1, 1, 9, 9), 0.9), torch.full((1, 1, 9, 9), 0.1)
    between = (bright + dark) / 2
    framed = between.clone()
    framed[..., 1, :] = 0.9
    vector = Gradient("vector")
    assert vector(between, bright, dark) < 1e-6
    assert vector(framed, bright, dark) > 0.1


def test_ssim_is_the_mean_of_both_sources(images: list[torch.Tensor]) -> None:
    fused, a, b, _ = images
    assert Ssim()(fused, a, b).item() == pytest.approx(1 - (ssim(a, fused) + ssim(b, fused)).item() / 2)


def test_total_weighs_and_logs_raw_values(images: list[torch.Tensor]) -> None:
    fused, a, b, _ = images
    loss = TotalLoss({"light": Intensity(weight=2), "edges": Gradient(weight=0.5), "seen": Ssim(weight=0)})
    values = loss(fused.requires_grad_(), a, b)
    assert list(values) == ["loss", "light", "edges", "seen"]
    assert values["loss"].item() == pytest.approx((2 * values["light"] + 0.5 * values["edges"]).item())
    assert values["loss"].requires_grad
    assert not values["light"].requires_grad


def test_total_is_float32_under_autocast(images: list[torch.Tensor]) -> None:
    fused, a, b, _ = images
    loss = TotalLoss({"edges": Gradient(), "structure": Ssim()})
    with torch.autocast("cpu", torch.bfloat16):
        values = loss(fused.bfloat16(), a, b)
    assert all(value.dtype == torch.float32 for value in values.values())
    assert values["loss"].item() == pytest.approx(loss(fused.bfloat16().float(), a, b)["loss"].item())


def test_a_term_of_some_tasks_leaves_the_other_pairs_alone(images: list[torch.Tensor]) -> None:
    """And is still a mean over the batch: half of the pairs are half of the value."""
    fused, a, b, _ = (torch.cat([image, image])[:4] for image in images)
    term = MetricTerm({"SSIM": 1.0}, tasks=["MEF"])
    loss = TotalLoss({"exposures": term})
    fused.requires_grad_()
    value = loss(fused, a, b, tasks=["MEF", "IVF", "MEF", "MFF"])["loss"]
    assert value.item() == pytest.approx(term(fused[[0, 2]], a[[0, 2]], b[[0, 2]]).item() / 2)
    value.backward()
    assert fused.grad is not None
    assert fused.grad[[0, 2]].abs().sum() > 0 == fused.grad[[1, 3]].abs().sum()
    assert loss(fused, a, b, tasks=["IVF"] * 4)["loss"].item() == 0


def test_a_term_may_count_where_something_is_asked_or_where_nothing_is(images: list[torch.Tensor]) -> None:
    four = [torch.cat([image, image])[:4] for image in images]
    rows = {True: [1], False: [0, 2, 3]}
    for asked, counted in rows.items():
        for term in (Target(asked=asked), Gradient(asked=asked)):
            value = TotalLoss({"term": term})(*four, asked=[False, True, False, False])["loss"]
            wanted = term(*(image[counted] for image in four)) * len(counted) / 4
            assert value.item() == pytest.approx(wanted.item())


def test_bad_losses_are_refused(images: list[torch.Tensor]) -> None:
    with pytest.raises(FilmError, match="no term"):
        TotalLoss({})
    with pytest.raises(FilmError, match=r"'a\.b'"):
        TotalLoss({"a.b": Intensity()})
    with pytest.raises(FilmError, match="-1"):
        Gradient(weight=-1)
    with pytest.raises(FilmError, match="share 2"):
        Intensity("weighted", share=2)
    with pytest.raises(FilmError, match=r"'PET' of a loss term; choose from IVF"):
        MetricTerm({"SSIM": 1.0}, tasks=["PET"])
    with pytest.raises(FilmError, match=r"the loss term light counts for some pairs only.* `task`"):
        TotalLoss({"light": MetricTerm({"SSIM": 1.0}, tasks=["MEF"])})(*images[:3])
    with pytest.raises(FilmError, match=r"for some pairs only.* `asked`"):
        TotalLoss({"light": Target(asked=True)})(*images)
    with pytest.raises(FilmError, match="no `target`"):
        Target()(*images[:3])
