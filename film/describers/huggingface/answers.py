"""What models say: generation without chance, and where an answer ends."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SENTENCE_END = re.compile(r"[.!?][\"')\u201d\u2019]*(?=\s|$)")


@dataclass(frozen=True)
class Answer:
    """What a model has said.

    Attributes:
        text: As it was generated.
        tokens: How many were generated.
        complete: False where `max_new_tokens` ended it.
    """

    text: str
    tokens: int
    complete: bool

    @property
    def sentences(self) -> str:
        """The text; where it was cut, its whole sentences up to the first that was said before, if it has any.

        Small models that find no end as a rule go round in circles.
        """
        ends = [] if self.complete else [match.end() for match in _SENTENCE_END.finditer(self.text)]
        said: list[str] = []
        for start, end in zip([0, *ends], ends, strict=False):
            sentence = self.text[start:end].strip()
            if sentence in said:
                break
            said.append(sentence)
        return " ".join(said) or self.text

    def details(self) -> dict[str, Any]:
        """For the record beside a text."""
        return {"tokens": self.tokens, "complete": self.complete}


def generate(
    model: Any, inputs: Mapping[str, Any], processor: Any, *, max_new_tokens: int, special: bool = False
) -> list[Answer]:
    """Let a model go on from its inputs, always taking the likeliest token, so that the same gives the same.

    Args:
        model: As `Pretrained.load` gives it.
        inputs: What the processor made of a batch, as tensors.
        processor: Turns tokens back into words.
        max_new_tokens: Where to stop at the latest.
        special: Leave special tokens in, for models that say boxes with them.
    """
    import torch

    inputs = {
        key: value.to(model.device, model.dtype if value.is_floating_point() else value.dtype)
        for key, value in inputs.items()
    }
    tokenizer = getattr(processor, "tokenizer", processor)
    if model.generation_config.pad_token_id is None:
        model.generation_config.pad_token_id = tokenizer.pad_token_id
    with torch.inference_mode():
        said = model.generate(**inputs, max_new_tokens=max_new_tokens, do_sample=False)
    asked = inputs.get("input_ids")
    if model.config.is_encoder_decoder:
        said = said[:, 1:]  # the token that starts the decoder, which may be the one that ends a text
    elif asked is not None and torch.equal(said[:, : asked.shape[1]], asked):
        said = said[:, asked.shape[1] :]
    ends = _ends(model, tokenizer)
    return [_answer(row.tolist(), tokenizer, ends, special=special) for row in said]


def _ends(model: Any, tokenizer: Any) -> set[int]:
    configured = model.generation_config.eos_token_id
    ends = configured if isinstance(configured, list) else [configured]
    return {token for token in (*ends, tokenizer.eos_token_id) if token is not None}


def _answer(tokens: list[int], tokenizer: Any, ends: set[int], *, special: bool) -> Answer:
    length = next((i for i, token in enumerate(tokens) if token in ends), len(tokens))
    text = tokenizer.decode(tokens[:length], skip_special_tokens=not special).strip()
    return Answer(text, length, length < len(tokens))


def no_thoughts(chat_template: Any) -> dict[str, Any]:
    """What to tell a chat template, so that a model that could think aloud answers at once."""
    return {"enable_thinking": False} if "enable_thinking" in str(chat_template) else {}
