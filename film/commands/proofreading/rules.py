"""What can be wrong with one text, found by words and signs alone: no model, no word list of a package.

Each rule looks for what went wrong in data sets that models wrote, and quotes what it found.
"""

import re
from collections.abc import Iterator

SHORTEST, LONGEST = 8, 250  # words; what is outside is no paragraph about an image, whatever the others are like
_FOREIGN = 0.1  # share of letters of other scripts from which a text isn't English
_ENGLISH = 0.12  # share of little words below which a text isn't English prose; a third to a half is usual
_FEW_WORDS = 8  # fewer say nothing about the language

_QUOTES = re.compile(r"\"[^\"]*\"|“[^”]*”|«[^»]*»|(?<!\w)['‘][^'’]*['’](?!\w)")  # noqa: RUF001  # what is read on signs

_REFUSAL = re.compile(
    r"\bi(['’]m| am)? (so |very |truly )?sorry\b|\bi apologi[sz]e\b|\bas an? (ai|language model|assistant)\b"  # noqa: RUF001
    r"|\bi (can['’]?t|cannot|can not|could(n['’]t| not)|won['’]t|do not|don['’]t) "  # noqa: RUF001
    r"(help|assist|see|view|identify|describe|process|access|analy[sz]e|provide|determine|have)\b"
    r"|\bi(['’]m| am) (unable|not able)\b|\bcan['’]?t assist\b|\bno image (was|is|has been) (provided|attached|given)\b"  # noqa: RUF001
    r"|\bplease (provide|upload|share|attach)\b",
    re.IGNORECASE,
)
_LEFTOVER = re.compile(
    r"^\W*(sure|certainly|of course|okay|ok|absolutely|great)\b[,!.:]"
    r"|\bhere['’]?s? (is |are )?(a|an|the|your) ([\w-]+ ){0,3}(description|paragraph|caption|summary|text|answer)\b"  # noqa: RUF001
    r"|^\W*(the )?(description|caption|paragraph|answer|response|output|assistant|user|note)\W*:"
    r"|\*\*|```|^#+ |<\|?/?[a-z_]+\|?>|\[/?INST\]|^\s*[-*•] "
    r"|\b(let me know|feel free to|hope this helps|is there anything else)\b"
    r"|\b(region semantic|semantic information|dense captions?|bounding box(es)?|segment labels?)\b"
    r"|\b(the user|word limit|as requested|as instructed|the (given|provided) (prompt|notes|information))\b"
    r"|\bi (can )?(see|notice|observe)\b",
    re.IGNORECASE | re.MULTILINE,
)
_NUMBER = r"\d+(\.\d+)?"
_COORDINATES = re.compile(
    rf"[\[({{]\s*{_NUMBER}(\s*,\s*{_NUMBER})+\s*[\])}}]|\b[xy][12]?\s*[=:]\s*\d\S*|\bcoordinates?\s*[:\[(]"
    rf"|\bat coordinates\b|{_NUMBER}\s*(px|pixels?)\b|\b\d{{2,}}\s*[x×]\s*\d{{2,}}\b",  # noqa: RUF001
    re.IGNORECASE,
)
# Names and what can be read in an image may have digits: T2-weighted, 3D, 4x4, the 1960s, number 12, a clock at 10:30.
_NAMES = re.compile(
    r"\b(?=[\w-]*[a-z])(?=[\w-]*\d)\w+(-\w+)*|\b\d{1,2}:\d\d\b|\b(1[5-9]|20)\d\d\b"
    r"|\b(numbers?|no\.|nr\.|digits?|route|bus|tram|line|room|gate|platform|plate|highway|track|lane) #?\d+\b|#\d+",
    re.IGNORECASE,
)

_LITTLE_WORDS = {
    "English": "the a an is are was of in on and with to it its at by from this that be as which for into there their "
    "his her while but not or has have no where than some behind",
    "German": "der die das und ist ein eine mit im auf den von zu nicht sind dem des einer",  # codespell:ignore ist
    "French": "le la les et est une un des dans avec sur du au qui ce cette pas",
    "Spanish": "el la los las y es una un de con en del que se por su al",
    "Italian": "il la di e un una con che nel del della sono gli per",
    "Portuguese": "o os as um uma de com em que do da no na se por",
}
_LITTLE = {language: frozenset(words.split()) for language, words in _LITTLE_WORDS.items()}

_BROKEN = re.compile(r"\ufffd|\ufeff|[\x00-\x08\x0b-\x1f\x7f-\x9f]|Ã[\x80-\xbf©¨¤¶¼]|â€|Â[ °]")

