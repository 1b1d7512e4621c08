"""Pretrained language models of transformers that read text: loaded quietly, checked to be whole, kept as they are."""

import bisect
import contextlib
import hashlib
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from film.errors import FilmError
from film.layers.adapter import LowRankAdapter

DTYPES = ("float32", "bfloat16", "float16")
_FILLED = ("siglip_text_model", "siglip2_text_model")  # trained on texts filled up to their length, without a mask
_NEEDLESS = ("pooler.", "head.", "text_projection.")  # weights that the states of the tokens don't depend on
_BATCH, _SLACK = 64, 8  # texts read at once, tokens by which they differ at most
_KINDS = (".safetensors", ".bin", ".json", ".txt", ".model")

Load = Callable[[Any, Any], Any]
logger = logging.getLogger(__name__)


class LanguageModel:
    """A frozen model with its tokenizer: texts to one state a token.

    Args:
        tokenizer: A tokenizer of transformers.
        model: Takes `input_ids` and `attention_mask`, gives `last_hidden_state`.
        max_tokens: Tokens kept of a text; None as many as the model takes.

    Raises:
        FilmError: `max_tokens` is more than the model takes.
    """

    def __init__(self, tokenizer: Any, model: Any, *, max_tokens: int | None = None) -> None:
        self.tokenizer = tokenizer
        self.model = model.eval().requires_grad_(requires_grad=False)
        positions = _positions(model)
        if max_tokens is not None and not 0 < max_tokens <= positions:
            raise FilmError(f"max_tokens {max_tokens} must be from 1 to {positions}, which is what the model takes")
        self.max_tokens = max_tokens or min(positions, tokenizer.model_max_length)
        self.filled = positions if model.config.model_type in _FILLED else None

    def encode(
        self,
        texts: Sequence[str],
        device: torch.device,
        *,
        adapter: LowRankAdapter | None = None,
        layers: Sequence[int] = (),
    ) -> list[Tensor]:
        """Read texts, the shorter ones padded; padding is masked.

        Args:
            texts: B texts, none of them empty.
            device: Where to compute.
            adapter: Changes some weights; in its training the states have a slope.
            layers: Blocks of the model, 1 first, whose states follow those of the last one side by side.

        Returns:
            For each text (L, D) float32 states on the CPU, those of the marks of beginning and end included; with K
            more layers (L, (1 + K)·D).
        """
        filling = self.tokenizer.pad_token_id or 0
        nothing = [self.tokenizer.unk_token_id or filling]  # for a text in which the tokenizer sees no sign at all
        rows = [tokenize(self.tokenizer, text, self.max_tokens) or nothing for text in texts]
        states: dict[int, Tensor] = {}
        model = self.model.to(device)
        learning = adapter is not None and adapter.is_learning
        with torch.set_grad_enabled(learning), adapter.applied(model) if adapter else contextlib.nullcontext():
            for batch in _alike([len(row) for row in rows]):
                states |= zip(batch, self._read([rows[i] for i in batch], filling, device, layers), strict=True)
        return [states[i] for i in range(len(rows))]

    def _read(self, rows: list[list[int]], filling: int, device: torch.device, layers: Sequence[int]) -> list[Tensor]:
        length = self.filled or max(map(len, rows))
        ids = torch.tensor([row + [filling] * (length - len(row)) for row in rows], device=device)
        mask = torch.arange(length) < torch.tensor([[len(row)] for row in rows])
        attention = None if self.filled else mask.long().to(device)
        with torch.autocast(device.type, enabled=False):
            read = self.model(input_ids=ids, attention_mask=attention, output_hidden_states=bool(layers))
        states = torch.cat([read.last_hidden_state, *(read.hidden_states[layer] for layer in layers)], -1)
        return [state[: len(row)] for state, row in zip(states.float().cpu(), rows, strict=True)]


