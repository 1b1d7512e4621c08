"""The four tasks: their names, the two sources of each, and the sentence that asks for the fusion.

Order and folder names of the sources are those of the VLF data set (Zhao et al., ICML 2024).
"""

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


def source_named(folder: str) -> tuple[str, str] | None:
    """Say which source a folder of this name holds: task and `a` or `b`; None for any other name.

    Letters may be of any case, except that `T`, which is also short for anything, must be a capital.
    """
    name = folder if folder == "t" else folder.upper()
    return next(((task, "ab"[names.index(name)]) for task, names in SOURCES.items() if name in names), None)
