"""The last step: a language model writes the paragraph, behind the OpenAI protocol or on one's own machine."""

import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from film.describers.huggingface import tiny
from film.describers.huggingface.answers import generate, no_thoughts
from film.describers.huggingface.models import Hardware, Pretrained
from film.describers.openai.server import OFFICIAL, Fatal, Server
from film.describers.paper.base import Paragraph, Writer
from film.errors import FilmError


class ChatWriter(Writer):
    """A chat model behind the OpenAI protocol: OpenAI, vLLM, Ollama, llama.cpp or `transformers serve`.

    Args:
        model: Its name, as the server knows it.
        base_url: Address of the server, up to and with `/v1`.
        key_variable: Environment variable that holds the key; None: `OPENAI_API_KEY` for OpenAI, no key elsewhere.
        temperature: Of sampling; None leaves it to the server.
        seed: Of sampling, for servers that know one.
        answer_tokens: Most tokens of an answer, hidden reasoning included.
        concurrency: Calls under way at once.
        timeout: Seconds for one call.
        retries: How often a call is repeated that was turned away (429), failed (5xx) or found no server.

    Raises:
        FilmError: The address is none, or a number isn't positive.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str = OFFICIAL,
        key_variable: str | None = None,
        temperature: float | None = None,
        seed: int | None = None,
        answer_tokens: int = 400,
        concurrency: int = 8,
        timeout: float = 120.0,
        retries: int = 6,
    ) -> None:
        if min(answer_tokens, concurrency) < 1:
            raise FilmError(f"answer_tokens is {answer_tokens} and concurrency {concurrency}; both must be at least 1")
        self.server = Server(base_url, key_variable, timeout)
        self.model, self.temperature, self.seed = model, temperature, seed
        self.answer_tokens, self.concurrency, self.retries = answer_tokens, concurrency, retries

    def identity(self) -> dict[str, Any]:
        """Model and sampling; where it runs doesn't matter."""
        return {"model": self.model, "temperature": self.temperature, "seed": self.seed}

    def check(self) -> None:
        """Make sure that there is a key where one is needed."""
        self.server.check_key()

    def load(self, hardware: Hardware) -> None:
        """Nothing to load: the model is elsewhere."""

    def write(self, prompts: Sequence[str]) -> list[Paragraph | FilmError]:
        """Ask about all of them, several calls at once."""
        with self.server.patient_client(self.retries) as client, ThreadPoolExecutor(self.concurrency) as threads:
            return list(threads.map(functools.partial(self._ask, client), prompts))

    @classmethod
    def tiny(cls) -> "ChatWriter":
        """Writes nothing until a server listens on that port."""
        return cls("tiny", base_url="http://127.0.0.1:9/v1", retries=0, timeout=5.0)

    def _ask(self, client: Any, prompt: str) -> Paragraph | FilmError:
        limit = "max_completion_tokens" if self.server.official else "max_tokens"
        sampling = {"temperature": self.temperature, "seed": self.seed}
        try:
            answer = client.chat.completions.create(
                model=self.model,
                messages=[{"role": "user", "content": prompt}],
                **{limit: self.answer_tokens},
                **{name: value for name, value in sampling.items() if value is not None},
            )
        except Exception as error:
            meaning = self.server.judge(error, self.model)
            if isinstance(meaning, Fatal) or getattr(meaning, "unreachable", False):
                raise FilmError(str(meaning)) from error
            return meaning if isinstance(meaning, FilmError) else FilmError(str(meaning))
        return self._paragraph(answer)

    def _paragraph(self, answer: Any) -> Paragraph | FilmError:
        if not answer.choices:
            return FilmError(f"{self.server.address} sent no answer; is it an OpenAI-compatible server?")
        choice, usage = answer.choices[0], answer.usage
        if choice.finish_reason == "content_filter":
            return FilmError(f"the content filter of {self.server.address} held the answer back")
        if choice.finish_reason == "length":
            return FilmError(f"the answer is longer than answer_tokens, {self.answer_tokens}; raise it")
        tokens = {"prompt_tokens": usage.prompt_tokens, "answer_tokens": usage.completion_tokens} if usage else {}
        return Paragraph(choice.message.content or "", {**tokens, "model": answer.model})


class LocalWriter(Writer):
    """A causal language model of transformers on one's own machine, always taking the likeliest words.

    Args:
        model: Id on the Hugging Face hub, or a folder; an instruct model with a chat template.
        revision: Branch, tag or commit on the hub; None for its main branch.
        max_new_tokens: Where a paragraph ends at the latest; it is then cut to whole sentences without repeats.
    """

    def __init__(self, model: str, *, revision: str | None = None, max_new_tokens: int = 250) -> None:
        self.model, self.max_new_tokens = Pretrained(model, revision), max_new_tokens

    def identity(self) -> dict[str, Any]:
        """Model, revision and length."""
        return {**self.model.identity(), "max_new_tokens": self.max_new_tokens}

    def check(self) -> None:
        """Make sure that the model is there."""
        self.model.check()

    def load(self, hardware: Hardware) -> None:
        """Load model and tokenizer."""
        self._tokenizer = self.model.processor("AutoTokenizer", continues=True)
        if self._tokenizer.chat_template is None:
            raise FilmError(f"{self.model.name!r} has no chat template, so it can't be asked; take an instruct model")
        self._model = self.model.load("AutoModelForCausalLM", hardware)

    def write(self, prompts: Sequence[str]) -> list[Paragraph | FilmError]:
        """Answer all prompts in one batch."""
        inputs = self._tokenizer.apply_chat_template(
            [[{"role": "user", "content": prompt}] for prompt in prompts],
            add_generation_prompt=True,
            return_dict=True,
            return_tensors="pt",
            padding=True,
            **no_thoughts(self._tokenizer.chat_template),
        )
        answers = generate(self._model, inputs, self._tokenizer, max_new_tokens=self.max_new_tokens)
        return [Paragraph(answer.sentences, answer.details()) for answer in answers]

    @classmethod
    def tiny(cls) -> "LocalWriter":
        """An untrained Llama."""
        return cls(str(tiny.llama()), max_new_tokens=12)
