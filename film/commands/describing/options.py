"""How a describer is named on the command line, by every command that takes one."""

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from film.commands.arguments import add_components, import_components
from film.errors import FilmError

if TYPE_CHECKING:
    from film.describers.base import Describer

NONE = "none"
_PREFIX = "--describer."


def take_overrides(arguments: Sequence[str], prefix: str = _PREFIX) -> tuple[list[str], dict[str, Any]]:
    """Take `--describer.NAME VALUE` and `--describer.NAME=VALUE` out of the arguments of a command.

    Args:
        arguments: As they were typed.
        prefix: With which those of the component begin, for other components than describers.

    Returns:
        The other arguments, and the component's by name; a name with dots reaches into an argument, and `init_args.`
        in front, as configs have it, may be left out. Values stay text; their types follow from the component.

    Raises:
        FilmError: One has no value.
    """
    rest: list[str] = []
    overrides: dict[str, Any] = {}
    left = iter(arguments)
    for argument in left:
        if not argument.startswith(prefix):
            rest.append(argument)
            continue
        key, equals, value = argument.partition("=")
        found = value if equals else next(left, None)
        if found is None:
            raise FilmError(f"{key} needs a value: {key}=VALUE")
        *above, name = key.removeprefix(prefix).removeprefix("init_args.").split(".")
        place = overrides
        for part in above:
            place = place.setdefault(part, {})
        place[name] = found
    return rest, overrides


def add_describer(group: Any, *, default: str | None, note: str = "") -> None:
    """Add `--describer` and `--components` to a parser or a group of it.

    Args:
        group: What has `add_argument`.
        default: Name of the describer that is taken where none is given, or `none`; None leaves that to the command.
        note: What more to say about it.
    """
    group.add_argument(
        "--describer",
        default=default,
        metavar="NAME|FILE",
        help=f"a name of configs/describer, or a YAML file{note}" + f"; default: {default}" * bool(default),
    )
    group.add_argument(
        "--describer.ARG",
        dest="unused",
        metavar="VALUE",
        help="an argument of the describer, such as --describer.model=NAME; repeatable",
    )
    add_components(group)


def open_describer(options: argparse.Namespace, overrides: Mapping[str, Any]) -> "Describer | None":
    """Build the describer that was asked for; None for `none`.

    Raises:
        FilmError: There is no such describer, or it has no such argument.
    """
    import_components(options.components)
    if options.describer != NONE:
        from film.words import load_describer

        return load_describer(options.describer, overrides)
    if overrides:
        raise FilmError(f"--describer.{next(iter(overrides))} needs a --describer")
    return None
