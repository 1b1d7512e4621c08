"""Two images in, one fused image of the same kind and size out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from kornia.color import rgb_to_ycbcr
from my_describer import MyDescriber
from PIL import Image
from torch import Tensor, nn

import film
from film.checkpoint import Model
from film.describers.base import Describer
from film.errors import FilmError
from film.imaging.files import read_image
from film.imaging.picture import Picture
from film.layers.text import TextFeatures
from film.pipeline import FusionPipeline
from film.samples import FOLDER
from film.tasks import SOURCES
from film.text_encoders.base import TextEncoder
from film.text_encoders.precomputed import PrecomputedText

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (17, 23), dtype=np.uint8)
RGB = RNG.integers(0, 256, (17, 23, 3), dtype=np.uint8)


class Larger(nn.Module):
    """The larger of both, plus the mean of the words: what comes out can be worked out by hand."""

    text_dim = 2

    def __init__(self, factor: float = 1) -> None:
        super().__init__()
        self.text_encoder = PrecomputedText(2)
        self.factor = nn.Parameter(torch.tensor(float(factor)))
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, a: Tensor, b: Tensor, text: TextFeatures | None) -> Tensor:
        self.shapes.append(tuple(a.shape))
        assert text is None or len(text.tokens) == len(a)
        words = 0 if text is None else text.mean().mean(-1).view(-1, 1, 1, 1)
        return torch.maximum(a, b) * self.factor + words


def larger(factor: float = 1, **options: Any) -> FusionPipeline:
    return FusionPipeline(Model("larger", Larger(factor), {}), device="cpu", **options)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32", "float64"])
def test_arrays(dtype: str) -> None:
    a, b = GREY.astype(dtype), GREY[::-1].astype(dtype)
    if dtype.startswith("float"):
        a, b = a / 255, b / 255
    fused = larger()(a, b)
    assert fused.dtype == a.dtype
    np.testing.assert_allclose(fused, np.maximum(a, b), rtol=1e-6)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.float32, torch.float64])
def test_tensors(dtype: torch.dtype) -> None:
    a = torch.rand(3, 1, 17, 23)
    a = (a * 255).to(dtype) if dtype == torch.uint8 else a.to(dtype)
    fused = larger()(a, a.flip(-1))
    assert fused.dtype == dtype
    torch.testing.assert_close(fused, torch.maximum(a, a.flip(-1)), rtol=1e-6, atol=0)


@pytest.mark.parametrize("colour", ["a", "b"])
def test_one_colour_source_gives_its_colour(colour: str) -> None:
    rgb = torch.from_numpy(RGB).movedim(-1, 0)[None] / 255 * 0.2 + 0.4
    grey = torch.zeros(1, 1, 17, 23)
    fused = larger()(rgb, grey) if colour == "a" else larger()(grey, rgb)
    torch.testing.assert_close(fused, rgb, atol=1e-6, rtol=0)


def test_channels_follow_the_shape_not_the_values() -> None:
    three = np.dstack([GREY] * 3)
    assert larger()(three, GREY).shape == (17, 23, 3)
    assert larger()(GREY, GREY).shape == (17, 23)
    assert larger()(three, RGB, grey=True).shape == (17, 23)
    tensor = torch.rand(2, 1, 17, 23)
    assert larger()(tensor.expand(2, 3, 17, 23), tensor).shape == (2, 3, 17, 23)
    assert larger()(tensor.expand(2, 3, 17, 23), tensor, grey=True).shape == (2, 1, 17, 23)


def test_images_and_paths_agree(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png")
    Image.fromarray(RGB).save(tmp_path / "b.png")
    from_images = larger()(Image.fromarray(GREY), Image.fromarray(RGB))
    from_paths = larger()(tmp_path / "a.png", str(tmp_path / "b.png"))
    assert from_images.mode == "RGB"
    assert from_images.size == (23, 17)
    np.testing.assert_array_equal(np.asarray(from_images), np.asarray(from_paths))
    np.testing.assert_array_equal(np.asarray(from_images), larger()(GREY, RGB))
    assert larger()(tmp_path / "a.png", tmp_path / "b.png", grey=True).mode == "L"


def test_deep_images_stay_deep(tmp_path: Path) -> None:
    deep = Image.fromarray(GREY.astype(np.uint16) * 257)
    assert larger()(deep, deep).mode == "I;16"
    deep.save(tmp_path / "a.png")
    picture = read_image(tmp_path / "a.png")
    assert larger().fuse(picture, picture).depth == 16


@pytest.mark.parametrize("value", [0, 128, 255])
def test_constant_images_are_good_input(value: int) -> None:
    constant = np.full((16, 16, 3), value, np.uint8)
    np.testing.assert_array_equal(larger()(constant, constant), constant)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (GREY, Image.fromarray(GREY), "a is an array of uint8 and b is a PIL image"),
        (GREY, torch.rand(1, 1, 17, 23), "a is an array of uint8 and b is a tensor"),
        ("a.png", GREY, "a is a path and b is an array"),
        (GREY, GREY.astype(np.uint16), "a is an array of uint8 and b is an array of uint16"),
        (GREY, GREY[:16], "a is 23x17, b is 23x16"),
        (GREY[:15], GREY[:15], "23x15; the smallest side"),
        (GREY / 1.0, GREY / 1.0, "a has values from 0 to"),
        (GREY / 255, np.full((17, 23), np.nan), "b has values from nan"),
        (torch.rand(1, 1, 17, 23), torch.rand(2, 1, 17, 23), r"b is \(2, 1, 17, 23\)"),
        (torch.rand(1, 1, 17, 23), torch.rand(1, 1, 17, 23).double(), "b is .* torch.float64"),
        (torch.rand(1, 1, 17, 23), torch.rand(1, 2, 17, 23), r"b has the shape \(1, 2, 17, 23\)"),
        (torch.rand(17, 23), torch.rand(17, 23), r"a has the shape \(17, 23\)"),
        (torch.rand(1, 1, 15, 23), torch.rand(1, 1, 15, 23), "a is 23x15; the smallest side"),
        (torch.rand(1, 1, 17, 23) * 2, torch.rand(1, 1, 17, 23), "a has values from"),
        (torch.rand(1, 1, 17, 23), torch.full((1, 1, 17, 23), torch.inf), "b has values from inf"),
        (torch.ones(1, 1, 17, 23).int(), torch.ones(1, 1, 17, 23).int(), "a holds torch.int32"),
        ([1], [2], "can't fuse a list"),
    ],
)
def test_pairs_that_cannot_be_fused(a: Any, b: Any, message: str) -> None:
    with pytest.raises(FilmError, match=message):
        larger()(a, b)


def test_files_are_named_in_errors(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png")
    Image.fromarray(GREY[:16]).save(tmp_path / "b.png")
    with pytest.raises(FilmError, match=r"a\.png is 23x17, .*b\.png is 23x16"):
        larger()(tmp_path / "a.png", tmp_path / "b.png")


def test_text_features_take_the_place_of_words(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.full((1, 3, 2), 0.25, np.float32))
    black = torch.zeros(2, 1, 17, 23)
    assert torch.equal(larger()(black, black), black)
    torch.testing.assert_close(larger()(black, black, text_features=tmp_path / "x.npy"), black + 0.25)
    tokens = torch.full((1, 3, 2), 0.5)
    features = TextFeatures.unpadded(tokens)
    torch.testing.assert_close(larger()(black, black, text_features=features), black + 0.5)
    torch.testing.assert_close(larger()(black, black, task="IVF", text_features=tokens), black + 0.5)
    with pytest.raises(FilmError, match="unknown task 'XYZ'"):
        larger()(black, black, task="XYZ", text_features=tokens)
    with pytest.raises(FilmError, match="take the place of all words"):
        larger()(black, black, text="a street", text_features=features)
    with pytest.raises(FilmError, match="larger can't read the words 'a street'"):
        larger()(black, black, text="a street")


def test_tiles_do_not_show() -> None:
    a, b = RNG.integers(0, 256, (2, 150, 200, 3), dtype=np.uint8)
    pipeline = larger(tile=64)
    np.testing.assert_array_equal(pipeline(a, b), larger()(a, b))
    assert {shape[-1] for shape in pipeline.network.shapes} <= set(range(16, 65))


def test_gradients_are_neither_kept_nor_needed() -> None:
    a = torch.rand(1, 1, 17, 23, requires_grad=True)
    assert not larger()(a, a).requires_grad


def test_too_little_memory_has_a_way_out() -> None:
    class Greedy(Larger):
        def forward(self, a: Tensor, b: Tensor, text: TextFeatures | None) -> Tensor:
            return torch.empty(2**55)

    with pytest.raises(FilmError, match=r"not enough memory on cpu for 23x17; .* --tile 512"):
        FusionPipeline(Model("greedy", Greedy(), {}), device="cpu")(GREY, GREY)


def test_other_mistakes_of_a_network_are_not_hidden() -> None:
    class Broken(Larger):
        def forward(self, a: Tensor, b: Tensor, text: TextFeatures | None) -> Tensor:
            return a @ b

    with pytest.raises(RuntimeError, match="Expected size"):
        FusionPipeline(Model("broken", Broken(), {}), device="cpu")(GREY, GREY)


def test_one_text_or_one_a_pair() -> None:
    black, tokens = torch.zeros(2, 1, 17, 23), torch.tensor([0.25, 0.5]).view(2, 1, 1).expand(2, 3, 2)
    torch.testing.assert_close(larger()(black, black, text_features=tokens).amax((1, 2, 3)), tokens[:, 0, 0])
    with pytest.raises(FilmError, match="2 texts for 3 pairs"):
        larger()(*torch.zeros(2, 3, 1, 17, 23), text_features=tokens)


def test_a_model_that_overflows_is_found_out() -> None:
    with pytest.raises(FilmError, match="NaN in precision 16; take --precision 32"):
        larger(float("nan"), precision="16")(GREY, GREY)


def test_result_is_in_range() -> None:
    assert larger(3)(GREY, GREY).max() == 255
    assert larger(-1)(GREY, GREY).max() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "64"}, "choose from 32, bf16, 16"),
        ({"device": "tpu"}, "choose from auto, cpu, cuda, mps"),
        ({"tile": 8}, "at least 64"),
        ({"overlap": 2000}, "choose 0 to 512"),
    ],
)
def test_options_are_checked_before_a_model_is_sought(options: dict[str, Any], message: str) -> None:
    with pytest.raises(FilmError, match=message):
        FusionPipeline.load("no such model", **options)


def test_film_offers_it_without_importing_torch_first() -> None:
    assert film.FusionPipeline is FusionPipeline
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        film.nothing  # noqa: B018


@pytest.fixture(scope="module")
def small() -> FusionPipeline:
    return FusionPipeline.load("film-small", device="cpu")


@pytest.mark.parametrize("size", [(16, 16), (17, 33), (40, 16), (16, 300)])
def test_the_shipped_model_keeps_any_size(small: FusionPipeline, size: tuple[int, int]) -> None:
    a, b = RNG.random((2, *size)).astype(np.float32)
    fused = small(a, b, task="IVF")
    assert fused.shape == size
    assert fused.std() > 0.05


@pytest.mark.parametrize("precision", ["bf16", "16"])
def test_the_shipped_model_in_lower_precision(small: FusionPipeline, precision: str) -> None:
    lower = FusionPipeline(small.model, device="cpu", precision=precision)
    a, b = (read_image(FOLDER / "MFF" / source / "raccoon.png").unit()[:96, :128] for source in SOURCES["MFF"])
    assert np.abs(lower(a, b, task="MFF") - small(a, b, task="MFF")).max() < 0.05


def test_the_shipped_model_fuses_noise_in_half_precision(small: FusionPipeline) -> None:
    """Where neither source shows more, bfloat16 may choose the other one, see the card."""
    half = FusionPipeline(small.model, device="cpu", precision="16")
    a, b = RNG.random((2, 32, 40)).astype(np.float32)
    assert np.abs(half(a, b, task="MFF") - small(a, b, task="MFF")).max() < 0.05


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("task", "dataset"), [("IVF", "RoadScene"), ("MIF", "Harvard"), ("MEF", "SICE"), ("MFF", "Lytro")]
)
def test_real_pairs_keep_size_and_colour(small: FusionPipeline, film_data: Path, task: str, dataset: str) -> None:
    folder = film_data / "VLFDataset" / "Image" / task / dataset
    name = (folder / "test.txt").read_text().split()[-1]
    a, b = (read_image(folder / source / name) for source in SOURCES[task])
    fused = small.fuse(a, b, words=small.encode(task=task))
    assert fused.size == a.size
    assert fused.depth == 8
    assert fused.is_colour == (a.is_colour or b.is_colour)
    assert fused.pixels.std() > 10
    chroma = [_mean_chroma(picture) for picture in (a, b) if picture.is_colour]
    assert min(chroma) * 0.8 < _mean_chroma(fused) < max(chroma) * 1.3


def _mean_chroma(picture: Picture) -> float:
    chroma = rgb_to_ycbcr(torch.from_numpy(picture.unit()).movedim(-1, 0)[None])[:, 1:] - 0.5
    return float(chroma.abs().mean())


class Lengths(TextEncoder):
    """One token a text: its number of letters."""

    dim = 1

    def forward(self, texts: Sequence[str]) -> TextFeatures:
        return TextFeatures.unpadded(torch.tensor([[[float(len(text))]] for text in texts]))


class Told(nn.Module):
    """Half of both, and what it was told, for the test to look at."""

    text_dim = 1

    def __init__(self) -> None:
        super().__init__()
        self.text_encoder = Lengths()
        self.said: list[list[list[int]]] = []

    def encode_text(self, texts: Sequence[str]) -> TextFeatures:
        return self.text_encoder(texts)

    def forward(self, a: Tensor, b: Tensor, text: TextFeatures) -> Tensor:
        self.said.append([[int(length) for length in lengths] for lengths in text.tokens[..., 0].tolist()])
        return (a + b) / 2


@pytest.fixture
def told() -> tuple[FusionPipeline, Told]:
    MyDescriber.asked.clear()
    network = Told()
    return FusionPipeline(Model("told", network, {}), device="cpu", describer=MyDescriber(compares=True)), network


def test_described_sources(told: tuple[FusionPipeline, Told]) -> None:
    pipeline, network = told
    text = "A picture 23 wide and 17 high beside 23."
    sentence = pipeline.model.sentences["MFF"]
    pipeline(GREY, RGB, task="MFF", text="a dog")
    assert network.said == [[[len(sentence), 5, len(text), len(text)]]]
    first, second = MyDescriber.asked
    assert (first.task, first.side, second.side) == ("MFF", "a", "b")
    assert second.picture is first.partner
    assert np.array_equal(first.picture.pixels, GREY)
    pipeline(GREY, RGB, task="MFF", text_a="a cat sits")
    assert network.said[1] == [[len(sentence), 10, len(text)]]
    assert pipeline.describe(Picture(GREY), Picture(RGB), text_b="mine") == (text, "mine")
    assert [subject.side for subject in MyDescriber.asked[2:]] == ["b", None]


def test_described_tensors_have_each_their_own_words(told: tuple[FusionPipeline, Told]) -> None:
    pipeline, network = told
    a, b = torch.rand(2, 3, 17, 23), torch.rand(2, 1, 17, 23)
    pipeline(a, b, task="IVF")
    (said,) = network.said
    assert len(said) == 2
    assert [subject.side for subject in MyDescriber.asked] == ["a", "b", "a", "b"]
    np.testing.assert_array_equal(MyDescriber.asked[2].picture.pixels, a[1].movedim(0, -1).numpy())
    np.testing.assert_array_equal(MyDescriber.asked[3].picture.pixels, b[1, 0].numpy())


def test_describing_that_is_not_wanted_or_fails(told: tuple[FusionPipeline, Told]) -> None:
    pipeline, _ = told
    larger(describer=MyDescriber())(GREY, GREY)  # a model without words
    pipeline(GREY, GREY, text_features=torch.ones(1, 2, 1))
    pipeline(GREY, GREY, text_a="x", text_b="y")
    assert MyDescriber.asked == []
    assert isinstance(larger(describer="statistics").describer, Describer)
    with pytest.raises(FilmError, match="has no describer"):
        larger().describe(Picture(GREY), Picture(GREY))
    with pytest.raises(FilmError, match="unknown task 'XYZ'"):
        pipeline.describe(Picture(GREY), Picture(GREY), task="XYZ")
    with pytest.raises(FilmError, match="sizes differ: x is 23x17, y is 17x23"):
        pipeline.describe(Picture(GREY), Picture(GREY.T), names=("x", "y"))
    failing = FusionPipeline(pipeline.model, device="cpu", describer=MyDescriber(fails="b"))
    with pytest.raises(FilmError, match=r"vi.png: the server\nrefused"):
        failing.describe(Picture(GREY), Picture(GREY), names=("ir.png", "vi.png"))
