"""Language models of a few random weights, made on the spot in the form in which real ones are published."""

import atexit
import functools
import shutil
import string
import tempfile
from collections.abc import Callable
from typing import Any

import torch

from film.layers.language import quiet_loading

_MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_WORDS = ("a", "bright", "dark", "people", "street", "two", "with")


@functools.cache
def tiny_folder(make: Callable[[int], Any]) -> str:
    """Write a random model with a tokenizer into a folder that lasts as long as this process.

    Args:
        make: Builds the model for a number of words; the same function gives the same folder again.
    """
    folder = tempfile.mkdtemp(prefix="film_tiny_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    tokenizer = word_pieces()
    with torch.random.fork_rng(devices=[]), quiet_loading():
        torch.manual_seed(0)
        make(len(tokenizer)).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


def word_pieces() -> Any:
    """Make a WordPiece tokenizer of BERT's kind that knows a few words, and letters and digits for all others."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = string.ascii_lowercase + string.digits
    pieces = [*_MARKS, *_WORDS, *letters[1:], *(f"##{letter}" for letter in letters), *".,;!?"]
    ids = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    marks = [(mark, ids[mark]) for mark in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
