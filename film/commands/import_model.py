"""`film import SOURCE TARGET`: a released FILM checkpoint becomes a model file of ours."""

from collections.abc import Sequence
from pathlib import Path

from film.commands.arguments import CommandParser
from film.errors import FilmError

EXAMPLES = """\
example:
  film import IVF.pth film-ivf.safetensors
  film fuse ir.png vi.png --model film-ivf.safetensors --text-features pair.npy
"""


def main(arguments: Sequence[str]) -> int:
    """Run `film import`.

    Args:
        arguments: What follows `film import`.

    Returns:
        0.

    Raises:
        FilmError: The source isn't a checkpoint, or the target can't be written.
    """
    parser = CommandParser(
        "film import",
        "Convert a released FILM checkpoint to one safetensors file that carries the config of its network. "
        "The weights stay the same to the bit.",
        epilog=EXAMPLES,
    )
    parser.add_argument("source", type=Path, metavar="SOURCE", help="released checkpoint (.pth), as IVF.pth")
    parser.add_argument("target", type=Path, metavar="TARGET", help="model file to write (.safetensors)")
    options = parser.parse_args(arguments)
    _check_target(options.source, options.target)
    from film.checkpoint import load_model, save_model

    model = load_model(options.source)
    save_model(model, options.target)
    print(f"{options.source} -> {options.target}: {sum(p.numel() for p in model.network.parameters()):,} parameters")
    return 0


def _check_target(source: Path, target: Path) -> None:
    if not source.is_file():
        raise FilmError(f"{source} doesn't exist")
    if target.suffix != ".safetensors":
        raise FilmError(f"can't write {target}: a model file ends in .safetensors")
    if not target.absolute().parent.is_dir():
        raise FilmError(f"can't write {target}: there is no folder {target.parent}")
    if target.exists() and target.samefile(source):
        raise FilmError(f"{target} would replace the source; choose another name")
