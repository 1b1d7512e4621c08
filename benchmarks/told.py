"""Does a network do what is asked of it if there is nothing to mishear?

    python benchmarks/told.py --model film-small [--data FOLDER] [--pairs N]

Tells the network which instruction is meant, in place of saying it: for how many test pairs the property moved as asked
against the same without an instruction, and the mean absolute change in grey levels. What `film evaluate
--instructions` falls short of this is misheard.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from sample_pairs import SETS, options_of, pairs_of
from tqdm import tqdm

from film.commands.evaluation.luminance import luminance_levels
from film.commands.evaluation.properties import PROPERTIES
from film.concepts import CONCEPTS
from film.data.wordings import concerns, load_wordings, scan_of
from film.imaging.colour import luminance_of
from film.imaging.files import read_image
from film.imaging.picture import Picture
from film.network import FusionNetwork
from film.pipeline import FusionPipeline
from film.tasks import SENTENCES


def main() -> None:
    """Print one row for each set and instruction."""
    options = options_of(__doc__, pairs=20)
    network = FusionPipeline.load(options.model, device="cpu").model.network
    print("| set | told | obeyed | mean abs. change |\n| --- | --- | --: | --: |")
    total: list[bool] = []
    for name in SETS:
        found: dict[str, list[tuple[bool, float]]] = {}
        task = name.partition("/")[0]
        for pair in tqdm(pairs_of(options, name), desc=name, leave=False):
            keys = [key for key in load_wordings().keys(task) if concerns(key, scan_of(pair[0].stem))]
            for key, moved, change in measure(network, task, keys, *map(read_image, pair)):
                found.setdefault(key, []).append((moved, change))
        for key, values in found.items():
            moved, change = np.mean(values, 0)
            print(f"| {name} | {key} | {moved:.0%} | {change:.1f} |")
            total += [moved for moved, _ in values]
    print(f"\n{np.mean(total):.1%} of {len(total)}")


def measure(
    network: FusionNetwork, task: str, keys: Sequence[str], a: Picture, b: Picture
) -> Iterator[tuple[str, bool, float]]:
    """For each of these instructions: whether it is obeyed, and how much the image changes."""
    sources = luminance_of(a), luminance_of(b)
    levels = [luminance_levels(x.pixels) for x in (a, b)]
    words = network.encode_text([SENTENCES[task]])

    @torch.no_grad()
    def fuse(*said: str) -> np.ndarray:
        named = torch.tensor([[float(concept in said) for concept in CONCEPTS]])
        return luminance_levels(network(*sources, words, named=named)[0, 0].numpy())

    plain = fuse(task)
    for key in keys:
        fused = fuse(task, key)
        rise = PROPERTIES[key](fused, *levels) - PROPERTIES[key](plain, *levels)
        yield key, bool(rise > 0), float(np.abs(fused - plain).mean())


if __name__ == "__main__":
    main()
