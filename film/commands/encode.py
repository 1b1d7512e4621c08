"""`film encode TEXTS -o FEATURES`: texts become token features once, so that training needs no language model."""

import argparse
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from film.commands.arguments import CommandParser, add_components, import_components
from film.commands.describing.options import take_overrides
from film.commands.encoding.jobs import Job, jobs_of_folders, jobs_of_sets
from film.commands.sharding import SHARD_HELP, find_shard
from film.devices import DEVICES, choose_device
from film.errors import FilmError
from film.tasks import TASKS

if TYPE_CHECKING:
    from film.text_encoders.base import TextEncoder

EXAMPLES = """\
examples:
  film encode texts/ -o features/                          one file for each text, with MiniLM
  film encode texts/ir texts/vi -o features/               one for each pair, A first
  film encode --data data --set IVF/MSRS                   into data/VLFDataset/TextFeature/IVF/MSRS
  film encode --data data --text-encoder blip2 --format npy -o released/
  film encode texts/ -o features/ --text-encoder huggingface --text-encoder.name=google-t5/t5-base
  film encode texts/ -o features/ --text-encoder my_encoder.yaml --shard 0/8
"""
_log = logging.getLogger("film")


def main(arguments: Sequence[str]) -> int:
    """Run `film encode`.

    Args:
        arguments: What follows `film encode`.

    Returns:
        0; or 1 if some texts couldn't be encoded.

    Raises:
        FilmError: Bad input, found before anything was written.
    """
    rest, overrides = take_overrides(arguments, "--text-encoder.")
    options = _parser().parse_args(rest)
    if options.batch_size < 1:
        raise FilmError(f"--batch-size {options.batch_size} must be at least 1")
    shard = find_shard(options.shard)
    jobs = [job for job in _jobs(options) if shard.holds(job.key)]
    encoder = _open_encoder(options, overrides)
    part = f"part {shard} of the " if shard.count > 1 else ""
    _log.info("%s%d files of features: %s, %d wide", part, len(jobs), type(encoder).__name__, encoder.dim)
    from film.commands.encoding.work import Encoding

    work = Encoding(
        encoder,
        jobs,
        dtype=options.dtype or ("float32" if options.format == "npy" else "float16"),
        batch_size=options.batch_size,
        allow_missing=options.allow_missing,
    )
    try:
        work.run()
    finally:
        print(*work.failures, sep="\n", end="\n" * bool(work.failures))
    print(*sorted({str(job.target.parent) for job in jobs}), sep="\n")
    return 1 if work.failures else 0


def _parser() -> CommandParser:
    parser = CommandParser(
        "film encode",
        "Turn the texts of pairs into token features with a frozen text encoder: one file a pair, the tokens of A "
        "before those of B. Training takes them with words: features. A later run goes on where this one stopped: it "
        "makes only what is missing, or was made of another text or by another encoder.",
        epilog=EXAMPLES,
    )
    what = parser.add_argument_group("what is encoded")
    add = what.add_argument
    add(
        "texts",
        type=Path,
        nargs="*",
        metavar="TEXT_DIR",
        help="folder of <stem>.txt; or with a folder for each side in it (IR and VI, …, or a and b); or two folders, "
        "that of A first",
    )
    add(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help="folder for the features; with --data: root, default: that of it",
    )
    add("--data", type=Path, metavar="ROOT", help="in place of TEXT_DIR: the folder that holds VLFDataset, or that")
    add("--set", action="append", default=[], metavar="TASK/SET", help="with --data: which; repeatable; default: all")
    add(
        "--texts",
        dest="text_root",
        type=Path,
        metavar="ROOT2",
        help="with --data: another root that holds Text/TASK/SET",
    )
    add(
        "--task",
        type=str.upper,
        choices=TASKS,
        metavar="|".join(TASKS),
        help="whose side folders are meant; with --data: only its sets",
    )
    add(
        "--allow-missing",
        action="store_true",
        help="encode a pair with one text by that, and one without any by the sentence of its task, as training with "
        "words does; default: such pairs fail",
    )
    how = parser.add_argument_group("how")
    add = how.add_argument
    add(
        "--text-encoder",
        default="minilm",
        metavar="NAME|FILE",
        help="a name of configs/text_encoder, a YAML file, or a model whose encoder is taken; default: minilm",
    )
    add(
        "--text-encoder.ARG",
        dest="unused",
        metavar="VALUE",
        help="an argument of the encoder, such as --text-encoder.max_tokens=64; repeatable",
    )
    add_components(how)
    add("--format", choices=("safetensors", "npy"), default="safetensors", help="npy: (1, L, D), as FILM's release")
    add("--dtype", choices=("float16", "float32"), help="number format; default: float16, for npy float32")
    add("--batch-size", type=int, default=16, metavar="N", help="texts that are encoded together; default: 16")
    add("--device", default="auto", choices=DEVICES, metavar="|".join(DEVICES), help="default: auto")
    add("--shard", metavar="i/n", help=SHARD_HELP)
    return parser


def _jobs(options: argparse.Namespace) -> list[Job]:
    """List what was asked for, after refusing what doesn't go together."""
    if bool(options.texts) == bool(options.data):
        raise FilmError("give a folder of texts, or --data ROOT; one of them (see film encode --help)")
    form = {"suffix": f".{options.format}", "task": options.task}
    if options.data:
        return jobs_of_sets(options.data, options.set, texts=options.text_root, output=options.output, **form)
    if options.set or options.text_root:
        raise FilmError("--set and --texts belong to --data ROOT")
    if options.output is None:
        raise FilmError("where do the features go? say --output DIR")
    return jobs_of_folders(options.texts, options.output, **form)


def _open_encoder(options: argparse.Namespace, overrides: Mapping[str, Any]) -> "TextEncoder":
    """Build the encoder that was asked for, on its device; one process of torchrun takes the GPU of its rank."""
    import_components(options.components)
    from film.commands.encoding.encoders import open_encoder

    encoder = open_encoder(options.text_encoder, overrides)
    device = choose_device(options.device)
    rank = os.environ.get("LOCAL_RANK", "")
    return encoder.to(f"cuda:{rank}" if device.type == "cuda" and rank else device)
