"""What every text encoder promises."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from film.errors import FilmError
from film.layers.adapter import LowRankAdapter
from film.layers.language import LanguageModel, Load, load_language_model, revision_of
from film.layers.text import TextFeatures


class TextEncoder(nn.Module, ABC):
    """Turns texts into token features.

    An encoder with pretrained frozen weights keeps them out of `state_dict` (they belong to its package, not to our
    model file) and loads them on first use.

    Attributes:
        dim: Width D of a token.
        reads_words: False for an encoder whose text arrives as features.
    """

    dim: int
    reads_words: bool = True

    @property
    def sentence_tokens(self) -> int:
        """How many tokens begin each sentence, its embeddings; 0 where sentences aren't marked.

        The last feature is 1 for the first of them, -1 for the others, and 0 for words.
        """
        return 0

    @abstractmethod
    def forward(self, texts: Sequence[str]) -> TextFeatures:
        """Encode.

        Args:
            texts: B texts of any length and script; the empty text has no words.

        Returns:
            Tokens (B, L, D) with their mask; a text that is too long is cut, with a warning that says where.
        """

    def pieces(self, text: str) -> list[str]:
        """Name the tokens of a text, for looking at attention; `##` begins one that goes on with the word before.

        Args:
            text: Any text.

        Returns:
            L names, empty for tokens that stand for no word; by default all are.
        """
        return [""] * self([text]).tokens.shape[1]

    def identity(self) -> dict[str, Any]:
        """Say what the features of a text depend on besides the text: class, arguments, and `revision` of the weights.

        Features in files are made anew only if this changes. JSON values only. By default the class and its plain
        public attributes, as `__init__` keeps its arguments; an encoder whose weights may change adds their revision.
        """
        plain = {name: value for name, value in vars(self).items() if isinstance(value, str | int | float | None)}
        hidden = {"training", "cached", "adapter"}
        kept = {name: value for name, value in plain.items() if not name.startswith("_") and name not in hidden}
        return self.kind() | kept

    def kind(self) -> dict[str, str]:
        """Say what of `identity` is known without weights from elsewhere: the class, and what the network taught it."""
        return {"encoder": f"{type(self).__module__}.{type(self).__qualname__}"}

    @classmethod
    def tiny(cls) -> "TextEncoder":
        """Build an instance of a few weights, for tests."""
        return cls()


class FrozenTextEncoder(TextEncoder):
    """A pretrained language model that stays as it is, but for an adapter if it has one.

    It loads on first use, computes on the device that the network is moved to, and never enters a state dict, while
    its adapter does. Texts once encoded are kept, unless the adapter is in training.

    Args:
        dim: Width D of a token.
        cached: Number of texts whose features are kept.
        adapter: Changes some of its weights.
    """

    def __init__(self, dim: int, *, cached: int, adapter: LowRankAdapter | None = None) -> None:
        super().__init__()
        self.dim, self.cached, self.adapter = dim, cached, adapter
        self._cache: dict[str, Tensor] = {}
        self._language: LanguageModel | None = None  # no module, so nn.Module doesn't see its weights
        self._device = torch.device("cpu")

    @abstractmethod
    def load(self) -> LanguageModel:
        """Load tokenizer and model; called once, when the first text is encoded.

        Raises:
            FilmError: It can't be loaded; the message says where it comes from and the way out.
        """

    def parts(self, text: str) -> list[str]:
        """Cut a text into what is encoded, and kept, by itself; by default that is all of it."""
        return [text]

    def encode(self, parts: Sequence[str]) -> list[Tensor]:
        """Parts of texts, none of them empty, to (L, D) each, on the CPU."""
        return self.language.encode(parts, self._device, adapter=self.adapter)

    @property
    def language(self) -> LanguageModel:
        """The model, loaded if it wasn't.

        Raises:
            FilmError: It can't be loaded.
        """
        try:
            self._language = self._language or self.load()
        except ModuleNotFoundError as error:
            raise FilmError(
                f"the text encoder {type(self).__name__} needs the package {error.name}; pip install {error.name}, or "
                "give features that it made elsewhere (film encode) with --text-features"
            ) from error
        return self._language

    def kind(self) -> dict[str, str]:
        """Say the class, and a hash of the adapter."""
        return super().kind() | ({"adapter": self.adapter.digest()} if self.adapter else {})

    def forward(self, texts: Sequence[str]) -> TextFeatures:
        """B texts to (B, L, D) features on the CPU; a text of only white space has no words."""
        learning = self.adapter is not None and self.adapter.is_learning
        if learning:
            self._cache.clear()
        cut = {text: self.parts(text) for text in dict.fromkeys(texts) if text.strip()}
        wanted = dict.fromkeys(part for parts in cut.values() for part in parts)
        states = {part: self._cache[part] for part in wanted if part in self._cache}
        if missing := [part for part in wanted if part not in states]:
            states |= zip(missing, self.encode(missing), strict=True)
            self._cache |= {} if learning else states
        while len(self._cache) > self.cached:
            del self._cache[next(iter(self._cache))]
        wordless = TextFeatures.wordless(1, self.dim)
        read = {text: torch.cat([states[part] for part in parts])[None] for text, parts in cut.items()}
        return TextFeatures.stack([TextFeatures.unpadded(read[text]) if text in read else wordless for text in texts])

    def __getstate__(self) -> dict[str, Any]:
        """Leave the loaded model and the cache behind; a copy loads its own."""
        return self.__dict__ | {"_language": None, "_cache": {}}

    def _load_from_state_dict(self, *args: Any) -> None:
        """Forget what another adapter read."""
        super()._load_from_state_dict(*args)
        self._cache.clear()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "FrozenTextEncoder":
        """Follow `to`, `cuda` and their kin, which don't see the model; its number format stays."""
        super()._apply(fn, recurse)
        self._device = fn(torch.empty(0, device=self._device)).device
        return self


