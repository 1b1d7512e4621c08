"""The four tasks: their names, the two sources of each, and the sentence that asks for the fusion.

Order and folder names of the sources are those of the VLF data set (Zhao et al., ICML 2024).
"""

import re

TASKS: tuple[str, ...] = ("IVF", "MIF", "MEF", "MFF")

SOURCES: dict[str, tuple[str, str]] = {
    "IVF": ("IR", "VI"),
    "MIF": ("MRI", "T"),
    "MEF": ("OVER", "UNDER"),
    "MFF": ("NEAR", "FAR"),
}

TITLES: dict[str, str] = {
    "IVF": "infrared + visible",
    "MIF": "medical (MRI + CT, PET or SPECT)",
    "MEF": "over-exposed + under-exposed",
    "MFF": "near focus + far focus",
}

SENTENCES: dict[str, str] = {
    "IVF": "Fuse an infrared image and a visible image: keep the hot targets bright and the visible texture.",
    "MIF": "Fuse an MRI image with a CT, PET or SPECT image: keep soft tissue, bone and tracer uptake.",
    "MEF": "Fuse an over-exposed image and an under-exposed image: keep detail in highlights and shadows.",
    "MFF": "Fuse a near-focus image and a far-focus image: keep whatever is sharp in either.",
    "neutral": "Fuse the two images of one scene: keep the detail of both.",
}

# What only pairs of one task have: a text with such words, and none of another task's, is about that task.
_NAMES: dict[str, str] = {
    "IVF": r"(?i:\binfra-?red\b(?! sensor)|\bthermal (?:image|camera|picture)|\bvisible[- ](?:light|image))|\bIR\b",
    "MIF": r"\b(?:MRI?|CT|PET|SPECT)\b|(?i:\bmagnetic resonance|\bcomputed tomograph|\btracer\b)",
    "MEF": r"(?i:\b(?:over|under)-?exposed (?:image|photo|picture|frame|shot)"
    r"|\bmulti-?exposure|\bexposure (?:bracket|fusion)|\bexposures\b)",
    "MFF": r"(?i:\bmulti-?focus|\b(?:near|far)[- ]focus|\bfocus(?:ed)? on the (?:near|far)"
    r"|\bfoc(?:us|al) (?:bracket|stack))",
}


def task_named(text: str) -> str | None:
    """The one task whose pairs a text speaks of; None if there is none, or more than one."""
    named = [task for task, words in _NAMES.items() if re.search(words, text)]
    return named[0] if len(named) == 1 else None


def source_named(folder: str) -> tuple[str, str] | None:
    """Say which source a folder of this name holds: task and `a` or `b`; None for any other name.

    Letters may be of any case, except that `T`, which is also short for anything, must be a capital.
    """
    name = folder if folder == "t" else folder.upper()
    return next(((task, "ab"[names.index(name)]) for task, names in SOURCES.items() if name in names), None)
