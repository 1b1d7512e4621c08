"""A vision-language model on one's own machine, through transformers: LLaVA, Qwen-VL, SmolVLM, InternVL or Gemma."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from film.describers.base import Describer, Description, Outcome, Subject
from film.describers.huggingface import tiny
from film.describers.huggingface.answers import Answer, generate, no_thoughts
from film.describers.huggingface.batches import Batches, chunks, rgb
from film.describers.huggingface.models import Hardware, Pretrained
from film.describers.prompts import PROMPT_VERSION, paragraph, prompt
from film.errors import FilmError


class LocalDescriber(Describer):
    """Shows each image to a chat model and takes down what it says; the likeliest words, so the same again.

    Several images are asked about at once; where the memory doesn't suffice, fewer from then on. Under torchrun each
    process takes a GPU of its own.

    Args:
        model: Id on the Hugging Face hub, or a folder; a model that sees and has a chat template.
        revision: Branch, tag or commit on the hub; None for its main branch.
        device: `auto` (CUDA, then MPS, then CPU), `cpu`, `cuda` or `mps`.
        precision: Of the weights: `32`, `bf16` or `16`.
        batch_size: Images asked about at once.
        max_new_tokens: Where an answer ends at the latest; it is then cut to whole sentences without repeats.
        max_side: Larger images are shrunk to so many pixels a side, as some models take as much memory as pixels.
        compare: Show the other source of the pair beside, where it is given; for models that take several images.

    Raises:
        FilmError: The device or precision has no such name, or the batch size isn't positive.
    """

    def __init__(
        self,
        model: str,
        *,
        revision: str | None = None,
        device: str = "auto",
        precision: str = "32",
        batch_size: int = 4,
        max_new_tokens: int = 200,
        max_side: int = 1024,
        compare: bool = False,
    ) -> None:
        self.model = Pretrained(model, revision)
        self.hardware = Hardware(device, precision)
        self.batches, self.batch_size = Batches(batch_size), batch_size
        self.max_new_tokens, self.max_side, self.compares = max_new_tokens, max_side, compare
        self._loaded: tuple[Any, Any] | None = None

    def identity(self) -> dict[str, Any]:
        """Model, revision, precision, prompt, and how images and answers are cut."""
        return {
            "describer": "local",
            **self.model.identity(),
            "precision": self.hardware.precision,
            "prompt_version": PROMPT_VERSION,
            "max_new_tokens": self.max_new_tokens,
            "max_side": self.max_side,
            "compare": self.compares,
        }

    def check(self) -> None:
        """Make sure that the device is there, and the model on the disk or on the hub."""
        _ = self.hardware.place
        self.model.check()

    def describe(self, subjects: Iterable[Subject]) -> Iterator[Outcome]:
        """Describe batch by batch, in the order of `subjects`."""
        self._load()
        for batch in chunks(subjects, self.batch_size):
            start = time.perf_counter()
            answers = self.batches.run(self._answer, batch)
            seconds = round((time.perf_counter() - start) / len(batch), 3)
            for subject, answer in zip(batch, answers, strict=True):
                yield subject, answer if isinstance(answer, FilmError) else _description(answer, seconds)

    @classmethod
    def tiny(cls) -> "LocalDescriber":
        """An untrained LLaVA of a few thousand weights."""
        return cls(str(tiny.llava()), device="cpu", batch_size=2, max_new_tokens=12)

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            processor = self.model.processor(continues=True)
            if getattr(processor, "chat_template", None) is None:
                raise FilmError(
                    f"{self.model.name!r} has no chat template, so it can't be asked; take an instruct model, or, to "
                    "use it as a captioner, describer/paper.yaml"
                )
            self._loaded = self.model.load("AutoModelForImageTextToText", self.hardware), processor
        return self._loaded

    def _answer(self, batch: list[Subject]) -> list[Answer]:
        model, processor = self._load()
        inputs = processor.apply_chat_template(
            [self._conversation(subject) for subject in batch],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"padding": True},
            **no_thoughts(processor.chat_template),
        )
        return generate(model, inputs, processor, max_new_tokens=self.max_new_tokens)

    def _conversation(self, subject: Subject) -> list[dict[str, Any]]:
        partner = subject.partner if self.compares else None
        words = prompt(subject.task, subject.side, colour=subject.picture.is_colour, compared=partner is not None)
        pictures = [subject.picture] if partner is None else [subject.picture, partner]
        images = [{"type": "image", "image": rgb(picture, self.max_side)} for picture in pictures]
        return [{"role": "user", "content": [*images, {"type": "text", "text": words}]}]


def _description(answer: Answer, seconds: float) -> Description | FilmError:
    try:
        text = paragraph(answer.sentences)
    except FilmError as error:
        return error
    return Description(text, {**answer.details(), "seconds": seconds})
