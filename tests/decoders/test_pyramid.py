"""The pyramid decoder: what its four maps do."""

import torch
import torch.nn.functional as F
from torch import Tensor

from film.concepts import REGIONS
from film.decoders.pyramid import PyramidDecoder
from film.layers.pyramid import join, split
from film.layers.regions import region_mask
from film.layers.text import Said, TextFeatures

LEVELS = 3
WIDTH = 6  # of what a text says
WORDLESS = TextFeatures.wordless(1, WIDTH)


def build() -> PyramidDecoder:
    return PyramidDecoder(channels=4, text_dim=WIDTH, stride=2, levels=LEVELS).eval()


def fuse(
    a: Tensor,
    b: Tensor,
    *,
    preference: float = 0.0,
    gain: float = 0.0,
    choosiness: float = 0.0,
    decoder: PyramidDecoder | None = None,
    text: TextFeatures = WORDLESS,
) -> Tensor:
    """Decode with maps that are the same everywhere, but for what the text has to say."""
    decoder = decoder or build()
    with torch.no_grad():
        for head in (decoder.finest, *decoder.heads):
            head.weight.zero_()
            head.bias[:] = torch.tensor([preference, gain, 0.0, choosiness]).repeat_interleave(len(head.bias) // 4)
        features = torch.randn(2, 1, 4, 20, 24)
        return decoder(*features, (a, b), text)


def hearing(number: int, answer: float) -> PyramidDecoder:
    """A decoder that answers the text of `said` with one number on every level: 0 preference, …, 4 freedom."""
    decoder = build()
    with torch.no_grad():
        first, _, last = decoder.hear
        first.weight.zero_()
        first.weight[0, 0] = 1.0
        first.bias.zero_()
        last.weight[number::5, 0] = answer
    return decoder


def said(regions: Tensor | None = None) -> TextFeatures:
    """A text that asks for something, in regions if there are any."""
    return WORDLESS._replace(said=Said(torch.eye(WIDTH)[:1], torch.zeros(1, WIDTH), regions))


def sources() -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    a, b = 0.3 + 0.4 * torch.rand(2, 1, 1, 40, 48)
    return a, b


def test_choosy_maps_take_the_stronger_coefficient() -> None:
    """The rule of Laplacian pyramids: of every coefficient the source of which there is more around."""
    a, b = sources()

    def around(part: Tensor) -> Tensor:
        return F.avg_pool2d(part.abs(), 5, 1, 2, count_include_pad=False)

    parts = zip(split(a, LEVELS), split(b, LEVELS), strict=True)
    chosen = join([torch.where(around(x) > around(y), x, y) for x, y in parts])
    torch.testing.assert_close(fuse(a, b, choosiness=1e6), chosen)


def test_maps_without_choice_follow_their_preference() -> None:
    a, b = sources()
    torch.testing.assert_close(fuse(a, b), (a + b) / 2)
    torch.testing.assert_close(fuse(a, b, preference=30.0), a)
    torch.testing.assert_close(fuse(a, b, preference=-30.0, gain=-30.0), torch.zeros_like(a))


def test_it_begins_with_shares_by_how_much_there_is_of_either() -> None:
    """With choosiness 1 a source that shows four times as much has four fifths of the say."""
    torch.manual_seed(0)
    decoder = build()
    strong = 0.1 * torch.randn(1, 1, 40, 48)
    with torch.no_grad():
        fused = decoder(*torch.zeros(2, 1, 4, 20, 24), (0.5 + strong, 0.5 + strong / 4), WORDLESS)
    expected = strong * (0.8 + 0.2 / 4)
    assert (fused - 0.5 - expected).abs().mean() < 0.1 * expected.abs().mean()


def test_the_text_has_its_own_say_and_only_where_it_says() -> None:
    """A text that makes every preference large takes A: everywhere, or in the region that it names."""
    decoder = hearing(0, 100.0)
    a, b = sources()

    def fused(regions: Tensor | None) -> Tensor:
        return fuse(a, b, decoder=decoder, text=said(regions))

    torch.testing.assert_close(fused(None), a)
    left = torch.tensor([[float(region == "left") for region in REGIONS]])
    inside = region_mask("left", a)
    away_from_a, away_from_mean = (fused(left) - a).abs(), (fused(left) - (a + b) / 2).abs()
    assert away_from_a[inside > 0.999].max() < 0.05 < away_from_a[inside < 0.001].max()
    assert away_from_mean[inside < 0.001].max() < 0.05


def test_the_text_says_how_far_gains_may_go() -> None:
    """Without freedom a pair is only chosen from, whatever the gain is."""
    a, b = sources()
    decoder = hearing(4, -100.0)
    torch.testing.assert_close(fuse(a, b, gain=-1.0, decoder=decoder, text=said()), (a + b) / 2)
    flat = 2 * torch.sigmoid(torch.tensor(-1.0)) * (a + b) / 2
    torch.testing.assert_close(fuse(a, b, gain=-1.0, decoder=decoder), flat)
