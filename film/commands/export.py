"""`film export RUN`: the network of a run becomes a model file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from film.checkpoint import Model, build_network, save_model
from film.commands.arguments import CommandParser
from film.config import compose
from film.errors import FilmError
from film.task import load_weights, network_weights, read_checkpoint

EXAMPLES = """\
examples:
  film export outputs/tiny/seed_0                                 writes outputs/tiny/seed_0/model.safetensors
  film export outputs/tiny/seed_0 --checkpoint last --output mine.safetensors
  film fuse ir.png vi.png --model mine.safetensors
"""


def main(arguments: Sequence[str]) -> int:
    """Run `film export`.

    Args:
        arguments: What follows `film export`.

    Returns:
        0.

    Raises:
        FilmError: The folder is not that of a run, or the target can't be written.
    """
    parser = CommandParser(
        "film export",
        "Make one safetensors file, which carries its own config, from the network of a run. Averaged weights (EMA) "
        "are taken where the run averaged them.",
        epilog=EXAMPLES,
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a run, which holds config.yaml")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: RUN/model.safetensors")
    parser.add_argument("--checkpoint", default="best", metavar="best|last|FILE", help="default: best")
    options = parser.parse_args(arguments)
    if not options.run.is_dir():
        raise FilmError(f"no folder {options.run}; name that of a run, which holds config.yaml and checkpoints")
    target = options.output or options.run / "model.safetensors"
    if target.suffix != ".safetensors":
        raise FilmError(f"--output {target}: a model file ends in .safetensors")
    if not target.absolute().parent.is_dir():
        raise FilmError(f"--output {target}: there is no folder {target.parent}")
    source = export(options.run, target, checkpoint=options.checkpoint)
    print(f"{source} -> {target}")
    return 0


def export(run: Path, target: Path, *, checkpoint: str = "best") -> Path:
    """Write the network of a run as a model file.

    Args:
        run: Folder of a run, which holds `config.yaml`.
        target: The file to write.
        checkpoint: `best`, `last`, or a file.

    Returns:
        The checkpoint that was taken.

    Raises:
        FilmError: There is no such checkpoint, it doesn't fit the config, or the target can't be written.
    """
    source = run / "checkpoints" / f"{checkpoint}.ckpt" if checkpoint in ("best", "last") else Path(checkpoint)
    weights = network_weights(read_checkpoint(source))
    config = _network_config(run)
    network = build_network(config)
    load_weights(network, weights, source=str(source))
    save_model(Model(target.stem, network.eval(), config), target)
    return source


def _network_config(run: Path) -> dict[str, Any]:
    path = run / "config.yaml"
    if not path.is_file():
        raise FilmError(f"{run} is not the folder of a run: it has no config.yaml")
    model = compose([path]).get("model")
    if not isinstance(model, Mapping) or "network" not in model:
        raise FilmError(f"{path} has no model.network")
    return dict(model["network"])
