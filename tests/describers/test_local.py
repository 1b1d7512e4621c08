"""Untrained models of real architectures, with their real processors and real generation."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from film.describers.base import Description, Subject
from film.describers.huggingface import tiny
from film.describers.huggingface.answers import Answer
from film.describers.huggingface.batches import Batches, chunks, rgb
from film.describers.huggingface.models import Hardware, Pretrained
from film.describers.local import LocalDescriber
from film.describers.prompts import prompt
from film.errors import FilmError
from film.imaging.picture import Picture


def picture(seed: int, height: int, width: int, *, colour: bool) -> Picture:
    """Stripes of a brightness of their own, so that models see different things."""
    stripes = (np.sin(np.arange(width) / (seed + 1)) + 1) * 60 * (seed % 2) + 25 * (seed + 1)
    grey = np.broadcast_to(stripes, (height, width)).astype(np.uint8)
    return Picture(np.stack([grey, 255 - grey, grey // 2], -1) if colour else grey.copy())


SUBJECTS = [
    Subject("grey", picture(0, 40, 60, colour=False), task="IVF", side="a"),
    Subject("colour", picture(1, 64, 48, colour=True), task="MEF", side="b"),
    Subject("tall", picture(2, 100, 30, colour=True)),
    Subject("wide", picture(3, 130, 200, colour=False)),
    Subject("small", picture(4, 30, 30, colour=True)),
]


@pytest.fixture(scope="module", params=["llava", "smolvlm", "qwen2_vl"])
def folder(request: pytest.FixtureRequest) -> Path:
    return tiny.llava() if request.param == "llava" else request.getfixturevalue(request.param)


def describer(folder: str | Path, **options) -> LocalDescriber:
    return LocalDescriber(str(folder), **{"device": "cpu", "batch_size": 3, "max_new_tokens": 16, **options})


def texts(describer: LocalDescriber, subjects: list[Subject]) -> list[str]:
    outcomes = list(describer.describe(iter(subjects)))
    assert [subject.name for subject, _ in outcomes] == [subject.name for subject in subjects]
    assert all(isinstance(outcome, Description) for _, outcome in outcomes), outcomes
    return [outcome.text for _, outcome in outcomes]


def test_says_what_transformers_says(folder: Path) -> None:
    """Each alone, in transformers' own two steps: the template as text, then words and image together."""
    processor = transformers.AutoProcessor.from_pretrained(folder)
    model = transformers.AutoModelForImageTextToText.from_pretrained(folder).eval()
    for subject, text in zip(SUBJECTS, texts(describer(folder), SUBJECTS), strict=True):
        words = prompt(subject.task, subject.side, colour=subject.picture.is_colour)
        content = [{"type": "image"}, {"type": "text", "text": words}]
        asked = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        inputs = processor(images=[subject.picture.to_pil().convert("RGB")], text=[asked], return_tensors="pt")
        said = model.generate(**inputs, max_new_tokens=16, do_sample=False)[0, inputs["input_ids"].shape[1] :]
        expected = processor.decode(said, skip_special_tokens=True)
        assert expected.startswith(text), (subject.name, text, expected)  # ours ends with its last whole sentence


def test_together_as_alone_and_the_same_again(folder: Path) -> None:
    together = texts(describer(folder), SUBJECTS)
    assert texts(describer(folder, batch_size=1), SUBJECTS) == together
    assert len(set(together)) > 2  # they do look


def test_bfloat16_is_finite(folder: Path) -> None:
    made = describer(folder, precision="bf16")
    assert len(texts(made, SUBJECTS)) == len(SUBJECTS)
    model, processor = made._load()
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    inputs = processor.apply_chat_template(
        made._conversation(SUBJECTS[0]), tokenize=True, return_dict=True, return_tensors="pt"
    )
    with torch.no_grad():
        assert model(**inputs.to("cpu", torch.bfloat16)).logits.isfinite().all()


def test_image_that_fails_does_not_stop_the_others(qwen2_vl: Path) -> None:
    """Qwen2-VL refuses what is more than two hundred times as long as wide."""
    ribbon = Subject("ribbon", picture(1, 4, 1000, colour=False))
    subjects = [SUBJECTS[0], ribbon, *SUBJECTS[1:3]]
    made = describer(qwen2_vl, batch_size=4, max_side=2000)
    outcomes = {subject.name: outcome for subject, outcome in made.describe(subjects)}
    failure = outcomes.pop("ribbon")
    assert isinstance(failure, FilmError)
    assert "aspect ratio" in str(failure)
    expected = texts(describer(qwen2_vl, max_side=2000), [SUBJECTS[0], *SUBJECTS[1:3]])
    assert [outcome.text for outcome in outcomes.values()] == expected


