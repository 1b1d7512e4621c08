"""What a text can ask for: the names that wordings, targets and readers share."""

from film.tasks import TASKS

REGIONS = ("left", "right", "top", "bottom", "centre")

_PAIRS = (
    ("emphasise_a", "emphasise_b"),
    ("heat", "less_heat"),
    ("uptake", "less_uptake"),
    ("soft_tissue", "bone"),
    ("natural_brightness", "thermal_brightness"),
    ("brighter", "darker"),
    ("more_contrast", "less_contrast"),
    ("sharper", "softer"),
    ("denoise", "keep_grain"),
)
OPPOSITES: dict[str, str] = {key: other for pair in _PAIRS for key, other in (pair, pair[::-1])}
"""Instructions, and the opposite of each."""

ONLY_OF: dict[str, str] = {
    **dict.fromkeys(("heat", "less_heat", "natural_brightness", "thermal_brightness"), "IVF"),
    **dict.fromkeys(("uptake", "less_uptake", "soft_tissue", "bone"), "MIF"),
}
"""Instructions that mean something for one task only."""

PLACES: dict[str, str] = {"heat": "a", "less_heat": "a", "uptake": "b", "less_uptake": "b", "bone": "b"}
"""Instructions about what is bright in a source, and in which."""

INSTRUCTIONS = (*OPPOSITES, "first", "second")
"""What can be asked for: `first` and `second` are the image shown first or second, whichever source it is."""

CONCEPTS = (*TASKS, *INSTRUCTIONS, *REGIONS, "weak", "strong", "swapped")
"""What a text can name: the task that counts, instructions, regions, degrees, and that source B comes first."""