def _alike(lengths: list[int]) -> Iterator[list[int]]:
    """Batches of texts, by number, that are about as long as each other."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    while order:
        size = bisect.bisect_right(order[:_BATCH], lengths[order[0]] + _SLACK, key=lengths.__getitem__)
        yield order[:size]
        order = order[size:]


def tokenize(tokenizer: Any, text: str, max_tokens: int) -> list[int]:
    """Turn a text into ids of tokens; one that is too long is cut, with a warning that says where."""
    text = text.encode("utf-8", "replace").decode("utf-8")  # halves of characters, which file names may hold
    ids = tokenizer(text)["input_ids"]
    if len(ids) <= max_tokens:
        return ids
    kept = tokenizer(text, truncation=True, max_length=max_tokens)["input_ids"]
    end = tokenizer.decode(kept, skip_special_tokens=True)[-40:]
    logger.warning("text of %d tokens cut to %d, after «…%s»", len(ids), max_tokens, end)
    return kept


def load_language_model(
    name: str,
    build: Callable[[Any, Load], Any],
    *,
    dim: int,
    revision: str | None = None,
    dtype: str = "float32",
    max_tokens: int | None = None,
) -> LanguageModel:
    """Load a model from a folder or the Hugging Face hub.

    Args:
        name: Folder that `save_pretrained` wrote, or a name on the hub.
        build: Makes the part that reads text out of the model's config, with the function that loads a class.
        dim: Width that its states must have.
        revision: Branch, tag or commit on the hub; None takes the newest.
        dtype: Number format of the weights.
        max_tokens: Tokens kept of a text; None as many as the model takes.

    Raises:
        FilmError: It can't be found or loaded, lacks weights, or has another width.
    """
    import transformers  # takes seconds

    if dtype not in DTYPES:
        raise FilmError(f"unknown dtype {dtype!r}; choose from {', '.join(DTYPES)}")

    def load(kind: Any, config: Any) -> Any:
        number = getattr(torch, dtype)
        model, report = kind.from_pretrained(
            name, config=config, revision=revision, dtype=number, output_loading_info=True, trust_remote_code=False
        )
        if lost := sorted(key for key in report["missing_keys"] if not key.startswith(_NEEDLESS)):
            raise ValueError(f"it lacks {lost[0]} ({len(lost)} weights in all)")
        return model

    with quiet_loading(), _understood(name):
        config = transformers.AutoConfig.from_pretrained(name, revision=revision, trust_remote_code=False)
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, revision=revision, trust_remote_code=False)
        model = build(config, load)
    width = _reader(model.config).hidden_size
    if width != dim:
        raise FilmError(
            f"the token states of {name} are {width} wide, but dim is {dim}; set dim: {width}, which only a network "
            "that was trained with this encoder reads"
        )
    return LanguageModel(tokenizer, model, max_tokens=max_tokens)


def revision_of(name: str, revision: str | None) -> str:
    """Tell versions of a model apart without loading it: the hub's commit, or a hash of the files in a folder.

    Raises:
        FilmError: It can't be found.
    """
    if Path(name).is_dir():
        digest = hashlib.sha256()
        for path in sorted(path for path in Path(name).iterdir() if path.suffix in _KINDS):
            digest.update(path.name.encode())
            with path.open("rb") as file:
                while block := file.read(1 << 22):
                    digest.update(block)
        return f"sha256:{digest.hexdigest()}"
    import huggingface_hub

    with _understood(name):
        found = Path(huggingface_hub.hf_hub_download(name, "config.json", revision=revision))
    return found.parent.name  # snapshots/COMMIT/config.json


@contextlib.contextmanager
def quiet_loading() -> Iterator[None]:
    """Keep transformers from drawing bars and printing tables while it loads."""
    from transformers.utils import logging as its

    bars, verbosity = its.is_progress_bar_enabled(), its.get_verbosity()
    its.disable_progress_bar()
    its.set_verbosity_error()
    try:
        yield
    finally:
        its.set_verbosity(verbosity)
        if bars:
            its.enable_progress_bar()


@contextlib.contextmanager
def _understood(name: str) -> Iterator[None]:
    try:
        yield
    except FilmError:
        raise
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise FilmError(
            f"can't load the language model {name!r}: {' '.join(str(error).split())[:300]}; give a folder that "
            "save_pretrained of transformers wrote, or a name on the Hugging Face hub (which needs a network the first "
            "time)"
        ) from error


def _positions(model: Any) -> int:
    """How many tokens a model takes; RoBERTa and its kin count from the id of their padding on."""
    table = next((part for name, part in model.named_modules() if name.endswith("position_embeddings")), None)
    unused = getattr(table, "padding_idx", None)
    known = getattr(_reader(model.config), "max_position_embeddings", None) or sys.maxsize
    return known if unused is None else known - unused - 1


def _reader(config: Any) -> Any:
    """The part of a config that is about the reading of text."""
    return getattr(config, "qformer_config", config)
