"""The contract of every component, found by walking the rooms: what is added to a room is tested by being there."""

import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from film.decoders.base import Decoder
from film.errors import FilmError
from film.fusion.base import FusionStage
from film.image_encoders.base import ImageEncoder
from film.layers.text import TextFeatures
from film.text_encoders.base import TextEncoder

OPTIONAL = {"timm"}  # packages of extras: without them, and only them, a component may be skipped
OUTSIDE = "my_encoder"  # a component that is not part of the package: tests/external/my_encoder.py

CHANNELS, TEXT_DIM, SIZE = 8, 12, (17, 23)
TEXTS = ["A dark street with two people.", "bright", "夜 и ночь, naïve ☂"]


def modules(room: str) -> Iterator[ModuleType]:
    """The modules of a room, and the one outside the package."""
    package = importlib.import_module(f"film.{room}")
    yield from (
        importlib.import_module(f"film.{room}.{found.name}") for found in pkgutil.iter_modules(package.__path__)
    )
    yield importlib.import_module(OUTSIDE)


def components(room: str, base: type) -> list[type]:
    """Every concrete component of a room."""
    return [
        member
        for module in modules(room)
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, base) and member.__module__ == module.__name__ and not inspect.isabstract(member)
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test of a room's contract runs for each of its components."""
    if "component" in metafunc.fixturenames:
        metafunc.parametrize("component", components(metafunc.cls.room, metafunc.cls.base), ids=lambda c: c.__name__)


def each(function: Callable[[Tensor], Tensor], value: Any) -> Any:
    """Apply to every tensor of nested tuples."""
    if value is None:
        return None
    if isinstance(value, Tensor):
        return function(value)
    parts = [each(function, part) for part in value]
    return TextFeatures(*parts) if isinstance(value, TextFeatures) else tuple(parts)


