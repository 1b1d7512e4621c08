"""Do the places that a word is about listen to it more than others?

    python benchmarks/attention.py --model film-small [--data FOLDER] [--pairs N]

Says an instruction with a place in it about test pairs, and takes the attention of every place to the one word. The
share of it that falls inside the region, divided by the region's share of the image, is 1 by chance. `above` counts
the pairs with more than 1.
"""

import numpy as np
import torch
import torch.nn.functional as F
from sample_pairs import SETS, options_of, pairs_of
from tqdm import tqdm

from film.commands.attention import find, listen
from film.concepts import REGIONS
from film.data.rules import bright_regions
from film.imaging.colour import luminance_of
from film.imaging.files import read_image
from film.imaging.picture import Picture
from film.layers.regions import region_mask
from film.pipeline import FusionPipeline
from film.tasks import SENTENCES

BRIGHT = {"IVF": ("a", "Make the hot spots stand out.", "hot"), "MIF": ("b", "Make the uptake stand out.", "uptake")}


def main() -> None:
    """Print one row for each set and word."""
    options = options_of(__doc__, pairs=20)
    pipeline = FusionPipeline.load(options.model)
    print("| set | word | attention inside / by chance | above | pairs |\n| --- | --- | --: | --: | --: |")
    for name in SETS:
        chosen = pairs_of(options, name)
        ratios: dict[str, list[float]] = {}
        for pair in tqdm(chosen, desc=name, leave=False):
            for word, ratio in measure(pipeline, name.partition("/")[0], *map(read_image, pair)):
                ratios.setdefault(word, []).append(ratio)
        for word, values in ratios.items():
            above = sum(value > 1 for value in values)
            print(f"| {name} | {word} | {np.mean(values):.3f} | {above} | {len(values)} |")


def measure(pipeline: FusionPipeline, task: str, a: Picture, b: Picture) -> list[tuple[str, float]]:
    """For each word: its attention inside the place that it names, over what chance would put there."""
    image = luminance_of(a)
    said = [(region, f"Brighten the {region}.", region_mask(region, image)) for region in REGIONS]
    side, text, word = BRIGHT[task]
    said.append((word, text, bright_regions(luminance_of(a if side == "a" else b))))
    return [(word, _inside(pipeline, (a, b), (SENTENCES[task], text), word, mask)) for word, text, mask in said]


def _inside(
    pipeline: FusionPipeline, pair: tuple[Picture, Picture], texts: tuple[str, str], word: str, mask: torch.Tensor
) -> float:
    weights = find(word, listen(pipeline, *pair, texts)).weights
    area = F.interpolate(mask, weights.shape, mode="area")[0, 0].numpy()
    return float((weights * area).sum() / weights.sum() / area.mean())


if __name__ == "__main__":
    main()
