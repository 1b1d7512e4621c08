"""`film fuse A B`: fuse a pair of images, or all pairs of two folders."""

import argparse
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from film.commands.arguments import CommandParser
from film.commands.describing.options import NONE, add_describer, open_describer, take_overrides
from film.commands.pairs import Pair, Target, find_pairs, plan_targets
from film.describers.base import Describer
from film.devices import DEVICES, PRECISIONS
from film.errors import FilmError
from film.imaging.comparison import side_by_side
from film.imaging.files import check_writable, read_image, save_pil, write_image
from film.imaging.picture import Picture, check_pair
from film.tasks import TASKS

EXAMPLES = """\
examples:
  film fuse ir.png vi.png --task IVF                      writes ir_fused.png beside ir.png
  film fuse ir.png vi.png -o fused.png --compare          also fused_compare.png: A, B and fused side by side
  film fuse over/ under/ --task MEF -o results/           all pairs of the same name, in colour
  film fuse mri.tif pet.tif --task MIF --text "a tumour in the left hemisphere"
  film fuse ir.png vi.png --task IVF --show-text
  film fuse ir.png vi.png --model IVF.pth --text-features pair.npy
"""
DEFAULT_DESCRIBER = "statistics"  # what describes a pair where nothing is said about it: a name of configs/describer
_log = logging.getLogger("film")


def main(arguments: Sequence[str]) -> int:
    """Run `film fuse`.

    Args:
        arguments: What follows `film fuse`.

    Returns:
        0; or 1 if some pairs of two folders failed.

    Raises:
        FilmError: Bad input, found before anything was written.
    """
    rest, overrides = take_overrides(arguments)
    options = _parser().parse_args(rest)
    if options.text_features and (options.text or options.text_a or options.text_b):
        raise FilmError("--text-features takes the place of --text, --text-a and --text-b; give one or the other")
    folders = options.a.is_dir() and options.b.is_dir()
    pairing = find_pairs(options.a, options.b)
    targets = plan_targets(pairing, output=options.output, folders=folders, compare=options.compare)
    for path in pairing.unpaired:
        _log.warning("%s has no partner and is left out", path)
    jobs = list(zip(pairing.pairs, targets, strict=True))
    describer = _describer(options, overrides)
    if folders:
        return _fuse_all(_Fuser(options, describer), jobs)
    sources = _read(*jobs[0])
    print(_Fuser(options, describer).fuse(*jobs[0], sources))
    return 0


