"""The paper's pipeline with untrained (one with a trained) models of real architectures, and a real server."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx2
import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from film.components import build
from film.config import CONFIGS, compose
from film.describers.base import Describer, Description, Subject
from film.describers.huggingface import tiny
from film.describers.huggingface.models import Hardware
from film.describers.paper import PaperDescriber
from film.describers.paper.base import Captioner, Paragraph, Part, Region, RegionFinder, Segment, Segmenter, Writer
from film.describers.paper.captions import ImageCaptioner
from film.describers.paper.regions import DetectedObjects, FlorenceRegions, NamedObjects
from film.describers.paper.segments import NamedSegments, SegmentAnything
from film.describers.paper.writers import ChatWriter, LocalWriter
from film.describers.prompts import RULES, notes_prompt, paragraph
from film.errors import FilmError
from film.imaging.picture import Picture

CPU = Hardware("cpu")
LOOKS = {Captioner: "captions", RegionFinder: "regions", Segmenter: "segments"}
SEEING = [ImageCaptioner, FlorenceRegions, DetectedObjects, NamedObjects, NamedSegments, SegmentAnything]


def picture(seed: int, *, size: tuple[int, int] = (48, 64), colour: bool = True) -> Picture:
    """A disc on stripes."""
    y, x = np.mgrid[: size[0], : size[1]]
    grey = 90 + 60 * np.sin(x / (seed + 2)) + 80 * ((x - 20 - 5 * seed) ** 2 + (y - 20) ** 2 < 150)
    grey = grey.clip(0, 255).astype(np.uint8)
    return Picture(np.stack([grey, 255 - grey, grey // (seed + 1)], -1) if colour else grey)


IMAGES = [picture(i, size=size).to_pil() for i, size in enumerate([(48, 64), (64, 40), (30, 90)])]


def loaded(part: Part, hardware: Hardware = CPU) -> Part:
    part.check()
    part.load(hardware)
    return part


def look(part: Part, images: list[Image.Image]) -> list:
    (name,) = (name for base, name in LOOKS.items() if isinstance(part, base))
    return getattr(part, name)(images)


class TestParts:
    @pytest.mark.parametrize("kind", SEEING, ids=lambda kind: kind.__name__)
    def test_together_as_alone_and_the_same_again(self, kind: type[Part]) -> None:
        part = loaded(kind.tiny())
        together = look(part, IMAGES)
        assert look(part, IMAGES) == together
        assert [look(part, [image])[0] for image in IMAGES] == together
        assert json.dumps(part.identity())

    @pytest.mark.parametrize("kind", [*SEEING, LocalWriter], ids=lambda kind: kind.__name__)
    def test_bfloat16(self, kind: type[Part]) -> None:
        part = loaded(kind.tiny(), Hardware("cpu", "bf16"))
        assert len(part.write(["a", "b"]) if isinstance(part, Writer) else look(part, IMAGES)) in (2, 3)

    def test_caption_is_that_of_transformers(self) -> None:
        part = loaded(ImageCaptioner.tiny())
        processor = transformers.AutoProcessor.from_pretrained(tiny.blip())
        model = transformers.BlipForConditionalGeneration.from_pretrained(tiny.blip())
        for image, caption in zip(IMAGES, part.captions(IMAGES), strict=True):
            said = model.generate(**processor(images=image, return_tensors="pt"), max_new_tokens=6, do_sample=False)
            assert caption == " ".join(processor.decode(said[0], skip_special_tokens=True).split())

    def test_caption_goes_on_from_its_prompt_without_repeating_it(self) -> None:
        part = loaded(ImageCaptioner(str(tiny.llava()), prompt="<image> describe", max_new_tokens=5))
        processor = transformers.AutoProcessor.from_pretrained(tiny.llava())
        model = transformers.LlavaForConditionalGeneration.from_pretrained(tiny.llava())
        inputs = processor(images=IMAGES[0], text="<image> describe", return_tensors="pt")
        said = model.generate(**inputs, max_new_tokens=5, do_sample=False)[0, inputs["input_ids"].shape[1] :]
        assert part.captions(IMAGES[:1]) == [" ".join(processor.decode(said, skip_special_tokens=True).split())]

    @pytest.mark.parametrize("kind", [DetectedObjects, NamedObjects], ids=lambda kind: kind.__name__)
    def test_objects_are_those_of_the_pipeline_of_transformers(
        self, kind: type[DetectedObjects | NamedObjects]
    ) -> None:
        """The pipeline cuts coordinates where we round them, and says the same thing twice."""
        part = loaded(kind.tiny())
        if kind is DetectedObjects:
            detector, options = transformers.pipeline("object-detection", str(tiny.yolos()), device="cpu"), {}
        else:
            detector = transformers.pipeline("zero-shot-object-detection", str(tiny.owl()), device="cpu")
            options = {"candidate_labels": part.labels}
        for image, regions in zip(IMAGES, part.regions(IMAGES), strict=True):
            expected = [
                (one["label"], np.clip(list(one["box"].values()), 0, image.size * 2), one["score"])
                for one in detector(image, threshold=0.0, **options)
            ]
            assert regions
            for region in regions:
                assert any(
                    label == region.label
                    and np.abs(box - region.box).max() <= 1
                    and score == pytest.approx(region.score, abs=1e-3)
                    for label, box, score in expected
                ), (region, expected)
            assert [region.score for region in regions] == sorted((r.score for r in regions), reverse=True)

    def test_threshold_leaves_out_what_is_unsure(self) -> None:
        part = DetectedObjects(str(tiny.yolos()), threshold=0.99)
        assert loaded(part).regions(IMAGES) == [[], [], []]

    def test_segments_cover_the_image(self) -> None:
        for image, segments in zip(IMAGES, loaded(NamedSegments.tiny()).segments(IMAGES), strict=True):
            assert sum(segment.share for segment in segments) == pytest.approx(1, abs=1e-3)
            assert [segment.share for segment in segments] == sorted((s.share for s in segments), reverse=True)
            for segment in segments:
                left, top, right, bottom = segment.box
                assert 0 <= left < right <= image.width
                assert 0 <= top < bottom <= image.height
                assert segment.share <= (right - left) * (bottom - top) / image.width / image.height + 1e-4

    def test_segment_anything_finds_areas(self) -> None:
        for image, segments in zip(IMAGES, loaded(SegmentAnything.tiny()).segments(IMAGES), strict=True):
            assert segments
            assert all(0 < segment.share <= 1 for segment in segments)
            assert all(segment.box[2] <= image.width and segment.box[3] <= image.height for segment in segments)

    def test_largest_areas_get_the_name_that_fits_best(self) -> None:
        """Known masks, as untrained weights see only speckles; names against transformers' own pipeline on cut-outs."""
        labels = ["road", "sky", "a person", "tree", "street", "lamp", "car", "dog", "night", "wall"]
        part = loaded(SegmentAnything(str(tiny.sam()), str(tiny.clip()), labels, largest=4))
        boxes = [(5, 0, 15, 6), (0, 0, 64, 48), (40, 0, 64, 20), (0, 30, 64, 48), (0, 0, 30, 30)]
        masks = np.zeros((len(boxes) + 1, 48, 64), bool)  # the last one stays empty
        for mask, (left, top, right, bottom) in zip(masks, boxes, strict=False):
            mask[top:bottom, left:right] = True
        part._masks = lambda image, **options: {"masks": list(masks)}
        namer = transformers.pipeline("zero-shot-image-classification", str(tiny.clip()), device="cpu")
        (segments,) = part.segments(IMAGES[:1])
        assert [segment.box for segment in segments] == [boxes[i] for i in (1, 3, 4, 2)]
        assert [segment.share for segment in segments] == [1, 0.375, 0.293, 0.1562]
        cuts = [IMAGES[0].crop(segment.box) for segment in segments]
        best = [namer(cut, labels, hypothesis_template="a photo of {}")[0]["label"] for cut in cuts]
        assert [segment.label for segment in segments] == best
        assert len(set(best)) > 1
        part.threshold = 1.0
        assert part.segments(IMAGES[:1]) == [[]]

    def test_florence_says_the_regions_that_it_has_learnt(self, tmp_path: Path) -> None:
        """A tiny Florence-2 learns two images by heart; its answers come back as boxes in pixels."""
        answers = ["a person<loc_0><loc_100><loc_500><loc_999>a road<loc_250><loc_500><loc_999><loc_999>", "a car"]
        answers[1] += "<loc_100><loc_100><loc_200><loc_300>"
        folder = taught(tmp_path, IMAGES[:2], answers)
        part = loaded(FlorenceRegions(str(folder), max_new_tokens=24))
        assert part.regions(IMAGES[:2]) == [
            [Region("a person", (0, 4, 32, 47)), Region("a road", (16, 24, 63, 47))],
            [Region("a car", (4, 6, 8, 19))],
        ]  # the middle of each thousandth of 64x48 and 40x64, without its fraction
        assert [part.regions([image])[0] for image in IMAGES[:2]] == part.regions(IMAGES[:2])

    @pytest.mark.parametrize(
        ("make", "said"),
        [
            (lambda: FlorenceRegions("x", task="<CAPTION>"), "<DENSE_REGION_CAPTION>"),
            (lambda: NamedObjects("x", []), "labels"),
            (lambda: SegmentAnything("x", "y", ["sky"]), "at least two"),
            (lambda: ChatWriter("x", base_url="nowhere"), "address"),
            (lambda: ChatWriter("x", concurrency=0), "at least 1"),
        ],
    )
    def test_bad_arguments(self, make: Callable[[], Part], said: str) -> None:
        with pytest.raises(FilmError, match=said):
            make()

    def test_segment_anything_says_that_it_needs_torchvision(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(FilmError, match="pip install torchvision"):
            SegmentAnything.tiny().check()


def taught(folder: Path, images: list[Image.Image], answers: list[str]) -> Path:
    """Train the tiny Florence-2 until it says these answers about these images."""
    processor = transformers.AutoProcessor.from_pretrained(tiny.florence())
    model = transformers.Florence2ForConditionalGeneration.from_pretrained(tiny.florence()).train()
    task = ["<DENSE_REGION_CAPTION>"] * len(images)
    inputs = processor(images=images, text=task, return_tensors="pt", padding=True)
    labels = processor.tokenizer([f"{answer}</s>" for answer in answers], return_tensors="pt", padding=True)[
        "input_ids"
    ]
    labels[labels == processor.tokenizer.pad_token_id] = -100
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for _ in range(400):
            loss = model(**inputs, labels=labels).loss
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if loss < 0.02:
                break
    assert loss < 0.02, "the model didn't learn its two answers"
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


class Recorder(LocalWriter):
    """The tiny writer, which also keeps what it was asked; a part of one's own needs no more than a class."""

    def write(self, prompts: list[str]) -> list[Paragraph | FilmError]:
        self.prompts = [*getattr(self, "prompts", []), *prompts]
        return super().write(prompts)


class Fearful(ImageCaptioner):
    """The tiny captioner, which fails on images that are black."""

    def captions(self, images: list[Image.Image]) -> list[str]:
        if any(not np.asarray(image).any() for image in images):
            raise RuntimeError("too dark")
        return super().captions(images)


@pytest.fixture(scope="module")
def parts() -> dict[str, Part]:
    return {
        "captioner": ImageCaptioner.tiny(),
        "region_finder": NamedObjects.tiny(),
        "segmenter": NamedSegments.tiny(),
        "writer": Recorder(str(tiny.llama()), max_new_tokens=12),
    }


SUBJECTS = [
    Subject("one", picture(0), task="IVF", side="b"),
    Subject("two", picture(1, colour=False), task="MIF", side="a"),
    Subject("three", picture(2, size=(64, 40))),
]


def run(describer: PaperDescriber, subjects: list[Subject]) -> dict[str, Description | FilmError]:
    return {subject.name: outcome for subject, outcome in describer.describe(iter(subjects))}


class TestPipeline:
    def test_looks_reach_the_writer_and_stay_in_the_details(self, parts: dict[str, Part]) -> None:
        describer = PaperDescriber(**parts, device="cpu", batch_size=2, most_regions=1, most_segments=1)
        outcomes = run(describer, SUBJECTS)
        assert list(outcomes) == ["one", "two", "three"]
        prompts = parts["writer"].prompts
        assert len(prompts) == 3  # one call for each image
        for subject, asked in zip(SUBJECTS, prompts, strict=True):
            outcome = outcomes[subject.name]
            notes = json.loads(json.dumps(outcome.details))
            assert notes == outcome.details
            assert tuple(notes["size"]) == subject.picture.size
            image = subject.picture.to_pil().convert("RGB")
            assert notes["caption"] == parts["captioner"].captions([image])[0]
            regions, segments = parts["region_finder"].regions([image])[0], parts["segmenter"].segments([image])[0]
            assert min(len(regions), len(segments)) > 1  # more than the writer is told
            assert [Region(**one | {"box": tuple(one["box"])}) for one in notes["regions"]] == regions
            assert [Segment(**one | {"box": tuple(one["box"])}) for one in notes["segments"]] == segments
            assert asked == notes_prompt(
                subject.task,
                subject.side,
                colour=subject.picture.is_colour,
                size=subject.picture.size,
                caption=notes["caption"],
                regions=[(one.label, one.box) for one in regions[:1]],
                segments=[(one.label, one.box, one.share) for one in segments[:1]],
            )
            (written,) = LocalWriter.write(parts["writer"], [asked])
            assert outcome.text == paragraph(written.text)
            assert notes["writer"] == written.details

    def test_image_that_fails_does_not_stop_the_others(self, parts: dict[str, Part]) -> None:
        dark = Subject("dark", Picture(np.zeros((32, 40), np.uint8)))
        made = parts | {"captioner": Fearful(str(tiny.blip()), max_new_tokens=6)}
        describer = PaperDescriber(**made, device="cpu", batch_size=4)
        outcomes = run(describer, [SUBJECTS[0], dark, *SUBJECTS[1:]])
        failure = outcomes.pop("dark")
        assert isinstance(failure, FilmError)
        assert "captioner" in str(failure)
        assert "too dark" in str(failure)
        expected = run(PaperDescriber(**parts, device="cpu", batch_size=1), SUBJECTS)
        assert {name: outcome.text for name, outcome in outcomes.items()} == {
            name: outcome.text for name, outcome in expected.items()
        }

    def test_large_images_are_shrunk_before_they_are_seen(self, parts: dict[str, Part]) -> None:
        describer = PaperDescriber(**parts, device="cpu", max_side=32)
        assert run(describer, SUBJECTS[:1])["one"].details["size"] == [32, 24]

    def test_identity_names_every_part(self, parts: dict[str, Part]) -> None:
        first = PaperDescriber(**parts).identity()
        assert json.loads(json.dumps(first)) == first
        assert PaperDescriber(**parts, batch_size=1, device="cpu").identity() == first
        others = {
            "captioner": ImageCaptioner(str(tiny.blip()), max_new_tokens=7),
            "region_finder": DetectedObjects.tiny(),
            "segmenter": SegmentAnything.tiny(),
            "writer": ChatWriter.tiny(),
        }
        for name, part in others.items():
            assert PaperDescriber(**parts | {name: part}).identity() != first
        for option in ({"precision": "bf16"}, {"max_side": 99}, {"most_regions": 3}, {"most_segments": 3}):
            assert PaperDescriber(**parts, **option).identity() != first

    def test_key_is_looked_for_before_models(self, parts: dict[str, Part], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        made = parts | {"writer": ChatWriter("gpt"), "captioner": ImageCaptioner("no/such/folder")}
        with pytest.raises(FilmError, match="OPENAI_API_KEY"):
            PaperDescriber(**made, device="cpu").check()

    @pytest.mark.parametrize("name", ["paper", "paper_offline"])
    def test_configs(self, name: str) -> None:
        config = compose([CONFIGS / "describer" / f"{name}.yaml"])["describer"]
        describer = build(config, Describer, name="describer")
        assert isinstance(describer, PaperDescriber)
        assert describer.hardware.precision == "bf16"
        offline = isinstance(describer.writer, LocalWriter)
        assert offline == (name == "paper_offline")


class TestNotes:
    def test_prompt_has_everything_that_is_known(self) -> None:
        asked = notes_prompt(
            "IVF",
            "a",
            colour=False,
            size=(640, 480),
            caption="a street at night",
            regions=[("a man in a coat", (10, 20, 60, 200))],
            segments=[("road", (0, 240, 640, 480), 0.412)],
        )
        for part in (
            "infrared",
            "640 x 480",
            "Caption: a street at night",
            "- a man in a coat [10, 20, 60, 200]",
            "- road [0, 240, 640, 480], 41% of the image",
            RULES,
        ):
            assert part in asked

    def test_prompt_without_notes(self) -> None:
        asked = notes_prompt(None, None, colour=True, size=(8, 8), caption="", regions=[], segments=[])
        assert "Caption: none" in asked
        assert asked.count("- none") == 2


def scripted(*answers: tuple[int, dict], **options) -> tuple[ChatWriter, list[httpx2.Request]]:
    """A writer with the real client, whose server answers by a script."""
    waiting, seen = list(answers), []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        status, body = waiting.pop(0)
        return httpx2.Response(status, json=body, headers={"retry-after-ms": "1"})

    writer = ChatWriter("tiny", **{"base_url": "http://localhost:1/v1", "concurrency": 1, **options})
    writer.server = dataclasses.replace(writer.server, transport=httpx2.MockTransport(handler))
    return writer, seen


def answer(text: str | None, finish: str = "stop") -> tuple[int, dict]:
    message = {"role": "assistant", "content": text}
    return 200, {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "tiny-1",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }


class TestChatWriter:
    def test_one_message_a_prompt(self) -> None:
        writer, seen = scripted(answer("A road."), answer("A tree."), temperature=0.2, seed=5)
        assert writer.write(["first", "second"]) == [
            Paragraph("A road.", {"prompt_tokens": 7, "answer_tokens": 3, "model": "tiny-1"}),
            Paragraph("A tree.", {"prompt_tokens": 7, "answer_tokens": 3, "model": "tiny-1"}),
        ]
        assert json.loads(seen[0].content) == {
            "model": "tiny",
            "messages": [{"role": "user", "content": "first"}],
            "max_tokens": 400,
            "temperature": 0.2,
            "seed": 5,
        }

    def test_busy_server_is_asked_again(self) -> None:
        writer, seen = scripted((429, {"error": {"message": "slow down"}}), (503, {}), answer("A road."))
        (written,) = writer.write(["x"])
        assert written.text == "A road."
        assert len(seen) == 3

    @pytest.mark.parametrize(
        ("reply", "said"),
        [
            (answer("A roa", "length"), "answer_tokens"),
            (answer(None, "content_filter"), "content filter"),
            (
                (200, {"choices": [], "model": "tiny", "id": "1", "object": "chat.completion", "created": 0}),
                "no answer",
            ),
            ((500, {"error": {"message": "broken"}}), "broken"),
            ((400, {"error": {"message": "bad words"}}), "bad words"),
        ],
    )
    def test_what_goes_wrong_with_one_leaves_the_others(self, reply: tuple[int, dict], said: str) -> None:
        writer, _ = scripted(reply, answer("A tree."), retries=0)
        failure, written = writer.write(["x", "y"])
        assert isinstance(failure, FilmError)
        assert said in str(failure)
        assert written.text == "A tree."

    def test_wrong_key_ends_the_run_without_showing_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MY_KEY", "sk-secret")
        writer, seen = scripted((401, {"error": {"message": "wrong key sk-secret"}}), key_variable="MY_KEY")
        with pytest.raises(FilmError, match="MY_KEY") as caught:
            writer.write(["x"])
        assert seen[0].headers["authorization"] == "Bearer sk-secret"
        assert "sk-secret" not in str(caught.value)

    def test_unreachable_server_ends_the_run(self) -> None:
        with pytest.raises(FilmError, match="can't reach"):
            ChatWriter.tiny().write(["x"])

    def test_real_server_writes_what_the_model_writes_here(
        self, parts: dict[str, Part], served: Callable[[Path], AbstractContextManager[str]], tmp_path: Path
    ) -> None:
        """An untrained model rambles on; this one is ever more tempted to stop, as half a text is refused."""
        folder = shutil.copytree(tiny.llama(), tmp_path / "llama")
        model = transformers.LlamaForCausalLM.from_pretrained(folder)
        model.generation_config.exponential_decay_length_penalty = (4, 2.0)
        model.save_pretrained(folder)
        with served(folder) as address:
            remote = ChatWriter(str(folder), base_url=address, temperature=0.0, answer_tokens=64, retries=2)
            there = run(PaperDescriber(**parts | {"writer": remote}, device="cpu", batch_size=2), SUBJECTS)
        writer = LocalWriter(str(folder), max_new_tokens=64)
        here = run(PaperDescriber(**parts | {"writer": writer}, device="cpu", batch_size=1), SUBJECTS)
        for name, outcome in there.items():
            assert outcome.text == here[name].text
            assert outcome.details["writer"]["answer_tokens"] >= 4
