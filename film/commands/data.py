"""`film data check` and `film data prepare`: is a data set whole, and faster to read."""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from film.commands.arguments import CommandParser
from film.data.checking import Found, SetReport, check_hdf5, check_vlf
from film.data.packed import pack
from film.data.sets import find_root, open_set
from film.data.source import Reading
from film.data.vlf import vlf_sets, vlf_splits
from film.errors import FilmError
from film.tasks import TASKS

EXAMPLES = """\
examples:
  film data check data                       pairs, sizes, broken files, texts that stand twice, train/test leaks
  film data check VLFDataset_h5/MSRS_train.h5
  film data prepare data -o data/prepared    decode once; train with --data.init_args.root data/prepared
  film data prepare data -o data/prepared --set MSRS --words features
"""


def main(arguments: Sequence[str]) -> int:
    """Run `film data`.

    Args:
        arguments: What follows `film data`.

    Returns:
        0; or 1 if `check` found something wrong.

    Raises:
        FilmError: Bad input.
    """
    action, *rest = arguments or ["--help"]
    if action == "check":
        return _check(rest)
    if action == "prepare":
        return _prepare(rest)
    if action in ("-h", "--help"):
        print(f"usage: film data check ROOT\n       film data prepare ROOT -o FOLDER\n\n{EXAMPLES}")
        return 0
    raise FilmError(f"unknown action {action!r}; choose from check, prepare (see film data --help)")


def _check(arguments: Sequence[str]) -> int:
    parser = CommandParser(
        "film data check",
        "Look at every pair: is it complete, readable, of one size, described once, and in one list only? "
        "Leaves with 1 if something is wrong.",
        epilog=EXAMPLES,
    )
    parser.add_argument("root", type=Path, metavar="ROOT", help="data folder in the VLF layout, or an HDF5 file")
    root = parser.parse_args(arguments).root
    reports = [check_hdf5(root, _progress)] if root.is_file() else list(check_vlf(find_root(root), _progress))
    print(_table(reports))
    problems = [f"{report.title}: {problem}" for report in reports for problem in report.problems]
    print(*problems, f"{len(problems)} problems" if problems else "no problems", sep="\n")
    return 1 if problems else 0


def _table(reports: Sequence[SetReport]) -> str:
    columns = list(dict.fromkeys(split for report in reports for split in report.counts))
    rows = [["set", *columns, "size", "texts", "problems"]]
    for report in reports:
        counts = [str(report.counts.get(column) or "-") for column in columns]
        rows.append([report.title, *counts, _sizes(report), str(report.texts or "-"), str(len(report.problems))])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _sizes(report: SetReport) -> str:
    if len(report.sizes) == 1:
        width, height = next(iter(report.sizes))
        return f"{width}x{height}"
    return f"{len(report.sizes)} sizes" if report.sizes else "-"


def _prepare(arguments: Sequence[str]) -> int:
    options = _prepare_parser().parse_args(arguments)
    root = find_root(options.root)
    chosen = list(_chosen(root, options))
    reading = Reading(words=options.words, seed=options.split_seed, val_share=options.val_share)
    for task, name in chosen:
        for split in vlf_splits(root, task, name):
            source = open_set(root, task, name=name, split=split, reading=reading)
            folder = options.output / task / name / split
            count = sum(1 for _ in _progress(pack(source, folder), total=len(source), desc=f"{task}/{name} {split}"))
            size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
            print(f"{task}/{name} {split}: {count} pairs, {size / 1e6:.1f} MB -> {folder}")
    return 0


def _prepare_parser() -> CommandParser:
    parser = CommandParser(
        "film data prepare",
        "Decode all pairs once and write their luminance into memory-mapped files, which training reads without "
        "decoding. Take the output as root of the data module.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add("root", type=Path, metavar="ROOT", help="data folder in the VLF layout")
    add("-o", "--output", type=Path, required=True, metavar="FOLDER", help="where TASK/SET/SPLIT are written")
    add("--set", action="append", default=[], metavar="NAME", help="only this set; repeatable")
    add("--task", type=str.upper, choices=TASKS, metavar="|".join(TASKS), help="only the sets of this task")
    add("--words", choices=("words", "features", "task"), default="words", help="texts, or text features, to include")
    add("--val-share", type=float, default=0.05, metavar="X", help="part of a train list that validates; default: 0.05")
    add("--split-seed", type=int, default=0, metavar="N", help="seed of that part; default: 0")
    return parser


def _chosen(root: Path, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    sets = [(task, name) for task, name in vlf_sets(root) if options.task in (None, task)]
    if unknown := set(options.set) - {name for _, name in sets}:
        known = ", ".join(name for _, name in sets)
        raise FilmError(f"there is no set {min(unknown)!r} in {root}; there are {known or 'none'}")
    if not sets:
        raise FilmError(f"{root} holds no data set: there is no folder Image/TASK/SET in it")
    return (found for found in sets if not options.set or found[1] in options.set)


def _progress(results: Iterable[Found], *, total: int, desc: str) -> Iterable[Found]:
    return tqdm(results, total=total, desc=desc, unit=" pairs", leave=False)
