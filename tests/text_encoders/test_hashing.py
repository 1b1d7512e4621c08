"""Words without a language model: the same everywhere, in every script."""

import hashlib
import unicodedata

import pytest
import torch

from film.errors import FilmError
from film.text_encoders.hashing import HashedWords, split_words


def test_numbers_are_the_same_on_every_machine() -> None:
    digest = hashlib.shake_128(b"street").digest(4)
    expected = [int.from_bytes(digest[i : i + 2], "little", signed=True) / 2**15 for i in (0, 2)]
    assert HashedWords(dim=2)(["Street"]).tokens.flatten().tolist() == expected
    # hashlib.shake_128(b"street").hexdigest(4)
    assert digest.hex() == "169de0ca"


def test_equal_words_are_equal_and_others_unrelated() -> None:
    encoder = HashedWords(dim=4096)
    dark, street, again = encoder(["dark street DARK"]).tokens[0]
    assert torch.equal(dark, again)
    assert torch.cosine_similarity(dark, street, dim=0).abs() < 0.06
    assert -1 <= dark.min() < -0.99
    assert 0.99 < dark.max() < 1
    assert dark.mean().abs() < 0.05


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A lit street, two people.", ["a", "lit", "street", ",", "two", "people", "."]),
        ("naïve Straße 夜に ☂👩‍🚒", ["naïve", "strasse", "夜に", "☂", "👩", "\u200d", "🚒"]),
        ("\ud800", ["\ud800"]),
        (" \t\n\u2003", []),
    ],
)
def test_words_and_signs_of_any_script(text: str, words: list[str]) -> None:
    assert split_words(text) == words
    features = HashedWords.tiny()([text])
    assert features.mask.sum() == len(words)
    assert features.tokens.isfinite().all()


def test_forms_of_unicode_make_no_difference() -> None:
    encoder = HashedWords.tiny()
    forms = [unicodedata.normalize(form, "naïve ﬁre") for form in ("NFC", "NFD", "NFKC")]
    first, *others = (encoder([form]).tokens for form in forms)
    assert all(torch.equal(first, other) for other in others)


def test_it_has_a_width() -> None:
    with pytest.raises(FilmError, match="dim 0 must be at least 1"):
        HashedWords(dim=0)
