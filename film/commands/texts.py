"""`film texts check`: what went wrong in the texts of a data set."""

import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from film.commands.arguments import CommandParser
from film.commands.proofreading.rules import problems_of, words_of
from film.errors import FilmError
from film.tasks import TASKS

if TYPE_CHECKING:
    from film.commands.proofreading.folders import TextFolder

EXAMPLES = """\
examples:
  film texts check data                      every set in the VLF layout, against its images
  film texts check texts/ --images photos/   a folder of texts
  film texts check data --task MFF --strict  leaves with 1 if something is wrong
"""
KINDS = {  # in the order of the table, with what the column says
    "missing": "images without a text",
    "stray": "texts without an image",
    "encoding": "not UTF-8, or broken signs",
    "empty": "no words",
    "refusal": "the model refused",
    "leftover": "rests of the prompt, of mark-up or of a chat",
    "language": "not English",
    "numbers": "coordinates, or digits where words are asked for",
    "length": "outside what is usual",
    "task": "nothing about the kind of image",
    "twice": "the text of another image",
    "alike": "the text of another image in other words",
}
_OUTLIER = 3  # times longer or shorter than the median of the folder
_FEWEST = 5  # texts; of fewer, the median says nothing
_SHOWN = 10  # problems of one kind in one folder


@dataclass
class Findings:
    """What was found in one folder.

    Attributes:
        folder: The folder.
        lengths: Words of each text.
        problems: Kind, name of the text or image, and what is wrong.
    """

    folder: "TextFolder"
    lengths: list[int] = field(default_factory=list)
    problems: list[tuple[str, str, str]] = field(default_factory=list)


def main(arguments: Sequence[str]) -> int:
    """Run `film texts`.

    Args:
        arguments: What follows `film texts`.

    Returns:
        0; or 1 if something is wrong and `--strict` was given.

    Raises:
        FilmError: Bad input.
    """
    action, *rest = arguments or ["--help"]
    if action == "check":
        return _check(rest)
    if action in ("-h", "--help"):
        print(f"usage: film texts check DIR [DIR …]\n\n{EXAMPLES}")
        return 0
    raise FilmError(f"unknown action {action!r}; choose from check (see film texts --help)")


def _check(arguments: Sequence[str]) -> int:
    columns = "\n".join(f"  {kind:9} {meaning}" for kind, meaning in KINDS.items())
    parser = CommandParser(
        "film texts check",
        "Find what went wrong in the texts of a data set, and print it as a table with one line for each problem.",
        epilog=f"columns:\n{columns}\n\n{EXAMPLES}",
    )
    add = parser.add_argument
    add("places", type=Path, nargs="+", metavar="DIR", help="data folder in the VLF layout, or folder of texts")
    add("--images", type=Path, metavar="DIR", help="where the images lie; default: as the VLF layout has them")
    add(
        "--task",
        type=str.upper,
        choices=TASKS,
        metavar="|".join(TASKS),
        help="only the sets of this task, or what a folder outside the layout is about",
    )
    add("--any-language", action="store_true", help="other languages than English are welcome; leaves out task, too")
    add("--all", action="store_true", help=f"list every problem, not only {_SHOWN} of a kind in a folder")
    add("--strict", action="store_true", help="leave with 1 if something is wrong")
    options = parser.parse_args(arguments)
    from film.commands.proofreading.folders import find_text_folders

    folders = find_text_folders(options.places, images=options.images, task=options.task)
    found = list(_examine(folders, options.any_language))
    print(_table(found))
    print(*_lines(found, None if options.all else _SHOWN), sep="\n")
    return 1 if options.strict and any(findings.problems for findings in found) else 0


