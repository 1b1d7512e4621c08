"""One adapter for language models of many kinds: each gives what transformers itself gives, text by text."""

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import processors
from torch import Tensor

from film.errors import FilmError
from film.layers.tiny_models import word_pieces
from film.text_encoders.huggingface import HuggingFaceText
from film.text_encoders.minilm import MiniLM, _model_folder

SIZES = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
T5 = {"d_model": 8, "d_kv": 4, "d_ff": 16, "num_layers": 2, "num_heads": 2}
BART = {f"{part}_{size}": 2 for part in ("encoder", "decoder") for size in ("layers", "attention_heads")}
TEXTS = ["A dark street with two people.", "bright", "夜 и ночь, naïve ☂", "a " * 9]
TOKENS = 24  # that each model takes


def two_towers(config: type, model: type, words: int) -> Any:
    text = {**SIZES, "vocab_size": words, "max_position_embeddings": TOKENS, "projection_size": 8}
    text |= {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
    return model(config(text_config=text, vision_config={**SIZES, "image_size": 8, "patch_size": 4}))


class Kind(NamedTuple):
    """A family of models: how one is made, and the part of it that reads text."""

    make: Callable[[int], Any]
    reader: Callable[[Any], Any] = lambda model: model.base_model
    limited: bool = True


KINDS = {
    "bert": Kind(
        lambda words: transformers.BertForMaskedLM(
            transformers.BertConfig(**SIZES, vocab_size=words, max_position_embeddings=TOKENS)
        )
    ),
    "roberta": Kind(  # counts positions from the id of its padding on
        lambda words: transformers.RobertaForMaskedLM(
            transformers.RobertaConfig(
                **SIZES, vocab_size=words, max_position_embeddings=TOKENS + 1, pad_token_id=0, type_vocab_size=1
            )
        )
    ),
    "clip": Kind(
        lambda words: two_towers(transformers.CLIPConfig, transformers.CLIPModel, words), lambda model: model.text_model
    ),
    "siglip": Kind(
        lambda words: two_towers(transformers.SiglipConfig, transformers.SiglipModel, words),
        lambda model: model.text_model,
    ),
    "t5": Kind(
        lambda words: transformers.T5ForConditionalGeneration(transformers.T5Config(**T5, vocab_size=words)),
        lambda model: model.get_encoder(),
        limited=False,
    ),
    "bart": Kind(
        lambda words: transformers.BartForConditionalGeneration(
            transformers.BartConfig(**BART, d_model=8, vocab_size=words, max_position_embeddings=TOKENS)
        ),
        lambda model: model.get_encoder(),
    ),
    "llama": Kind(
        lambda words: transformers.LlamaForCausalLM(
            transformers.LlamaConfig(**SIZES, vocab_size=words, max_position_embeddings=TOKENS)
        )
    ),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model of each kind as it is published: the whole of it with all its heads, and a tokenizer."""
    torch.manual_seed(0)
    tokenizer = word_pieces()
    found = {}
    for name, kind in KINDS.items():
        found[name] = tmp_path_factory.mktemp(name)
        model = kind.make(len(tokenizer))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.normal_(std=0.3)  # as initialised, states hardly depend on the words
        model.save_pretrained(found[name])
        tokenizer.save_pretrained(found[name])
    return found


def states_by_transformers(kind: str, folder: Path, text: str) -> Tensor:
    """States of one text, by the class that the model was published as."""
    config = transformers.AutoConfig.from_pretrained(folder)
    model = getattr(transformers, config.architectures[0]).from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    count = len(tokenizer(text)["input_ids"])
    if kind == "siglip":
        inputs = tokenizer(text, padding="max_length", max_length=TOKENS, return_tensors="pt")
        del inputs["attention_mask"]
    else:
        inputs = tokenizer(text, return_tensors="pt")
    inputs.pop("token_type_ids", None)
    with torch.no_grad():
        return KINDS[kind].reader(model)(**inputs).last_hidden_state[0, :count]


@pytest.mark.parametrize("kind", KINDS)
def test_states_are_those_of_transformers_alone_and_in_a_batch(kind: str, folders: dict[str, Path]) -> None:
    encoder = HuggingFaceText(str(folders[kind]), dim=8, cached=0)
    together = encoder(TEXTS)
    for index, text in enumerate(TEXTS):
        expected = states_by_transformers(kind, folders[kind], text)
        assert expected.std() > 0.1
        assert torch.equal(encoder([text]).tokens[0], expected)
        padded = together.tokens[index][together.mask[index]]
        torch.testing.assert_close(padded, expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].limited])
def test_a_long_text_is_cut_where_the_model_ends(
    kind: str, folders: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    encoder = HuggingFaceText(str(folders[kind]), dim=8)
    assert encoder(["two " * (TOKENS - 2)]).mask.sum() == TOKENS
    assert caplog.text == ""
    longer = encoder([f"two dark people {'two ' * (TOKENS - 5)}street"])
    assert longer.mask.sum() == TOKENS
    assert f"text of {TOKENS + 1} tokens cut to {TOKENS}, after «…" in caplog.text
    assert "two two»" in caplog.text
    assert "street" not in caplog.text


def test_models_without_an_end_take_all(folders: dict[str, Path]) -> None:
    assert HuggingFaceText(str(folders["t5"]), dim=8)(["people " * 700]).mask.sum() == 702


def test_a_limit_of_ones_own(folders: dict[str, Path], caplog: pytest.LogCaptureFixture) -> None:
    features = HuggingFaceText(str(folders["bert"]), dim=8, max_tokens=5)(["two dark people with a street"])
    expected = states_by_transformers("bert", folders["bert"], "two dark people")
    assert torch.equal(features.tokens[0], expected)
    assert "text of 8 tokens cut to 5, after «…two dark people»" in caplog.text
    with pytest.raises(FilmError, match=f"max_tokens 25 must be from 1 to {TOKENS}"):
        HuggingFaceText(str(folders["bert"]), dim=8, max_tokens=25)(["two"])


def test_real_weights_give_what_minilm_gives() -> None:
    texts = ["Two people cross a dark street; a car waits.", "夜"]
    adapter, minilm = HuggingFaceText(str(_model_folder()), dim=384)(texts), MiniLM()(texts)
    torch.testing.assert_close(adapter.tokens, minilm.tokens, atol=1e-5, rtol=0)
    assert torch.equal(adapter.mask, minilm.mask)


def test_weights_stay_out_of_state_dict_and_pickle(folders: dict[str, Path]) -> None:
    encoder = HuggingFaceText(str(folders["bert"]), dim=8)
    encoder(TEXTS)
    assert (dict(encoder.state_dict()), list(encoder.parameters()), list(encoder.modules())) == ({}, [], [encoder])
    assert len(pickle.dumps(encoder)) < 2000


def test_it_moves_with_the_network(folders: dict[str, Path]) -> None:
    network = torch.nn.ModuleList([HuggingFaceText(str(folders["bert"]), dim=8)])
    assert network.to("meta")[0]._device == torch.device("meta")
    half = HuggingFaceText(str(folders["bert"]), dim=8).half()
    assert half(TEXTS).tokens.dtype == torch.float32


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("kind", KINDS)
def test_a_gpu_gives_the_same(kind: str, folders: dict[str, Path]) -> None:
    encoder = HuggingFaceText(str(folders[kind]), dim=8, cached=0)
    expected = encoder(TEXTS)
    found = encoder.cuda()(TEXTS)
    assert encoder._language is not None
    assert next(encoder._language.model.parameters()).is_cuda
    torch.testing.assert_close(found.tokens, expected.tokens, atol=1e-4, rtol=0)


def test_texts_are_encoded_once_and_never_more_are_kept_than_said(folders: dict[str, Path]) -> None:
    encoder = HuggingFaceText(str(folders["bert"]), dim=8, cached=2)
    encoder.load()
    asked: list[str] = []
    encoder._language = language = encoder.load()
    encode = language.encode
    language.encode = lambda texts, *given, **named: asked.extend(texts) or encode(texts, *given, **named)  # type: ignore[method-assign]
    first = encoder(["two", "dark", "people", "two"])  # more than are kept
    assert asked == ["two", "dark", "people"]
    assert torch.equal(encoder(["people", "dark"]).tokens, first.tokens[[2, 1]])
    assert asked == ["two", "dark", "people"]
    encoder(["two"])
    assert asked == ["two", "dark", "people", "two"]


def test_lower_precision_outside_does_not_reach_it(folders: dict[str, Path]) -> None:
    expected = HuggingFaceText(str(folders["bert"]), dim=8)(TEXTS)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(HuggingFaceText(str(folders["bert"]), dim=8)(TEXTS).tokens, expected.tokens)
    lower = HuggingFaceText(str(folders["bert"]), dim=8, dtype="bfloat16")(TEXTS)
    assert lower.tokens.dtype == torch.float32
    assert 1e-4 < (lower.tokens - expected.tokens).abs().max() < 0.2


def test_odd_texts_are_read(folders: dict[str, Path]) -> None:
    """Halves of characters, and signs that the tokenizer drops, with marks of beginning and end and without."""
    for marks in ("[CLS] $A [SEP]", "$A"):
        encoder = HuggingFaceText(str(folders["llama"]), dim=8)
        encoder._language = encoder.load()
        ids = [("[CLS]", 2), ("[SEP]", 3)]
        backend = encoder._language.tokenizer.backend_tokenizer
        backend.post_processor = processors.TemplateProcessing(single=marks, special_tokens=ids)
        features = encoder(["\udcff", "\u200b"])
        assert features.mask.any(1).all()
        assert features.tokens.isfinite().all()


def test_what_cannot_be_loaded(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(FilmError, match=r"can't load the language model 'no/such-model': .* save_pretrained"):
        HuggingFaceText("no/such-model", dim=8)(["two"])
    with pytest.raises(FilmError, match=r"states of .* are 8 wide, but dim is 768; set dim: 8"):
        HuggingFaceText(str(folders["bert"]), dim=768)(["two"])
    with pytest.raises(FilmError, match="unknown dtype 'int8'; choose from float32, bfloat16, float16"):
        HuggingFaceText(str(folders["bert"]), dim=8, dtype="int8")(["two"])
    broken = shutil.copytree(folders["bert"], tmp_path / "broken")
    weights = load_file(broken / "model.safetensors")
    del weights["bert.encoder.layer.1.output.dense.weight"]
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(FilmError, match=r"it lacks encoder\.layer\.1\.output\.dense\.weight \(1 weights in all\)"):
        HuggingFaceText(str(broken), dim=8)(["two"])
    (broken / "model.safetensors").write_bytes(b"garbage")
    with pytest.raises(FilmError, match="can't load the language model"):
        HuggingFaceText(str(broken), dim=8)(["two"])


def test_identity_tells_versions_apart(folders: dict[str, Path], tmp_path: Path) -> None:
    encoder = HuggingFaceText(str(folders["bert"]), dim=8)
    elsewhere = shutil.copytree(folders["bert"], tmp_path / folders["bert"].name)
    assert HuggingFaceText(str(elsewhere), dim=8, cached=7).identity() == encoder.identity()
    assert encoder.identity()["encoder"] == "film.text_encoders.huggingface.HuggingFaceText"
    others = [HuggingFaceText(str(elsewhere), dim=8, max_tokens=9), HuggingFaceText(str(folders["roberta"]), dim=8)]
    assert all(other.identity() != encoder.identity() for other in others)
    (elsewhere / "tokenizer.json").write_text((elsewhere / "tokenizer.json").read_text() + " ")
    assert HuggingFaceText(str(elsewhere), dim=8).identity() != encoder.identity()


def test_models_of_the_hub_are_known_by_their_commit(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Laid out as the hub's client keeps what it has downloaded, so that no network is needed."""
    from huggingface_hub import constants

    commit = "0123456789abcdef0123456789abcdef01234567"
    cache = tmp_path / "hub/models--me--tiny"
    shutil.copytree(folders["clip"], cache / "snapshots" / commit)
    (cache / "refs").mkdir()
    (cache / "refs/main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    encoder = HuggingFaceText("me/tiny", dim=8)
    assert encoder.identity() | {"name": "me/tiny", "revision": commit} == encoder.identity()
    expected = HuggingFaceText(str(folders["clip"]), dim=8)(TEXTS)
    assert torch.equal(encoder(TEXTS).tokens, expected.tokens)
    with pytest.raises(FilmError, match="can't load the language model 'me/gone'"):
        HuggingFaceText("me/gone", dim=8).identity()
