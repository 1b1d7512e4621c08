"""Does an instruction for one half of the image change that half, and only that?

    python benchmarks/regions.py --model film-small [--data FOLDER] [--pairs N]

Says "Make the left half darker." and its like about test pairs: the mean change of the fused luminance inside and
outside the half, in grey levels, against the same text without the instruction.
"""

import numpy as np
from sample_pairs import options_of, pairs_of
from tqdm import tqdm

from film.commands.evaluation.luminance import luminance_levels
from film.imaging.files import read_image
from film.imaging.picture import Picture
from film.pipeline import FusionPipeline

SETS = ("IVF/MSRS", "MFF/Lytro")
HALVES = ("left", "right", "top", "bottom")


def main() -> None:
    """Print one row for each set."""
    options = options_of(__doc__, pairs=8)
    pipeline = FusionPipeline.load(options.model)
    print(f"| inside, outside | {' | '.join(HALVES)} |\n|---|{'--:|' * len(HALVES)}")
    for name in SETS:
        chosen = pairs_of(options, name)
        task = name.partition("/")[0]
        changes = [measure(pipeline, task, *map(read_image, pair)) for pair in tqdm(chosen, desc=name, leave=False)]
        cells = [f"{inside:.1f}, {outside:.1f}" for inside, outside in np.mean(changes, 0)]
        print(f"| {name} | {' | '.join(cells)} |")


def measure(pipeline: FusionPipeline, task: str, a: Picture, b: Picture) -> list[tuple[float, float]]:
    """For each half, how much it and the rest change."""

    def fuse(text: str | None) -> np.ndarray:
        words = pipeline.encode(task=task, text=text)
        return luminance_levels(pipeline.fuse(a, b, words=words, grey=True).pixels).astype(np.float32)

    plain = fuse(None)
    rows, columns = (np.arange(size) < size // 2 for size in plain.shape)
    masks = {"left": columns[None], "right": ~columns[None], "top": rows[:, None], "bottom": ~rows[:, None]}
    changes = []
    for half in HALVES:
        change, inside = fuse(f"Make the {half} half darker.") - plain, np.broadcast_to(masks[half], plain.shape)
        changes.append((float(change[inside].mean()), float(change[~inside].mean())))
    return changes


if __name__ == "__main__":
    main()
