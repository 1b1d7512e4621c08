"""`film fuse --attention`: who listens to what, drawn; and what can't be drawn is said."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from film.checkpoint import Model, build_network, load_model, save_model
from film.cli import main
from film.commands.attention import Heard, attention_sheet, find, listen
from film.config import compose
from film.errors import FilmError
from film.imaging.picture import Picture
from film.pipeline import FusionPipeline


@pytest.fixture(scope="module")
def guided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with places that listen, untrained."""
    torch.manual_seed(0)
    config = compose(["network/film_small.yaml"])["model"]["network"]
    path = tmp_path_factory.mktemp("model") / "guided.safetensors"
    save_model(Model("guided", build_network(config).eval(), config), path)
    return path


def run(guided: Path, *arguments: str) -> int:
    return main(
        ["fuse", "ir.png", "vi.png", "--model", str(guided), "--task", "IVF", "--describer", "none", *arguments]
    )


def test_a_sheet_is_written_beside_the_result(pair: Path, guided: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(guided, "--text", "Brighten the left side.", "--attention", "left", "hot targets", "-o", "out.png") == 0
    assert "out_attention.png" in capsys.readouterr().out
    with Image.open(pair / "out_attention.png") as sheet:
        two = sheet.size
    assert run(guided, "--text", "Brighten the left side.", "-o", "out.png", "--attention") == 0
    with Image.open(pair / "out_attention.png") as sheet:
        assert sheet.height > two[1]  # A, B, fused and more words than one row holds


@pytest.mark.parametrize(
    ("model", "arguments", "words"),
    [
        ("guided", ["--attention", "unicorn"], "--attention 'unicorn' is not in the texts; they have: "),
        ("tiny", ["--attention"], "the places of tiny don't listen to single words"),
    ],
)
def test_what_cannot_be_drawn(
    pair: Path,
    guided: Path,
    model_file: Path,
    capsys: pytest.CaptureFixture[str],
    model: str,
    arguments: list[str],
    words: str,
) -> None:
    assert run({"guided": guided, "tiny": model_file}[model], *arguments) == 2
    assert words in capsys.readouterr().err


def test_every_word_is_heard_and_pieces_are_put_together(guided: Path, write: Callable[..., Path]) -> None:
    pipeline = FusionPipeline(load_model(guided))
    picture = Picture(np.random.default_rng(0).integers(0, 256, (48, 64), dtype=np.uint8))
    heard = listen(pipeline, picture, picture, ["Emphasise thermography.", "It is dark."])
    names = [each.words for each in heard]
    assert names[0] == "Emphasise thermography."
    assert {"dark", "it", "It is dark."} <= set(names)
    assert all("##" not in name for name in names)
    assert all(each.weights.shape == (6, 8) for each in heard)
    assert all(each.weights.min() >= 0 for each in heard)
    assert 0 < sum(each.weights for each in heard).max() <= 1


def test_a_phrase_is_the_sum_of_its_words() -> None:
    picture = Picture(np.zeros((32, 32), np.uint8))
    heard = [Heard("hot", np.eye(4)), Heard("targets", np.ones((4, 4))), Heard("cold", np.zeros((4, 4)))]
    both = attention_sheet(picture, picture, picture, heard, ["hot targets"])
    assert both.size == attention_sheet(picture, picture, picture, heard, ["cold"]).size
    with pytest.raises(FilmError, match="they have: hot, targets, cold"):
        attention_sheet(picture, picture, picture, heard, ["warm"])


def test_what_is_asked_is_looked_for_before_descriptions_and_the_task() -> None:
    """Only where nothing else has the word, that of the sentence of the task counts."""
    heard = [
        Heard(word, np.full((2, 2), share), text)
        for word, share, text in (
            ("hot", 0.1, 0),
            ("cold", 0.2, 0),
            ("hot", 0.3, 1),
            ("spots", 0.25, 1),
            ("hot", 0.4, 2),
            ("dim", 0.5, 2),
        )
    ]
    assert {
        phrase: round(float(find(phrase, heard).weights.max()), 3) for phrase in ("hot", "hot spots", "cold", "dim")
    } == {"hot": 0.3, "hot spots": 0.55, "cold": 0.2, "dim": 0.5}