def test_partner_is_shown_only_on_request(qwen2_vl: Path) -> None:
    a, b = picture(0, 40, 60, colour=False), picture(3, 40, 60, colour=True)
    pair, alone = Subject("x", a, task="IVF", side="a", partner=b), Subject("x", a, task="IVF", side="a")
    folder = qwen2_vl
    assert texts(describer(folder), [pair]) == texts(describer(folder), [alone])
    compared = describer(folder, compare=True)
    assert compared.compares
    conversation = compared._conversation(pair)[0]["content"]
    assert [part["type"] for part in conversation] == ["image", "image", "text"]
    assert conversation[2]["text"] == prompt("IVF", "a", colour=False, compared=True)
    assert texts(compared, [pair]) != texts(compared, [alone])


def test_details_say_how_it_was_made() -> None:
    ((_, made),) = describer(tiny.llava(), max_new_tokens=3).describe(SUBJECTS[:1])
    assert made.details["tokens"] <= 3
    assert not made.details["complete"]
    assert made.details["seconds"] > 0


def test_an_answer_without_words_is_an_error_of_its_image(tmp_path: Path) -> None:
    """A model that may say nothing but the end of the text."""
    folder = shutil.copytree(tiny.llava(), tmp_path / "silent")
    model = transformers.LlavaForConditionalGeneration.from_pretrained(folder)
    model.generation_config.suppress_tokens = None
    model.generation_config.forced_eos_token_id = model.generation_config.eos_token_id
    model.save_pretrained(folder)
    outcomes = [outcome for _, outcome in describer(folder, max_new_tokens=1).describe(SUBJECTS[:2])]
    assert all(isinstance(outcome, FilmError) and "empty" in str(outcome) for outcome in outcomes)