def perturbed(module: nn.Module) -> nn.Module:
    """Move every parameter a little: a gate that begins at zero would hide whether anything flows through it."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return module


class Contract:
    """What components of all rooms keep to; a room says how to build one, what goes in and how it is called."""

    room: ClassVar[str]
    base: ClassVar[type]

    def tiny(self, component: type) -> nn.Module:
        raise NotImplementedError

    def inputs(self, size: tuple[int, int] = SIZE) -> Any:
        raise NotImplementedError

    def run(self, module: nn.Module, inputs: Any) -> Tensor:
        return module(*inputs)

    def build(self, component: type) -> nn.Module:
        """A small instance in evaluation mode."""
        try:
            return self.tiny(component).eval()
        except FilmError as error:
            missing = getattr(error.__cause__, "name", None)  # of the ModuleNotFoundError
            if missing not in OPTIONAL:
                raise
            pytest.skip(f"needs the package {missing}")

    def test_gradients_reach_every_parameter(self, component: type) -> None:
        module = perturbed(self.build(component)).train()
        out = self.run(module, self.inputs())
        trainable = {name: p for name, p in module.named_parameters() if p.requires_grad}
        assert out.requires_grad == bool(trainable)
        if trainable:
            (out * torch.randn_like(out)).sum().backward()
        assert [name for name, p in trainable.items() if p.grad is None or not p.grad.abs().sum() > 0] == []

    def test_evaluation_is_deterministic_and_leaves_its_inputs_alone(self, component: type) -> None:
        module, inputs = self.build(component), self.inputs()
        before = pickle.dumps(inputs)
        with torch.no_grad():
            assert torch.equal(self.run(module, inputs), self.run(module, inputs))
        assert pickle.dumps(inputs) == before

    def test_state_dict_carries_everything(self, component: type) -> None:
        first, second, inputs = perturbed(self.build(component)), self.build(component), self.inputs()
        second.load_state_dict(first.state_dict())
        assert torch.equal(self.run(first, inputs), self.run(second, inputs))

    def test_pickle_carries_everything(self, component: type) -> None:
        module, inputs = self.build(component), self.inputs()
        again = pickle.loads(pickle.dumps(module))
        assert torch.equal(self.run(module, inputs), self.run(again, inputs))

    def test_half_precision_stays_finite(self, component: type) -> None:
        module, inputs = self.build(component), self.inputs()
        with torch.autocast("cpu", torch.bfloat16):
            assert self.run(module, inputs).isfinite().all()

    def test_tiny_is_tiny(self, component: type) -> None:
        module = self.build(component)
        assert sum(p.numel() for p in module.parameters() if p.requires_grad) < 100_000
        assert sum(value.numel() for value in module.state_dict().values()) < 100_000


class ImageContract(Contract):
    """What components that take images keep to besides."""

    def test_batch_is_a_loop(self, component: type) -> None:
        module, inputs = self.build(component), self.inputs()
        alone = [self.run(module, each(lambda value, i=i: value[i : i + 1], inputs)) for i in range(2)]
        torch.testing.assert_close(self.run(module, inputs), torch.cat(alone), atol=1e-5, rtol=0)

    def test_memory_layout_does_not_matter(self, component: type) -> None:
        module, inputs = self.build(component), self.inputs()
        shuffled = each(lambda v: v.contiguous(memory_format=torch.channels_last) if v.ndim == 4 else v, inputs)
        torch.testing.assert_close(self.run(module, shuffled), self.run(module, inputs), atol=1e-5, rtol=0)


class TestImageEncoders(ImageContract):
    room, base = "image_encoders", ImageEncoder

    def tiny(self, component: type[ImageEncoder]) -> ImageEncoder:
        return component.tiny()

    def inputs(self, size: tuple[int, int] = SIZE) -> tuple[Tensor]:
        return (torch.rand(2, 1, *size),)

    @pytest.mark.parametrize("size", [(16, 16), (17, 23), (41, 18)])
    def test_features_have_the_size_of_the_image(self, component: type, size: tuple[int, int]) -> None:
        encoder = self.build(component)
        grid = [-(-side // encoder.stride) for side in size]
        assert encoder(*self.inputs(size)).shape == (2, encoder.out_channels, *grid)

    def test_constant_image_gives_finite_features(self, component: type) -> None:
        assert self.build(component)(torch.zeros(1, 1, *SIZE)).isfinite().all()


class TestFusionStages(ImageContract):
    room, base = "fusion", FusionStage

    @pytest.fixture(autouse=True, params=[0, 1], ids=["first", "later"])
    def _index(self, request: pytest.FixtureRequest) -> None:
        self.index = request.param

    def tiny(self, component: type[FusionStage]) -> FusionStage:
        return component.tiny(channels=CHANNELS, text_dim=TEXT_DIM, index=self.index)

    def inputs(self, size: tuple[int, int] = SIZE) -> tuple[Tensor, Tensor, TextFeatures]:
        text = TextFeatures(torch.randn(2, 5, TEXT_DIM), torch.arange(5) < torch.tensor([[5], [3]]))
        return torch.randn(2, CHANNELS, *size), torch.randn(2, CHANNELS, *size), text

    def run(self, module: nn.Module, inputs: Any) -> Tensor:
        return torch.stack(module(*inputs), 1)  # (B, 2, C, H, W)

    @pytest.mark.parametrize("size", [(16, 16), (17, 23), (41, 18)])
    def test_features_keep_their_shape(self, component: type, size: tuple[int, int]) -> None:
        a, b = self.build(component)(*self.inputs(size))
        assert a.shape == b.shape == (2, CHANNELS, *size)

    def test_padding_does_not_matter(self, component: type) -> None:
        module = perturbed(self.build(component))
        a, b, text = self.inputs()
        expected = self.run(module, (a, b, text))
        noisy = TextFeatures(torch.where(text.mask.unsqueeze(-1), text.tokens, 100.0), text.mask)
        for padded in (noisy, text.pad(9)):
            torch.testing.assert_close(self.run(module, (a, b, padded)), expected, atol=1e-5, rtol=0)

    def test_words_in_any_number_are_accepted(self, component: type) -> None:
        module = self.build(component)
        a, b, _ = self.inputs()
        for words in (1, 300):
            text = TextFeatures.unpadded(torch.randn(2, words, TEXT_DIM))
            assert self.run(module, (a, b, text)).isfinite().all()

    def test_text_without_a_word_is_accepted(self, component: type) -> None:
        """Alone, and beside a pair that has words, whose result it must not touch."""
        module = perturbed(self.build(component)).train()
        a, b, text = self.inputs()
        wordless = TextFeatures.wordless(1, TEXT_DIM).pad(5)
        mixed = TextFeatures.stack([TextFeatures(text.tokens[:1], text.mask[:1]), wordless])
        out = self.run(module, (a, b, mixed))
        torch.testing.assert_close(out[:1], self.run(module, (a, b, text))[:1], atol=1e-5, rtol=0)
        assert out.isfinite().all()
        out.sum().backward()
        grads = {name: p.grad for name, p in module.named_parameters() if p.grad is not None}
        assert [name for name, grad in grads.items() if not grad.isfinite().all()] == []


class TestDecoders(ImageContract):
    room, base = "decoders", Decoder

    def tiny(self, component: type[Decoder]) -> Decoder:
        return component.tiny(channels=CHANNELS, text_dim=TEXT_DIM)

    def inputs(self, size: tuple[int, int] = SIZE) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor], TextFeatures]:
        features = torch.randn(2, 2, CHANNELS, *size)
        text = TextFeatures.unpadded(torch.randn(2, 3, TEXT_DIM))
        return features[0], features[1], (torch.rand(2, 1, *size), torch.rand(2, 1, *size)), text

    @pytest.mark.parametrize("size", [(16, 16), (17, 23), (41, 18)])
    @pytest.mark.parametrize("stride", [1, 2])
    def test_luminance_has_the_size_of_the_sources(
        self, component: type[Decoder], size: tuple[int, int], stride: int
    ) -> None:
        features = torch.randn(2, 2, CHANNELS, *(-(-side // stride) for side in size))
        sources = (torch.rand(2, 1, *size), torch.rand(2, 1, *size))
        decoder = component.tiny(channels=CHANNELS, text_dim=TEXT_DIM, stride=stride).eval()
        text = TextFeatures.wordless(2, TEXT_DIM)
        assert decoder(features[0], features[1], sources, text).shape == (2, 1, *size)

    def test_luminance_stays_in_range(self, component: type) -> None:
        a, b, sources, text = self.inputs()
        out = perturbed(self.build(component))(100 * a, 100 * b, sources, text)
        assert 0 <= out.min() <= out.max() <= 1


class TestTextEncoders(Contract):
    room, base = "text_encoders", TextEncoder

    def tiny(self, component: type[TextEncoder]) -> TextEncoder:
        encoder = component.tiny()
        self.texts = TEXTS if encoder.reads_words else [""]
        return encoder

    def inputs(self, size: tuple[int, int] = SIZE) -> tuple[list[str]]:
        return (self.texts,)

    def run(self, module: nn.Module, inputs: Any) -> Tensor:
        return module(*inputs).tokens

    def test_shapes(self, component: type) -> None:
        encoder = self.build(component)
        tokens, mask = encoder(self.texts)[:2]
        assert tokens.shape == (len(self.texts), mask.shape[1], encoder.dim)
        assert mask.dtype == torch.bool
        assert tokens.isfinite().all()

    def test_empty_text_has_no_words_and_others_have(self, component: type) -> None:
        mask = self.build(component)(["", *filter(None, self.texts)]).mask
        assert not mask[0].any()
        assert mask[1:].any(1).all()

    def test_batch_is_a_loop(self, component: type) -> None:
        encoder = self.build(component)
        together = encoder(self.texts)
        for i, text in enumerate(self.texts):
            alone = encoder([text])
            words = together.tokens[i][together.mask[i]]
            torch.testing.assert_close(words, alone.tokens[alone.mask], atol=1e-5, rtol=0)

    def test_words_are_never_dropped_in_silence(self, component: type, caplog: pytest.LogCaptureFixture) -> None:
        encoder, long = self.build(component), " ".join(["people"] * 3000)
        if encoder.reads_words:
            assert encoder([long]).mask.sum() >= 3000 or "cut" in caplog.text
        else:
            with pytest.raises(FilmError, match="words"):
                encoder([long])
