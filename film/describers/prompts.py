"""What language models are asked for, in the words of each kind of image, and what counts as an answer.

The shape is that of the paragraphs in the VLF data set (Zhao et al., ICML 2024); its prompt is not published, this one
is ours.
"""

import re
from collections.abc import Sequence

from film.errors import FilmError

PROMPT_VERSION = 1  # to be raised with every change of the words below: texts made with others are made anew

RULES = (
    "Write one paragraph of plain English: at most seven sentences, 35 to 100 words in all, no list, no heading. "
    "Name objects, materials and people, and say where they are in words (left, centre, foreground, behind), never by "
    "coordinates. Use no digits and no measurements. Say only what can be seen; leave out what is uncertain, and don't "
    "guess names of persons, places or diseases. Answer with the paragraph alone."
)

_NAMES: dict[tuple[str, str], str] = {
    ("IVF", "a"): "an infrared image",
    ("IVF", "b"): "a visible image",
    ("MIF", "a"): "an MRI image",
    ("MIF", "b"): "a CT, PET or SPECT image",
    ("MEF", "a"): "an over-exposed image",
    ("MEF", "b"): "an under-exposed image",
    ("MFF", "a"): "a near-focus image",
    ("MFF", "b"): "a far-focus image",
}

_MEANINGS: dict[tuple[str, str], str] = {
    ("IVF", "a"): (
        "taken by a thermal camera: grey levels are heat, as a rule brighter is warmer. Say which people, "
        "vehicles, animals or surfaces glow hot and how they stand out, what is cool and dark, and which outlines stay "
        "visible without light. Name no colours and no daylight; mention that it is infrared."
    ),
    ("IVF", "b"): (
        "taken by an ordinary camera in visible light. Say what light there is (day, dusk, night, lamps, glare, haze), "
        "which textures, surfaces and markings can be read, and what sinks into darkness, shadow or smoke; mention "
        "that it is visible light."
    ),
    ("MIF", "a"): (
        "a slice through the head that shows soft tissue. Say which parts can be told apart (grey and white matter, "
        "folds, ventricles, fluid, scalp, eyes, midline), which give bright and which give dark signal, whether both "
        " sides look alike, and where the signal is unusual. Describe, don't diagnose; mention that it is MRI."
    ),
    ("MIF", "b"): (
        "a slice through the head. If there is a bright, hard ring of skull, call it CT and describe bone, dense and "
        "dark areas; if there are soft glowing patches, call it PET or SPECT and say where tracer uptake is high, "
        "moderate or missing and whether both sides look alike. Describe, don't diagnose."
    ),
    ("MEF", "a"): (
        "exposed for long. Say what the long exposure brings out in the shadows, which bright areas (sky, windows, "
        "lamps, water) are washed out and have lost their detail; mention that it is over-exposed."
    ),
    ("MEF", "b"): (
        "exposed briefly. Say what the short exposure keeps in the bright areas (sky, clouds, windows, lamps), which "
        "parts sink into darkness and lose their detail; mention that it is under-exposed."
    ),
    ("MFF", "a"): (
        "focused on what is close to the camera. Say which things in the foreground are sharp, with their textures and "
        "edges, which things behind them are blurred, and where sharpness turns into blur; mention the near focus."
    ),
    ("MFF", "b"): (
        "focused on what is far from the camera. Say which things in the background are sharp, with their textures and "
        "edges, which things in front of them are blurred, and where sharpness turns into blur; mention the far focus."
    ),
}

_REFUSAL = re.compile(
    r"((i'm |i am )?(so |very )?sorry|i apologi[sz]e|unfortunately, i|as an ai|there is no image|no image (was|is)"
    r"|(i|we) (can't|cannot|can not|couldn't|could not|am unable|am not able|don't see (an|any|the) image)"
    r"|i'm (unable|not able)|please (provide|upload|share))\b",
    re.IGNORECASE,
)
_THOUGHTS = re.compile(r"\A\s*(<think>)?.*?</think>", re.DOTALL)  # some servers leave them in; the first tag may lack
_MARKS = re.compile(r"^\s*(#+\s|[-*•]\s)|[*_]{2}|^```\w*\s*$", re.MULTILINE)
_QUOTES = {'"': '"', "“": "”", "«": "»"}