def _examine(folders: "Sequence[TextFolder]", any_language: bool) -> Iterator[Findings]:
    seen: dict[str, Path] = {}
    files = [folder.texts() for folder in folders]
    with tqdm(total=sum(map(len, files)), unit=" texts", leave=False, desc="reading") as progress:
        for folder, texts in zip(folders, files, strict=True):
            findings = Findings(folder)
            expected = folder.expected()
            if expected is not None:
                findings.problems += [("missing", name, "no text") for name in sorted(expected - texts.keys())]
                findings.problems += [("stray", name, "no image") for name in sorted(texts.keys() - expected)]
            contents = {}
            for name, path in texts.items():
                progress.update()
                text = _read(path, findings)
                if text is None:
                    continue
                contents[name] = text
                findings.lengths.append(len(words_of(text)))
                found = problems_of(text, folder.task, folder.side, any_language=any_language)
                findings.problems += [(kind, name, what) for kind, what in found]
                if (other := _first(seen, text, path, folder.partner(name))) and not _of_one_image(path, other):
                    findings.problems.append(("twice", name, f"the same as {other}"))
            findings.problems += _beside_others(contents, findings)
            yield findings


def _read(path: Path, findings: Findings) -> str | None:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = f"not UTF-8 at byte {error.start}" if isinstance(error, UnicodeDecodeError) else str(error.strerror)
        findings.problems.append(("encoding", path.stem, reason))
        return None


def _first(seen: dict[str, Path], text: str, path: Path, partner: Path | None) -> Path | None:
    """The file in which the same words stood before; blanks, signs and capitals make no difference.

    Where a pair has two texts, both must be the same: neighbouring slices or frames can look alike on one side.
    """
    words = " ".join(words_of(text))
    if partner:
        words += f"\n{' '.join(words_of(partner.read_text(encoding='utf-8-sig', errors='replace')))}"
    first = seen.setdefault(words, path)
    return first if words and first != path else None


def _of_one_image(one: Path, other: Path) -> bool:
    """Whether two texts are about the very same image, by their records: some images are in several sets."""
    try:
        records = [json.loads(path.with_suffix(".json").read_text(encoding="utf-8")) for path in (one, other)]
        return records[0]["image_sha256"] == records[1]["image_sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _beside_others(contents: dict[str, str], findings: Findings) -> Iterator[tuple[str, str, str]]:
    from film.commands.proofreading.alike import near_copies

    same = {name for kind, name, _ in findings.problems if kind == "twice"}
    for name, other, share in near_copies(list(contents), list(contents.values())):
        if name not in same and other not in same:
            yield "alike", name, f"it shares {share:.0%} of its rare words with {other}.txt; has one the other's text?"
    lengths = list(filter(None, findings.lengths))
    if len(lengths) < _FEWEST:
        return
    usual = statistics.median(lengths)
    for name, length in zip(contents, findings.lengths, strict=True):
        if length and not usual / _OUTLIER <= length <= usual * _OUTLIER:
            yield "length", name, f"{length} words, {usual:g} are usual here"


def _table(found: Sequence[Findings]) -> str:
    counts = [Counter(kind for kind, _, _ in findings.problems) for findings in found]
    kinds = [kind for kind in KINDS if any(kind in count for count in counts)]
    rows = [["texts of", "texts", "words", *kinds]]
    for findings, count in zip(found, counts, strict=True):
        lengths = findings.lengths
        words = f"{min(lengths)}-{max(lengths)}" if lengths else "-"
        rows.append([findings.folder.title, str(len(lengths)), words, *(str(count.get(kind, "-")) for kind in kinds)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _lines(found: Sequence[Findings], most: int | None) -> Iterator[str]:
    for findings in found:
        by_kind = defaultdict(list)
        for kind, name, what in findings.problems:
            by_kind[kind].append(f"{findings.folder.title}/{name}: {kind}: {what}")
        for kind, lines in by_kind.items():
            title = findings.folder.title
            if kind == "missing" and not findings.lengths and most:
                yield f"{title}: missing: none of its {len(lines)} images has a text"
                continue
            yield from lines[:most]
            if most and len(lines) > most:
                yield f"{title}: {kind}: {len(lines) - most} more; --all lists them"
    total = sum(len(findings.problems) for findings in found)
    yield f"{total or 'no'} problem{'' if total == 1 else 's'}"
