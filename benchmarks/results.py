"""Make docs/results.md: models beside trivial baselines on whole test lists, and beside published results of others.

`python benchmarks/results.py [--data FOLDER] [--model NAME]… [--peers]`. FOLDER holds `VLFDataset` and `peers`; without
it, FILM_DATA says where they are. Without `--peers` the part about other methods stays as it is on the page. The tables
and reports of `film evaluate` stay in outputs/results, and a second run measures only what is new.
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
TESTS = ("IVF/MSRS", "IVF/RoadScene", "MIF/Harvard", "MEF/MEFB", "MEF/SICE", "MFF/Lytro", "MFF/RealMFF")
METRICS = "EN,SD,SF,AG,VIF,VIF_min,Qabf"
INTRODUCTION = """\
# Results

All numbers come from `film evaluate`: 8-bit luminance, nothing stretched, float64. **Bold** is best, *italics* second,
baselines included; `rank` is the mean place over all metrics. What each metric is, and why other tools report other
numbers: [metrics.md](metrics.md).

Read the baselines first: the sources themselves (`a`, `b`), their mean and maximum, a five-level Laplacian pyramid, and
exposure fusion (`mertens`). A copy of one source has VIF above 1 and a high MI; its VIF_min is low wherever the sources
differ.

## On the test lists

One checkpoint for all tasks, told by its text what the pair is: the sentence of the task, and the descriptions of the
`statistics` describer.

```bash
python benchmarks/results.py {models}
```
"""
PEERS = "## Beside published methods"
BESIDE = f"""\
{PEERS}

Fused images that other methods have published, measured on the pairs that all of them have.

```bash
python benchmarks/results.py {{models}} --peers
```
"""
CLOSING = """\
### What the paper of FILM reports

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
    parser.add_argument("--peers", action="store_true", help="measure the other methods too")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "results.md")
    options = parser.parse_args()
    if options.data is None:
        parser.error("set FILM_DATA, or give --data, to the folder that holds VLFDataset and peers")
    models = [word for model in options.model for word in ("--model", model)]
    told = [*models, "--describer", "statistics"] if models else []
    page = [INTRODUCTION.format(models=" ".join(models))]
    page += [tested(Path(options.data), name, told) for name in TESTS]
    if options.peers:
        page += [BESIDE.format(models=" ".join(models))]
        page += [compared(Path(options.data), name, about, told) for name, about in SETS.items()]
        rows = (f"| {name} | {count} | {' | '.join(row.split())} |\n" for name, (row, count) in PUBLISHED.items())
        page += [CLOSING + "".join(rows)]
    else:
        page += [PEERS + options.output.read_text(encoding="utf-8").partition(PEERS)[2]]
    options.output.write_text("\n".join(page), encoding="utf-8")


def tested(data: Path, name: str, models: list[str]) -> str:
    """Measure models and baselines on a test list and return its part of the page."""
    metrics = METRICS + (",MEF-SSIM" if name.startswith("MEF") else "")
    folder = evaluate("tests", name, [*models, "--data", str(data), "--set", name, "--metrics", metrics])
    return f"### {name}\n\n{(folder / 'summary.md').read_text(encoding='utf-8')}"


def compared(data: Path, name: str, about: str, models: list[str]) -> str:
    """Measure other methods, models and baselines on one set and return its part of the page."""
    source = ["--data", str(data), "--set", name, "--split", "all", "--allow-missing"]
    folder = evaluate("peers", name, ["--fused", str(data / "peers" / name.partition("/")[2]), *models, *source])
    return f"### {name}\n\n{about[0].upper()}{about[1:]}.\n\n{(folder / 'summary.md').read_text(encoding='utf-8')}"


def evaluate(part: str, name: str, arguments: list[str]) -> Path:
    """Run `film evaluate` and return the folder of its tables."""
    output = Path("outputs") / "results" / part / name
    if film(["evaluate", *arguments, "--output", str(output)]) != 0:
        raise SystemExit(f"{name} could not be measured")
    return output


if __name__ == "__main__":
    main()
