r"""Copy what was measured of film-small into its card, README and docs/text_guidance.md, and say which goals it misses.

    python benchmarks/results.py --model film-small
    for set in IVF/MSRS IVF/RoadScene MIF/Harvard; do
      film evaluate --model film-small --data $FILM_DATA --set $set --describer statistics --text-sensitivity \
        --instructions --no-baselines --metrics VIF,Qabf -o outputs/results/text/$set
    done
    python benchmarks/tables.py

The sentences around the tables are written by hand: read them again.
"""

import csv
import json
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = Path("outputs/results")
CARD, GUIDANCE = ROOT / "film/weights/film-small.md", ROOT / "docs/text_guidance.md"
MODEL = "film-small"
COLUMNS = ("EN", "SD", "SF", "AG", "VIF", "VIF_min", "Qabf", "MEF-SSIM")
GOALS: dict[str, dict[str, float]] = {
    "IVF/MSRS": {"SF": 11.8, "AG": 3.87, "VIF": 1.05, "VIF_min": 0.25, "Qabf": 0.725},
    "IVF/RoadScene": {"VIF": 0.8, "VIF_min": 0.24, "Qabf": 0.64},
    "MIF/Harvard": {"VIF": 0.8, "VIF_min": 0.15, "Qabf": 0.74},
    "MEF/MEFB": {"VIF": 1.5, "VIF_min": 0.69, "Qabf": 0.765},
    "MEF/SICE": {"Qabf": 0.8},
    "MFF/Lytro": {"SF": 19.3, "VIF": 1.34, "VIF_min": 0.6, "Qabf": 0.755},
    "MFF/RealMFF": {"VIF": 1.57, "Qabf": 0.765},
}
BASELINES = ("laplacian", "mertens", "max", "mean")


def main() -> None:
    """Fill the tables that are there."""
    results = {name: _summary(name) for name in GOALS if (RESULTS / "tests" / name).is_dir()}
    if results:
        _replace(CARD, "| set (pairs) | |", _results(results))
        _replace(ROOT / "README.md", "| set (pairs) | VIF", _short(results))
    texts = [RESULTS / "text" / name for name in GOALS if (RESULTS / "text" / name).is_dir()]
    if texts:
        sensitivity, obedience = _sensitivity(texts), _obedience(texts)
        for page in (CARD, GUIDANCE):
            _replace(page, "| mean abs. change of F", sensitivity)
            _replace(page, "| obeyed, of 20 pairs", obedience)


def _name(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


def _summary(name: str) -> dict[str, tuple[int, dict[str, float]]]:
    """Number of pairs and means of each method."""
    methods = json.loads((RESULTS / "tests" / name / "summary.json").read_text(encoding="utf-8"))["methods"]
    return {
        method: (row["n"], {metric: cell["mean"] for metric, cell in row["metrics"].items()})
        for method, row in methods.items()
    }


def _results(results: dict[str, dict[str, tuple[int, dict[str, float]]]]) -> list[str]:
    lines = [f"| set (pairs) | | {' | '.join(COLUMNS)} |", f"|---|---|{'--:|' * len(COLUMNS)}"]
    reached = total = 0
    for name, methods in results.items():
        goals = dict(GOALS[name])
        if "mertens" in methods:
            goals["MEF-SSIM"] = methods["mertens"][1]["MEF-SSIM"]
        for method in (MODEL, *(other for other in BASELINES if other in methods)):
            count, means = methods[method]
            first = f"{name} ({count}) | **{method}**" if method == MODEL else f" | {method}"
            cells = [f"{means[metric]:.4g}" if metric in means else "" for metric in COLUMNS]
            lines.append(f"| {first} | {' | '.join(cells)} |")
        lines.append(
            f"| | goal | {' | '.join(f'{goals[metric]:.4g}' if metric in goals else '' for metric in COLUMNS)} |"
        )
        total += len(goals)
        for metric, goal in goals.items():
            value = methods[MODEL][1][metric]
            reached += value >= goal
            if value < goal:
                print(f"{name} misses {metric}: {value:.4g} of {goal:.4g} ({value / goal - 1:+.1%})")
    print(f"{reached} of {total} goals reached")
    return lines


def _short(results: dict[str, dict[str, tuple[int, dict[str, float]]]]) -> list[str]:
    names = (MODEL, "laplacian", "max", "mean")
    titles = " · ".join((MODEL, "Laplacian", "max", "mean"))
    lines = [f"| set (pairs) | VIF: {titles} | Qabf: {titles} |", "|---|---|---|"]
    for name, methods in results.items():
        vif = " · ".join(f"{methods[method][1]['VIF']:.2f}" for method in names)
        qabf = " · ".join(f"{methods[method][1]['Qabf']:.3f}" for method in names)
        lines.append(f"| {name} ({methods[MODEL][0]}) | {vif} | {qabf} |")
    return lines


def _sensitivity(folders: list[Path]) -> list[str]:
    rows: dict[str, list[str]] = {}
    for folder in folders:
        for row in _rows(folder / "text_sensitivity.csv"):
            cell = f"{float(row['difference']):.1f} ({float(row['VIF']):+.3f}, {float(row['Qabf']):+.3f})"
            rows.setdefault(row["change"], []).append(cell)
    head = f"| mean abs. change of F (ΔVIF, ΔQabf) | {' | '.join(map(_name, folders))} |"
    return [head, f"|---|{'--:|' * len(folders)}", *(f"| {key} | {' | '.join(cells)} |" for key, cells in rows.items())]


def _obedience(folders: list[Path]) -> list[str]:
    rows: dict[str, dict[str, str]] = {}
    right = total = 0.0
    for folder in folders:
        for row in _rows(folder / "instructions.csv"):
            cell = f"({float(row['difference']):.1f})"
            if row["obeyed"]:
                cell = f"{float(row['obeyed']):.0%} {cell}".replace("%", " %")
                right += float(row["obeyed"]) * int(row["pairs"])
                total += int(row["pairs"])
            rows.setdefault(row["instruction"].replace("_", " "), {})[_name(folder)] = cell
    print(f"instructions obeyed: {right / total:.1%} of {total:.0f}")
    names = [_name(folder) for folder in folders]
    lines = [f"| {key} | {' | '.join(cells.get(name, '') for name in names)} |" for key, cells in rows.items()]
    return [f"| obeyed, of 20 pairs (mean abs. change) | {' | '.join(names)} |", f"|---|{'--:|' * len(names)}", *lines]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _replace(page: Path, begin: str, table: list[str]) -> None:
    """Put a table in place of the one whose head begins so."""
    lines = page.read_text(encoding="utf-8").split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith(begin))
    end = next(i for i in range(start, len(lines)) if not lines[i].startswith("|"))
    page.write_text("\n".join(lines[:start] + table + lines[end:]), encoding="utf-8")


if __name__ == "__main__":
    main()
