"""The arguments of `film evaluate`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from film.commands.arguments import CommandParser
from film.commands.describing.options import NONE, add_describer
from film.errors import FilmError
from film.tasks import TASKS

EXAMPLES = """\
examples:
  film evaluate --fused results/ --a ir/ --b vi/ --task IVF
  film evaluate --fused methods/ --data $FILM_DATA --set IVF/MSRS -o report/     one folder a method in methods/
  film evaluate --model film-small --model run.safetensors --data $FILM_DATA --set MFF/Lytro
  film evaluate --fused results/ --metrics EN,SD,AG                              needs no sources
"""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse and check the arguments.

    Raises:
        FilmError: An argument is wrong, or two do not go together.
    """
    options = _parser().parse_args(arguments)
    _check(options)
    return options


def _parser() -> CommandParser:
    parser = CommandParser(
        "film evaluate",
        "Measure fused images: any number of methods on the same pairs, beside trivial baselines. Images are paired "
        "by their names without suffix and measured on 8-bit luminance, round(0.299 R + 0.587 G + 0.114 B). Writes "
        "per_image.csv, summary.csv, .json, .md and .tex, and report.html; a second run measures only what is new.",
        epilog=EXAMPLES,
    )
    what = parser.add_argument_group("what is measured")
    add = what.add_argument
    add(
        "--fused",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="fused images of a method, which has the folder's name; or a folder of such folders; repeatable",
    )
    add(
        "--model",
        action="append",
        default=[],
        metavar="NAME|FILE",
        help="fuse the pairs with this model first, into OUTPUT/fused; repeatable",
    )
    add("--a", type=Path, metavar="DIR", help="first sources (infrared, MRI, over-exposed, near)")
    add("--b", type=Path, metavar="DIR", help="second sources (visible, CT/PET/SPECT, under-exposed, far)")
    add("--data", type=Path, metavar="ROOT", help="in place of --a and --b: the folder that holds VLFDataset, or that")
    add("--set", metavar="TASK/SET", help="with --data: which set, IVF/MSRS")
    add("--split", default="test", metavar="NAME", help="with --data: train, val, test (default) or all")
    how = parser.add_argument_group("how")
    add = how.add_argument
    add(
        "--task",
        type=str.upper,
        choices=TASKS,
        metavar="|".join(TASKS),
        help="decides the default metrics, the Laplacian's base and what models are told; default: that of --set",
    )
    add("--metrics", metavar="EN,SD,…", help="names from docs/metrics.md, or class paths; default: the task's set")
    add("--stretch", action="store_true", help="stretch every fused image to its own minimum and maximum before")
    add("--no-baselines", action="store_true", help="leave out a, b, mean, max and the Laplacian pyramid")
    add("--allow-missing", action="store_true", help="exit with 0 although pairs are missing")
    add(
        "--texts",
        type=Path,
        metavar="DIR",
        help="with --model: texts beside the task's sentence: <name>.txt of each pair, a folder with such folders of "
        "both sides (IR and VI), or with --set a root with Text/TASK/SET in it",
    )
    add_describer(how, default=NONE, note=", with --model: describes every pair on the fly")
    add(
        "--text-sensitivity",
        action="store_true",
        help="with --model: how much the fused image changes with other texts, and with a mirrored image",
    )
    add(
        "--instructions",
        nargs="?",
        const=True,
        type=Path,
        metavar="FILE",
        help="with --model: how often instructions are obeyed, in wordings kept out of training, or in those of a YAML "
        "file, {brighter: [Lighten it., …], …}",
    )
    add("--device", default="auto", metavar="NAME", help="for --model: auto (default), cpu, cuda or mps")
    add("-o", "--output", type=Path, default=Path("evaluation"), metavar="DIR", help="default: evaluation")
    return parser


def _check(options: argparse.Namespace) -> None:
    """Refuse what does not go together, and take the task from the set."""
    if not (options.fused or options.model):
        raise FilmError("nothing to measure: give --fused DIR or --model NAME")
    if (options.data is None) != (options.set is None):
        raise FilmError("--data ROOT and --set TASK/SET go together")
    if options.data and (options.a or options.b):
        raise FilmError("--data takes the place of --a and --b; give one or the other")
    if options.model and not (options.data or (options.a and options.b)):
        raise FilmError("--model needs the sources: give --a and --b, or --data and --set")
    of_models = options.texts or options.text_sensitivity or options.instructions or options.describer != NONE
    if of_models and not options.model:
        raise FilmError("--texts, --describer, --text-sensitivity and --instructions belong to --model")
    if options.texts and options.describer != NONE:
        raise FilmError("--texts and --describer both say what the pairs show; give one of them")
    if options.set:
        task, _, name = options.set.partition("/")
        if task not in TASKS or not name:
            raise FilmError(f"--set {options.set!r} must be TASK/SET with a task of {', '.join(TASKS)}: IVF/MSRS")
        options.task = options.task or task
    if isinstance(options.instructions, Path) and options.task:
        from film.data.wordings import load_instructions

        load_instructions(options.instructions, options.task)  # before anything is measured