def _parser() -> CommandParser:
    parser = CommandParser(
        "film fuse",
        "Fuse two images of one scene, or all pairs of two folders. The result has the size of the sources, their "
        "colour, and 16 bits if they have.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add("a", type=Path, metavar="A", help="first source (infrared, MRI, over-exposed, near), or a folder of them")
    add("b", type=Path, metavar="B", help="second source (visible, CT/PET/SPECT, under-exposed, far), or a folder")
    add("-o", "--output", type=Path, metavar="PATH", help="file, or folder for <name>.png; default: <A>_fused.png")
    add("--compare", action="store_true", help="also write <output>_compare.png: A, B and fused side by side")
    add(
        "--attention",
        nargs="*",
        metavar="WORD",
        help="also write <output>_attention.png: which places listen to which words; without any, the most telling",
    )
    add("--grey", action="store_true", help="leave the colour out")
    add("--model", default="film-small", metavar="NAME|FILE", help="shipped model, .safetensors, or released .pth")
    words = parser.add_argument_group("what to tell the model")
    words.add_argument(
        "--task",
        type=str.upper,
        choices=TASKS,
        metavar="|".join(TASKS),
        help="infrared-visible, medical, multi-exposure or multi-focus; default: not said",
    )
    words.add_argument("--text", metavar="TEXT", help="what matters in this pair")
    words.add_argument("--text-a", metavar="TEXT", help="what A shows")
    words.add_argument("--text-b", metavar="TEXT", help="what B shows")
    words.add_argument(
        "--text-features",
        type=Path,
        metavar="FILE",
        help="text features instead of words: .npy (1, L, D), or .safetensors with tokens and mask",
    )
    note = f", which says what A and B show where you don't; none: nobody does; default: {DEFAULT_DESCRIBER}"
    add_describer(words, default=None, note=note)
    words.add_argument("--show-text", action="store_true", help="print what was said about each pair")
    work = parser.add_argument_group("how to compute")
    work.add_argument("--device", default="auto", choices=DEVICES, metavar="|".join(DEVICES), help="default: auto")
    work.add_argument("--precision", default="32", choices=PRECISIONS, metavar="|".join(PRECISIONS), help="default: 32")
    work.add_argument(
        "--tile",
        type=int,
        metavar="N",
        help="fuse in tiles of at most N px a side; 0: never; default: 1024 above 4 megapixels",
    )
    work.add_argument("--overlap", type=int, metavar="N", help="px that neighbouring tiles share; default: 64")
    return parser


def _read(pair: Pair, target: Target) -> tuple[Picture, Picture]:
    a, b = read_image(pair.a), read_image(pair.b)
    check_pair(a, b, names=(str(pair.a), str(pair.b)))
    check_writable(target.fused, size=a.size)
    return a, b


def _describer(options: argparse.Namespace, overrides: Mapping[str, Any]) -> Describer | None:
    """Build the describer, and make sure before any image is read that it works."""
    asked = options.describer
    if options.text_features and asked not in (None, NONE):
        raise FilmError("--text-features takes the place of all words; leave --describer out")
    options.describer = asked or (NONE if options.text_features else DEFAULT_DESCRIBER)
    describer = open_describer(options, overrides)
    if describer:
        describer.check()
    return describer


class _Fuser:
    """A pipeline with the words and options that all pairs share."""

    def __init__(self, options: argparse.Namespace, describer: Describer | None) -> None:
        from film.layers.text_files import read_text_features
        from film.pipeline import FusionPipeline
        from film.words import sentence_of

        features = options.text_features
        if features:
            read_text_features(features)  # what is wrong with it is said before the model is loaded
        work = {"precision": options.precision, "tile": options.tile, "overlap": options.overlap}
        self.pipeline = FusionPipeline.load(options.model, device=options.device, describer=describer, **work)
        model = self.pipeline.model
        self.task, self.grey, self.texts = options.task, options.grey, (options.text_a, options.text_b)
        self.describes = self.pipeline.describes and not all(self.texts)
        # What is alike for all pairs is encoded once.
        texts = {} if self.describes else {"text_a": options.text_a, "text_b": options.text_b}
        self.words = self.pipeline.encode(task=self.task, text_features=features, text=options.text, **texts)
        sentence = sentence_of(model, self.task, options.text) if model.reads_words and not features else None
        self.said = {"task": sentence, "text": options.text, "features": features}
        self.shows_text, self.attention = options.show_text, options.attention
        if features and self.attention is not None:
            raise FilmError("--attention needs words; --text-features have none")
        _log.info("fusing with %s on %s", model.name, self.pipeline.device)

    def fuse(self, pair: Pair, target: Target, sources: tuple[Picture, Picture]) -> str:
        """Fuse and write one pair; returns the line that says so."""
        start = time.perf_counter()
        text_a, text_b = self._describe(pair, sources) if self.describes else self.texts
        words = self.pipeline.add_texts(self.words, text_a, text_b) if self.describes else self.words
        fused = self.pipeline.fuse(*sources, words=words, grey=self.grey)
        write_image(target.fused, fused)
        if target.comparison:
            model = f"fused   {self.pipeline.model.name}" + (f", {self.task}" if self.task else "")
            captions = (f"A   {pair.a.name}", f"B   {pair.b.name}", model)
            save_pil(target.comparison, side_by_side((*sources, fused), captions))
        width, height = fused.size
        seconds = time.perf_counter() - start
        colour = _colour(*sources) if fused.is_colour else "grey"
        line = f"{pair.a} + {pair.b} -> {target.fused}: {width}x{height}, {colour}, {seconds:.2f} s"
        said = {what: text for what, text in (self.said | {"A": text_a, "B": text_b}).items() if text}
        if self.attention is not None:
            line += f"\n{self._draw_attention(target, (*sources, fused), [str(text) for text in said.values()])}"
        if not self.shows_text:
            return line
        return "\n".join(
            [line, *(f"  {what:4}  {text}" for what, text in said.items())] if said else [line, "  no words"]
        )

    def _draw_attention(self, target: Target, pictures: tuple[Picture, Picture, Picture], texts: Sequence[str]) -> Path:
        from film.commands.attention import attention_sheet, listen

        heard = listen(self.pipeline, *pictures[:2], texts)
        path = target.fused.with_name(f"{target.fused.stem}_attention.png")
        save_pil(path, attention_sheet(*pictures, heard, self.attention or []))
        return path

    def _describe(self, pair: Pair, sources: tuple[Picture, Picture]) -> tuple[str, str]:
        text_a, text_b = self.texts
        names = str(pair.a), str(pair.b)
        return self.pipeline.describe(*sources, task=self.task, text_a=text_a, text_b=text_b, names=names)


def _colour(a: Picture, b: Picture) -> str:
    return f"colour of {'both' if a.is_colour and b.is_colour else 'A' if a.is_colour else 'B'}"


def _fuse_all(fuser: _Fuser, jobs: Sequence[tuple[Pair, Target]]) -> int:
    """Fuse what can be fused, then say of every pair what became of it."""
    rate = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_noinv_fmt}]"
    start = time.perf_counter()
    with logging_redirect_tqdm([_log]), tqdm(jobs, unit=" pairs", bar_format=rate, leave=False) as progress:
        outcomes = [_attempt(fuser, pair, target) for pair, target in progress]
    print(*(line for _, line in outcomes), sep="\n")
    done = sum(success for success, _ in outcomes)
    seconds = time.perf_counter() - start
    _log.info("%d of %d pairs fused in %.1f s (%.2g pairs/s)", done, len(jobs), seconds, len(jobs) / seconds)
    return 0 if done == len(jobs) else 1


def _attempt(fuser: _Fuser, pair: Pair, target: Target) -> tuple[bool, str]:
    try:
        return True, fuser.fuse(pair, target, _read(pair, target))
    except (FilmError, RuntimeError, MemoryError) as error:  # the other pairs are still to be done
        return False, f"{pair.a} + {pair.b}: FAILED: {' '.join(str(error).split())}"