VOCABULARY: dict[tuple[str, str], re.Pattern[str]] = {
    place: re.compile(rf"\b({stems})", re.IGNORECASE)
    for place, stems in {
        ("IVF", "a"): "infra-?red|therm|heat|hot|warm|cool|cold|temperature|glow",
        ("IVF", "b"): "visible|visual|light|lit\\b|colou?r|day|night|dark|sun|shadow|lamp|bright|illumin|dusk|dim",
        ("MIF", "a"): "MRI?\\b|magnetic|T[12]|brain|tissue|ventric|cort|matter|signal|slice|scan",
        (
            "MIF",
            "b",
        ): "CT\\b|PET\\b|SPECT\\b|tomogra|tracer|uptake|metabol|perfus|bone|skull|brain|functional|slice|scan",
        ("MEF", "a"): "over-?\\s?expos|expos|bright|highlight|washed|blown|light|shadow",
        ("MEF", "b"): "under-?\\s?expos|expos|dark|shadow|dim|highlight",
        ("MFF", "a"): "focus|sharp|blur|foreground|near|close|crisp|defocus|depth",
        ("MFF", "b"): "focus|sharp|blur|background|far|distan|crisp|defocus|depth",
    }.items()
}
"""Words of which a text about such an image has at least one; beginnings of words."""


def problems_of(
    text: str, task: str | None, side: str | None, *, any_language: bool = False
) -> Iterator[tuple[str, str]]:
    """Find what is wrong with one text, apart from what only shows beside others.

    Args:
        text: As it stands in the file.
        task: What pairs it belongs to; None for unknown.
        side: `a` or `b`, or None for unknown.
        any_language: Other languages than English are welcome.

    Yields:
        Kind of the problem, and what was found.
    """
    words = words_of(text)
    if not words:
        yield "empty", "there are no words"
        return
    if found := _BROKEN.search(text):
        yield "encoding", f"{found[0]!r} in it; it was read or written in another encoding than UTF-8"
    if found := _REFUSAL.search(text):
        yield "refusal", _quote(text, found)
    if found := _LEFTOVER.search(text):
        yield "leftover", _quote(text, found)
    if not any_language and (language := _foreign(text, words)):
        yield "language", language
    if number := _numbers(text):
        yield "numbers", number
    if not SHORTEST <= len(words) <= LONGEST:
        yield "length", f"{len(words)} words; {SHORTEST} to {LONGEST} make a paragraph"
    if task and not any_language:
        sides = (side,) if side else ("a", "b")
        if not any(VOCABULARY[task, one].search(text) for one in sides):
            yield "task", f"nothing says that it is about {' or '.join(_kind(task, one) for one in sides)}"


def words_of(text: str) -> list[str]:
    """Cut a text into words in lower case, without numbers."""
    return re.findall(r"[^\W\d_]+", text.lower())


def _kind(task: str, side: str) -> str:
    names = {"IVF": ("infrared", "visible light"), "MIF": ("MRI", "CT, PET or SPECT")}
    names |= {"MEF": ("over-exposure", "under-exposure"), "MFF": ("near focus", "far focus")}
    return names[task]["ab".index(side)]


def _quote(text: str, found: re.Match[str]) -> str:
    """What was found, with a little of what stands around it."""
    start, end = max(found.start() - 10, 0), min(found.end() + 30, len(text))
    return repr(" ".join(text[start:end].split()))


def _foreign(text: str, words: list[str]) -> str | None:
    letters = [letter for letter in text if letter.isalpha()]
    foreign = sum(letter > "\u024f" for letter in letters)
    if foreign > _FOREIGN * len(letters):
        return f"{foreign} of {len(letters)} letters are of another script than Latin"
    if len(words) < _FEW_WORDS:
        return None
    shares = {language: sum(word in little for word in words) / len(words) for language, little in _LITTLE.items()}
    most = max(shares, key=shares.__getitem__)
    if most != "English" and shares[most] > shares["English"] + 0.05:
        return f"it seems to be {most}"
    return None if shares["English"] >= _ENGLISH else "hardly a word that English sentences are made of"


def _numbers(text: str) -> str | None:
    if found := _COORDINATES.search(text):
        return f"coordinates or pixels: {_quote(text, found)}"
    plain = _NAMES.sub(" ", _QUOTES.sub(" ", text))
    found = re.search(r"\d[\d.,]*\s*%?", plain)
    return f"a number: {_quote(plain, found)}" if found else None
