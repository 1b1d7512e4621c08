"""Are instructions obeyed as people say them?

    python benchmarks/obedience.py --model film-small [--data FOLDER]

Fuses twenty test pairs of each set with and without each instruction, in the wordings of `instructions/`, which were
written without sight of those that are trained on, and counts how often the property moved as asked; as `film evaluate
--describer statistics --instructions benchmarks/instructions/mixed.yaml` does, without measuring anything else.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from sample_pairs import SETS, options_of
from tqdm import tqdm

from film.commands.evaluation.cases import find_set
from film.commands.evaluation.obedience import measure_obedience
from film.concepts import OPPOSITES
from film.describers.statistics import StatisticsDescriber

LISTS = sorted(Path(__file__).with_name("instructions").glob("*.yaml"))


def main() -> None:
    """Print one row for each instruction."""
    options = options_of(__doc__, pairs=20)
    cells: dict[tuple[str, str], list[float]] = {}
    for name in tqdm(SETS, leave=False):
        task, sources = name.partition("/")[0], find_set(Path(options.data), name, "test")
        for wordings in LISTS:
            found = measure_obedience(
                options.model,
                sources,
                task=task,
                texts=None,
                device="cpu",
                describer=StatisticsDescriber(),
                set_name=name,
                wordings=wordings,
                pairs=options.pairs,
            )
            for row in found:
                cells.setdefault((row.instruction, name), []).append(row.moved)
    print(f"| obeyed, of {options.pairs * len(LISTS)} pairs | {' | '.join(SETS)} |\n| --- {'| --: ' * len(SETS)}|")
    for key in OPPOSITES:
        print(f"| {key.replace('_', ' ')} | {' | '.join(_percent(cells.get((key, name), ())) for name in SETS)} |")
    every = [_percent(value for (_, of), values in cells.items() if of == name for value in values) for name in SETS]
    print(f"| all | {' | '.join(every)} |\n\n{_percent(value for values in cells.values() for value in values)} in all")


def _percent(shares: Iterable[float]) -> str:
    shares = list(shares)
    return f"{np.mean(shares):.0%}" if shares else ""


if __name__ == "__main__":
    main()
