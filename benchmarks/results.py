"""Make docs/results.md: published results of other methods, models and trivial baselines, by one tool on one set.

`python benchmarks/results.py [--data FOLDER] [--model NAME]…`. FOLDER holds `VLFDataset` and `peers`; without it,
FILM_DATA says where they are. The tables and reports of `film evaluate` stay in outputs/results, and a second run
measures only what is new.
"""

import argparse
import os
from pathlib import Path

from film.cli import main as film

SETS = {
    "IVF/MSRS": "20 of the 361 test pairs, those that SeAFusion's release holds",
    "IVF/RoadScene": "the usual 50 test pairs, or those of them that every method has",
    "IVF/VIFB": "all 21 pairs",
    "MIF/Harvard": "test pairs that every method has",
    "MEF/SICE": "5 pairs",
    "MFF/Lytro": "all 20 pairs",
}
PUBLISHED = {  # EN SD SF AG VIF Qabf; test pairs of the paper where known
    "IVF/MSRS": ("6.72 43.17 11.70 3.84 1.06 0.73", "361"),
    "IVF/RoadScene": ("7.43 49.25 17.34 6.60 0.69 0.62", "not known here"),
    "MIF/Harvard": ("4.74 65.26 23.36 6.19 0.78 0.76", "not known here"),
    "MEF/SICE": ("7.07 54.21 19.42 5.15 1.05 0.79", "90"),
    "MFF/Lytro": ("7.56 59.15 19.57 6.97 0.98 0.74", "20"),
}
ROOT = Path(__file__).parent.parent
INTRODUCTION = """\
# Results

Fused images that other methods have published, measured by `film evaluate` on the pairs that all of them have, beside
trivial baselines: the sources themselves (`a`, `b`), their mean and maximum, a Laplacian pyramid. One tool, one run,
8-bit luminance, nothing stretched, float64. **Bold** is best, *italics* second, baselines included; `rank` is the mean
place over all metrics. What each metric is, and why other tools report other numbers: [metrics.md](metrics.md).

Made by

```bash
{command}
```

Read the baselines first. A copy of one source (`a` or `b`) has VIF above 1 and a high MI; its VIF_min is low wherever
the sources differ. On infrared and focus pairs the maximum or a Laplacian pyramid is level with the learned methods.
"""
CLOSING = """\
## What the paper of FILM reports

Quoted from Zhao et al., *Image Fusion via Vision-Language Model* (ICML 2024), not measured here: other test pairs, and
images stretched to their own minimum and maximum. Its VIF for multi-exposure and multi-focus is on another scale than
this definition gives. Don't compare these rows with the tables above.

| set | test pairs | EN | SD | SF | AG | VIF | Qabf |
| --- | --: | --: | --: | --: | --: | --: | --: |
"""


def main() -> None:
    """Measure every set that has peers and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("FILM_DATA"), help="default: FILM_DATA")
    parser.add_argument("--model", action="append", default=[], help="also fuse with this model; repeatable")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "results.md")
    options = parser.parse_args()
    if options.data is None:
        parser.error("set FILM_DATA, or give --data, to the folder that holds VLFDataset and peers")
    models = [word for model in options.model for word in ("--model", model)]
    command = " ".join(["python benchmarks/results.py", *models])
    page = [INTRODUCTION.format(command=command)]
    page += [section(Path(options.data), name, about, models) for name, about in SETS.items()]
    rows = (f"| {name} | {count} | {' | '.join(row.split())} |\n" for name, (row, count) in PUBLISHED.items())
    options.output.write_text("\n".join([*page, CLOSING + "".join(rows)]), encoding="utf-8")


def section(data: Path, name: str, about: str, models: list[str]) -> str:
    """Measure one set and return its part of the page."""
    output = Path("outputs") / "results" / name
    peers = data / "peers" / name.partition("/")[2]
    arguments = [
        "--fused",
        str(peers),
        *models,
        "--data",
        str(data),
        "--set",
        name,
        "--split",
        "all",
        "--allow-missing",
    ]
    if film(["evaluate", *arguments, "--output", str(output)]) != 0:
        raise SystemExit(f"{name} could not be measured")
    return f"## {name}\n\n{about[0].upper()}{about[1:]}.\n\n{(output / 'summary.md').read_text(encoding='utf-8')}"


if __name__ == "__main__":
    main()