class TestIdentity:
    def test_follows_the_weights_not_the_place(self, tmp_path: Path) -> None:
        folder = shutil.copytree(tiny.llava(), tmp_path / "llava")
        moved = shutil.copytree(folder, tmp_path / "elsewhere" / "llava")
        assert describer(folder).identity() == describer(moved).identity()
        model = transformers.LlavaForConditionalGeneration.from_pretrained(moved)
        with torch.no_grad():
            model.get_output_embeddings().weight[0, 0] += 1
        model.save_pretrained(moved)
        assert describer(folder).identity() != describer(moved).identity()

    def test_has_what_changes_the_text_and_nothing_else(self) -> None:
        first = describer(tiny.llava()).identity()
        for changed in ({"precision": "bf16"}, {"max_new_tokens": 5}, {"max_side": 32}, {"compare": True}):
            assert describer(tiny.llava(), **changed).identity() != first
        assert describer(tiny.llava(), batch_size=1).identity() == first

    def test_on_the_hub_it_is_the_commit(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A model that was downloaded before, found without a network."""
        import huggingface_hub.constants

        commit = "0123456789abcdef0123456789abcdef01234567"
        home = tmp_path / "models--someone--llava"
        shutil.copytree(tiny.llava(), home / "snapshots" / commit)
        (home / "refs").mkdir()
        (home / "refs" / "main").write_text(commit)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
        model = Pretrained("someone/llava")
        assert model.identity() == {"model": "someone/llava", "version": commit}
        model.check()


class TestErrors:
    @pytest.mark.parametrize(
        ("name", "way_out"),
        [
            ("nobody/nothing", "hf download"),
            ("no/such/folder", "give a folder"),
            ("two words", "give a folder"),
        ],
    )
    def test_unknown_model(self, name: str, way_out: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        import huggingface_hub.constants

        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
        with pytest.raises(FilmError, match=way_out) as caught:
            describer(name).check()
        assert repr(name) in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_folder_without_a_model(self, tmp_path: Path) -> None:
        with pytest.raises(FilmError, match=r"config\.json"):
            describer(tmp_path).check()

    def test_broken_weights(self, tmp_path: Path) -> None:
        folder = shutil.copytree(tiny.llava(), tmp_path / "broken")
        (folder / "model.safetensors").write_bytes(b"nothing")
        describer(folder).check()  # cheap, so it can't know
        with pytest.raises(FilmError, match="can't be loaded"):
            next(iter(describer(folder).describe(SUBJECTS)))

    def test_model_that_does_not_see(self) -> None:
        with pytest.raises(FilmError, match="can't be loaded"):
            next(iter(describer(tiny.llama()).describe(SUBJECTS)))

    def test_model_without_chat_template(self) -> None:
        with pytest.raises(FilmError, match=r"no chat template.*paper"):
            next(iter(describer(tiny.blip()).describe(SUBJECTS)))

    @pytest.mark.parametrize(
        "options", [{"device": "tpu"}, {"precision": "bfloat16"}, {"batch_size": 0}], ids=lambda o: next(iter(o))
    )
    def test_bad_options_are_said_at_once(self, options: dict) -> None:
        with pytest.raises(FilmError, match=str(next(iter(options.values())))):
            describer("any", **options)


class TestHardware:
    def test_each_process_of_torchrun_takes_its_gpu(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        monkeypatch.delenv("LOCAL_RANK", raising=False)
        assert Hardware().place == torch.device("cuda")
        monkeypatch.setenv("LOCAL_RANK", "3")
        assert Hardware().place == torch.device("cuda", 3)
        assert Hardware("cpu").place == torch.device("cpu")
        monkeypatch.setenv("LOCAL_RANK", "4")
        with pytest.raises(FilmError, match="nproc-per-node"):
            _ = Hardware().place

    def test_gpu_that_the_launcher_gave(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
        monkeypatch.setenv("LOCAL_RANK", "3")
        assert Hardware().place == torch.device("cuda", 0)

    @pytest.mark.gpu
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
    def test_on_a_gpu(self, folder: Path) -> None:
        made = describer(folder, device="cuda", precision="bf16")
        assert texts(made, SUBJECTS) == texts(
            describer(folder, device="cuda", precision="bf16", batch_size=1), SUBJECTS
        )
        assert made._load()[0].device.type == "cuda"


class TestBatches:
    def test_real_lack_of_memory_makes_batches_smaller(self, caplog: pytest.LogCaptureFixture) -> None:
        """No machine has 256 TB: with more than two items, torch's own allocator fails."""
        sizes = []

        def double(items: list[int]) -> list[int]:
            sizes.append(len(items))
            torch.empty(2**48 if len(items) > 2 else 1, dtype=torch.uint8)
            return [2 * item for item in items]

        batches = Batches(8)
        assert batches.run(double, range(8)) == [0, 2, 4, 6, 8, 10, 12, 14]
        assert sizes == [8, 4, 2, 2, 2, 2]
        assert batches.size == 2
        assert "not enough memory for 8 images at once; going on with 4" in caplog.text
        sizes.clear()
        batches.run(double, range(5))
        assert sizes == [2, 2, 1]

    def test_lack_of_memory_for_one_is_its_error(self) -> None:
        def greedy(items: list[int]) -> list[int]:
            torch.empty(2**48 if 3 in items else 1, dtype=torch.uint8)
            return items

        results = Batches(4).run(greedy, range(6))
        assert [results[i] for i in (0, 1, 2, 4, 5)] == [0, 1, 2, 4, 5]
        assert "not enough memory" in str(results[3])

    def test_what_concerns_all_is_passed_on(self) -> None:
        def refuse(items: list[int]) -> list[int]:
            raise FilmError("wrong key")

        with pytest.raises(FilmError, match="wrong key"):
            Batches(4).run(refuse, range(6))

    def test_nothing_gives_nothing(self) -> None:
        assert Batches(4).run(lambda items: 1 / 0, []) == []

    def test_chunks_draw_no_more_than_they_give(self) -> None:
        numbers = iter(range(5))
        parts = chunks(numbers, 2)
        assert next(parts) == [0, 1]
        assert next(numbers) == 2
        assert list(parts) == [[3, 4]]


@pytest.mark.parametrize(
    ("text", "complete", "expected"),
    [
        ("A road. A tree. A ca", False, "A road. A tree."),
        ("A road. A tree. A ca", True, "A road. A tree. A ca"),
        ('He says "stop!" and g', False, 'He says "stop!"'),
        ("No end of 2.5 m", False, "No end of 2.5 m"),
        ("A road. A tree. A dog. A tree. A dog. A tr", False, "A road. A tree. A dog."),
        ("A dog. A dog. A", True, "A dog. A dog. A"),
    ],
)
def test_cut_answers_end_with_a_whole_sentence_before_they_repeat_one(text: str, complete: bool, expected: str) -> None:
    assert Answer(text, 9, complete).sentences == expected


def test_models_see_eight_bits_of_rgb() -> None:
    deep = Picture(np.full((60, 200), 65535, np.uint16))
    image = rgb(deep, 100)
    assert (image.mode, image.size) == ("RGB", (100, 30))
    assert np.asarray(image).min() == 255
    assert rgb(Picture(np.zeros((10, 20, 3), np.uint8)), 100).size == (20, 10)
