"""`film describe IMAGES… -o TEXTS`: a paragraph about each image, made by a describer."""

import argparse
import logging
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from film.commands.arguments import CommandParser
from film.commands.describing.options import add_describer, open_describer, take_overrides
from film.commands.sharding import SHARD_HELP, find_shard
from film.errors import FilmError
from film.tasks import SOURCES, TASKS

if TYPE_CHECKING:
    from film.commands.describing.jobs import Job

EXAMPLES = """\
examples:
  film describe photos/ -o texts/                          offline; what is measured, in words
  film describe ir/ --pair-with vi/ -o texts/ir            the folder says what they are: infrared
  film describe scan.png --task MIF --side a -o texts/
  film describe --data data --set IVF/MSRS --split test    into data/VLFDataset/Text/IVF/MSRS/{IR,VI}
  film describe photos/ -o texts/ --describer openai --describer.model=gpt-5-mini --dry-run
  film describe photos/ -o texts/ --shard 0/8
"""
_log = logging.getLogger("film")


def main(arguments: Sequence[str]) -> int:
    """Run `film describe`.

    Args:
        arguments: What follows `film describe`.

    Returns:
        0; or 1 if some images couldn't be described.

    Raises:
        FilmError: Bad input, found before any image was read; or nothing more could be described.
    """
    rest, overrides = take_overrides(arguments)
    options = _parser().parse_args(rest)
    shard = find_shard(options.shard)
    jobs = [job for job in _jobs(options) if shard.holds(job.key)]
    kinds = Counter(
        f"{job.task} {SOURCES[job.task]['ab'.index(job.side)]}" if job.task and job.side else "plain" for job in jobs
    )
    what = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    _log.info("%simages: %s", f"part {shard} of the " * (shard.count > 1), what or "none")
    overrides |= {name: value for name in ("max_cost", "max_tokens", "batch") if (value := getattr(options, name))}
    describer = open_describer(options, overrides)
    if describer is None:
        raise FilmError("--describer none describes nothing; leave it out for the offline default")
    if not options.dry_run:
        describer.check()
    from film.commands.describing.work import Describing

    work = Describing(describer, jobs, overwrite=options.overwrite, dry=options.dry_run)
    if options.dry_run:
        print(work.plan())
        return 0
    _check_writable({job.target.parent for job in jobs})
    try:
        work.run()
    finally:
        print(*work.failures, sep="\n", end="\n" * bool(work.failures))
    return 1 if work.failures else 0


def _parser() -> CommandParser:
    parser = CommandParser(
        "film describe",
        "Write one paragraph about each image as <stem>.txt, and beside it <stem>.json: how it was made. A later run "
        "goes on where this one stopped: it makes only what is missing, or was made of another image or with other "
        "settings; texts that you edited are kept.",
        epilog=EXAMPLES,
    )
    what = parser.add_argument_group("what is described")
    add = what.add_argument
    add("images", type=Path, nargs="*", metavar="IMAGES", help="images, or folders of images")
    add("-o", "--output", type=Path, metavar="DIR", help="folder for the texts; with --data: root, default: that of it")
    add("--data", type=Path, metavar="ROOT", help="in place of IMAGES: the folder that holds VLFDataset, or that")
    add(
        "--set",
        action="append",
        default=[],
        metavar="TASK/SET",
        help="with --data: which set; repeatable; default: all",
    )
    add("--split", choices=("train", "test", "all"), metavar="train|test|all", help="with --data; default: all")
    add(
        "--task",
        type=str.upper,
        choices=TASKS,
        metavar="|".join(TASKS),
        help="what pairs the images are sources of; default: as the name of their folder says (IR, VI, MRI, T, OVER, "
        "UNDER, NEAR, FAR), else plain images; with --data: only this task",
    )
    add(
        "--side",
        choices=("a", "b"),
        metavar="a|b",
        help="which source they are; default: as above; with --data: only it",
    )
    add(
        "--pair-with",
        type=Path,
        metavar="DIR",
        help="folder with the other source of each, by the same name, to compare",
    )
    how = parser.add_argument_group("how")
    add = how.add_argument
    add_describer(how, default="statistics")
    add("--max-cost", metavar="X", help="stop before the describer has spent more, in the currency of its prices")
    add("--max-tokens", metavar="N", help="stop before the describer has used more tokens")
    add("--batch", action="store_const", const="true", help="send everything as one batch job, where the describer can")
    add(
        "--dry-run",
        action="store_true",
        help="say what would be done, and where known what it would cost; send nothing",
    )
    add("--overwrite", action="store_true", help="also replace texts that were edited by hand or come from elsewhere")
    add("--shard", metavar="i/n", help=SHARD_HELP)
    return parser


def _jobs(options: argparse.Namespace) -> "list[Job]":
    """List what was asked for, after refusing what doesn't go together."""
    from film.commands.describing.jobs import jobs_of_images, jobs_of_sets

    if bool(options.images) == bool(options.data):
        raise FilmError("give images or folders, or --data ROOT; one of them (see film describe --help)")
    if options.data:
        if options.pair_with:
            raise FilmError("--pair-with belongs to images; with --data the partners are known")
        where = {"task": options.task, "side": options.side, "output": options.output}
        return jobs_of_sets(options.data, options.set, split=options.split or "all", **where)
    if options.set or options.split:
        raise FilmError("--set and --split belong to --data ROOT")
    if options.output is None:
        raise FilmError("where do the texts go? say --output DIR")
    asked = {"task": options.task, "side": options.side, "pair_with": options.pair_with}
    return jobs_of_images(options.images, options.output, **asked)


def _check_writable(folders: Iterable[Path]) -> None:
    """Find out before the work whether texts can be written, leaving nothing behind."""
    places = {next(place for place in (folder, *folder.absolute().parents) if place.exists()) for folder in folders}
    for place in sorted(places):
        _try(place)


def _try(folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):  # permission bits don't tell about read-only and special file systems
            pass
    except OSError as error:
        raise FilmError(f"can't write into {folder}: {error.strerror}; choose another --output") from error