def name_of(task: str | None, side: str | None, *, colour: bool) -> str:
    """Say what an image is, with its article: "an infrared image", without a task "a photo" or "a grey image".

    Args:
        task: IVF, MIF, MEF, MFF, or None.
        side: `a` or `b`, None together with `task`.
        colour: Whether there is any colour in it.
    """
    if task is None or side is None:
        return "a photo" if colour else "a grey image"
    return _NAMES[task, side]


def task_prompt(task: str | None, side: str | None, *, colour: bool) -> str:
    """Say what an image is and what to look for in it, without the rules of writing; arguments as in `name_of`."""
    if task is None or side is None:
        meaning = (
            "Say what the scene is, which things are in it and where, how the light falls, and what is sharp, blurred, "
            "bright or dark."
        )
        sentence = f"This is {name_of(task, side, colour=colour)}. {meaning}"
    else:
        sentence = f"This is {_NAMES[task, side]}, {_MEANINGS[task, side]}"
    if (task, side) == ("IVF", "a"):
        return sentence
    return f"{sentence} {_colours(task, side) if colour else 'It is grey: name no colours.'}"


def _colours(task: str | None, side: str | None) -> str:
    if task == "MEF":
        return "Say how the colours have come out."
    return "The colours stand for strength: name them." if (task, side) == ("MIF", "b") else "Name the colours."


def prompt(task: str | None, side: str | None, *, colour: bool, compared: bool = False) -> str:
    """Ask for the paragraph about one image.

    Args:
        task: IVF, MIF, MEF, MFF, or None for a plain photo or grey image.
        side: `a` or `b`, which source of such a pair it is; None together with `task`.
        colour: Whether there is any colour in it.
        compared: The other source of the pair is shown as a second image.
    """
    parts = [task_prompt(task, side, colour=colour)]
    if compared:
        other = {"a": "b", "b": "a"}.get(side or "")
        shown = f", {_NAMES[task, other]}," if task and other else ""
        parts.append(
            f"The second image{shown} shows the same scene. Describe the first one only, above all what it shows "
            "better or worse than the second."
        )
    return " ".join([*parts, RULES])


def paragraph(answer: str | None) -> str:
    """Make one paragraph of what a model answered: no thoughts, no Markdown, no line breaks, no quotes around it.

    Raises:
        FilmError: Nothing is left, or it is a refusal.
    """
    text = " ".join(_MARKS.sub(" ", _THOUGHTS.sub("", answer or "")).split())
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and text[-1] not in text[1:-1]:
        text = text[1:-1].strip()
    if not text:
        raise FilmError("the answer is empty; try again, or another model")
    if _REFUSAL.match(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")):
        raise FilmError(f"the model refused: «{text[:120]}»; try another model")
    return text


def notes_prompt(
    task: str | None,
    side: str | None,
    *,
    colour: bool,
    size: tuple[int, int],
    caption: str,
    regions: Sequence[tuple[str, Sequence[int]]],
    segments: Sequence[tuple[str, Sequence[int], float]],
) -> str:
    """Ask a model that doesn't see the image for the paragraph, from notes of models that do.

    Args:
        task: IVF, MIF, MEF, MFF, or None for a plain photo or grey image.
        side: `a` or `b`, which source of such a pair it is; None together with `task`.
        colour: Whether there is any colour in it.
        size: Width and height in pixels.
        caption: The whole image in a sentence.
        regions: Dense captions with their boxes (left, top, right, bottom) in pixels.
        segments: Names of the largest areas, with boxes and shares of the image from 0 to 1.
    """
    seen = [f"- {label} {list(box)}" for label, box in regions]
    areas = [f"- {label} {list(box)}, {share:.0%} of the image" for label, box, share in segments]
    return "\n".join(
        [
            "Describe an image that you can't see, from the notes of programs that can. "
            + task_prompt(task, side, colour=colour),
            "",
            f"Image size: {size[0]} x {size[1]} pixels. Boxes are [left, top, right, bottom] in pixels.",
            f"Caption: {caption or 'none'}",
            "Dense captions:",
            *(seen or ["- none"]),
            "Largest segments:",
            *(areas or ["- none"]),
            "",
            "The programs err at times, most of all on images that aren't photos. Keep to what several notes support, "
            f"turn boxes into places in words, and leave out what no note supports. {RULES}",
        ]
    )
