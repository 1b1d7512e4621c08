"""The paper's text encoder: equal to transformers' own output, one paragraph after the other."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

from film.errors import FilmError
from film.layers.text import TextFeatures
from film.layers.tiny_models import word_pieces
from film.text_encoders.blip2 import Blip2QFormer

SIZES = {"hidden_size": 12, "num_hidden_layers": 3, "num_attention_heads": 3, "intermediate_size": 16}
A, B = "An infrared image: two people with bright clothes.", "A dark street."


def blip2(words: int, **qformer: Any) -> Any:
    return transformers.Blip2ForImageTextRetrieval(
        transformers.Blip2Config(
            qformer_config={**SIZES, "vocab_size": words, "max_position_embeddings": 64} | qformer,
            vision_config={**SIZES, "image_size": 8, "patch_size": 4},
            text_config={"model_type": "opt", "vocab_size": 8, "hidden_size": 8, "num_attention_heads": 2},
            image_text_hidden_size=8,
        )
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BLIP-2 for retrieval, with its image side, as the published one."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("blip2")
    tokenizer = word_pieces()
    model = blip2(len(tokenizer), use_qformer_text_input=True)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3)  # as initialised, states hardly depend on the words
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def states_by_transformers(folder: Path, *texts: str) -> list[Tensor]:
    """Each text without its padding, all in one batch."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.Blip2TextModelWithProjection.from_pretrained(folder).eval()
    inputs = tokenizer(list(texts), padding=True, return_tensors="pt")
    inputs.pop("token_type_ids", None)
    with torch.no_grad():
        states = model(**inputs).last_hidden_state
    return [state[mask.bool()] for state, mask in zip(states, inputs["attention_mask"], strict=True)]


def test_states_are_those_of_transformers(folder: Path) -> None:
    encoder = Blip2QFormer(str(folder), dim=12, cached=0)
    for text in (A, B):
        (expected,) = states_by_transformers(folder, text)
        assert expected.std() > 0.1
        assert torch.equal(encoder([text]).tokens[0], expected)
    tokens, mask = encoder([A, B])[:2]
    for row, text_mask, expected in zip(tokens, mask, states_by_transformers(folder, A, B), strict=True):
        torch.testing.assert_close(row[text_mask], expected, atol=2e-6, rtol=0)  # batched by length here


def test_a_batch_with_padding_is_one_by_one(folder: Path) -> None:
    encoder = Blip2QFormer(str(folder), dim=12, cached=0)
    texts = [A, B, "夜 ☂", " ".join([A] * 2)]
    tokens, mask = encoder(texts)[:2]
    for row, text_mask, text in zip(tokens, mask, texts, strict=True):
        torch.testing.assert_close(row[text_mask], encoder([text]).tokens[0], atol=2e-6, rtol=0)


def test_two_paragraphs_are_joined_along_tokens(folder: Path) -> None:
    encoder = Blip2QFormer(str(folder), dim=12)
    pair = TextFeatures.join([encoder([A]), encoder([B])])
    assert torch.equal(
        pair.tokens[0], torch.cat([*states_by_transformers(folder, A), *states_by_transformers(folder, B)])
    )
    assert not torch.allclose(pair.tokens[0, -3:], encoder([f"{A} {B}"]).tokens[0, -3:], atol=1e-3)


def test_a_long_text_is_cut_where_the_positions_end(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert Blip2QFormer(str(folder), dim=12)(["two " * 70]).mask.sum() == 64
    assert "text of 72 tokens cut to 64, after «" in caplog.text


def test_only_the_q_former_is_loaded(folder: Path) -> None:
    encoder = Blip2QFormer(str(folder), dim=12)
    names = [name for name, _ in encoder.load().model.named_parameters()]
    assert any(name.startswith("qformer.") for name in names)
    assert not any("vision" in name for name in names)


def test_a_blip2_that_reads_no_text_is_refused(tmp_path: Path, folder: Path) -> None:
    tokenizer = word_pieces()
    for config in (transformers.Blip2Config(), transformers.BertConfig()):
        config.save_pretrained(tmp_path)
        tokenizer.save_pretrained(tmp_path)
        with pytest.raises(FilmError, match=r"no Q-Former that was trained with text .*blip2-itm-vit-g"):
            Blip2QFormer(str(tmp_path))(["two"])
    with pytest.raises(FilmError, match="are 12 wide, but dim is 768; set dim: 12"):
        Blip2QFormer(str(folder))(["two"])


def test_the_published_one_is_the_default() -> None:
    encoder = Blip2QFormer()
    assert (encoder.name, encoder.dim) == ("Salesforce/blip2-itm-vit-g", 768)