class PretrainedTextEncoder(FrozenTextEncoder):
    """A frozen language model from a folder or the Hugging Face hub.

    Args:
        name: Name on the Hugging Face hub, or a folder that `save_pretrained` wrote.
        dim: Width D of its token states; checked when it loads.
        max_tokens: Tokens kept of a text; null as many as the model takes.
        revision: Branch, tag or commit on the hub; null takes the newest.
        dtype: Number format that it computes in: `float32`, `bfloat16` or `float16`.
        cached: Number of texts whose features are kept.
    """

    def __init__(
        self,
        name: str,
        *,
        dim: int,
        max_tokens: int | None = None,
        revision: str | None = None,
        dtype: str = "float32",
        cached: int = 256,
    ) -> None:
        super().__init__(dim, cached=cached)
        self.name, self.max_tokens, self.revision, self.dtype = name, max_tokens, revision, dtype

    @staticmethod
    @abstractmethod
    def build(config: Any, load: Load) -> Any:
        """Make the part of the model that reads text.

        Args:
            config: Config of the whole model.
            load: Loads a class of transformers with a config of its own.

        Returns:
            A model that takes `input_ids` and `attention_mask` and gives `last_hidden_state`.

        Raises:
            ValueError: There is no such part.
        """

    def pieces(self, text: str) -> list[str]:
        """Name the tokens of a text, for looking at attention; `##` begins one that goes on with the word before.

        Args:
            text: Any text.

        Returns:
            L names, empty for tokens that stand for no word; by default all are.
        """
        return [""] * self([text]).tokens.shape[1]

    def identity(self) -> dict[str, Any]:
        """Say name and arguments, and which version of the weights that is; where a folder lies doesn't matter."""
        name = Path(self.name).resolve().name if Path(self.name).is_dir() else self.name
        return super().identity() | {"name": name, "revision": revision_of(self.name, self.revision)}

    def load(self) -> LanguageModel:
        """Load the part that reads text, and nothing else of the model."""
        return load_language_model(
            self.name,
            self.build,
            dim=self.dim,
            revision=self.revision,
            dtype=self.dtype,
            max_tokens=self.max_tokens,
        )
