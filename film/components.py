"""Build components from class paths, and nothing else: a config may come from a stranger.

Before anything is imported or called, every class path must lead to a component of film, or to one that the user
imported beforehand; and only arguments that are meant to be components may name one.
"""

import contextlib
import importlib
import inspect
import sys
from collections.abc import Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from jsonargparse import ArgumentParser

from film.errors import FilmError


def build(config: Mapping[str, Any], base: type, *, name: str, slots: Mapping[str, type] | None = None) -> Any:
    """Build a component.

    Args:
        config: `class_path` and `init_args`.
        base: What the class must be.
        name: What to call it in an error, such as `describer`.
        slots: Which arguments are components, and of which base; None takes those whose type is an abstract class.

    Raises:
        FilmError: It names something else than a component, or arguments that a component doesn't take.
    """
    _check(config, base, slots)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(base, name)
    try:
        return parser.instantiate(parser.parse_object({name: dict(config)}))[name]
    except Exception as error:  # jsonargparse wraps what a component's __init__ raises in types of its own
        if ours := _own(error):
            raise ours from None
        # What follows are the values that were given, and one of them may be a password in an address.
        message = str(error).partition("Given value")[0]
        raise FilmError(f"the {name} cannot be built: {' '.join(message.split())}") from None


def _own(error: BaseException | None) -> FilmError | None:
    """What a component itself had to say, wherever it stands in the chain."""
    while error is not None and not isinstance(error, FilmError):
        error = error.__cause__ or error.__context__
    return error


def _check(config: Any, base: type, slots: Mapping[str, type] | None = None) -> None:
    if not isinstance(config, Mapping) or not isinstance(config.get("class_path"), str):
        raise FilmError(f"a component is a class_path with init_args, not {config!r:.60}")
    class_path, arguments = config["class_path"], config.get("init_args") or {}
    kind = _find_class(class_path, base)
    known = inspect.signature(kind).parameters
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())
    if not takes_all and (unknown := [name for name in arguments if name not in known]):
        raise FilmError(f"{class_path} has no argument {unknown[0]!r}; it has {', '.join(known) or 'none'}")
    slots = _slots(kind) if slots is None else slots
    for name, value in arguments.items():
        if name in slots:
            if value is not None:  # whether there may be none is for the class to say
                _check(value, slots[name])
        elif "class_path" in str(value):
            raise FilmError(f"{class_path}: argument {name!r} cannot be a component")


def _slots(kind: type) -> dict[str, type]:
    """Arguments of a class that are components by their type, an abstract class, and what they must be."""
    found = {}
    for name, hint in get_type_hints(kind.__init__).items():  # type: ignore[misc]  # of this very class
        for option in get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,):
            if inspect.isabstract(option) and option.__module__ != "collections.abc":
                found[name] = option
    return found


def _find_class(class_path: str, base: type) -> type:
    module, _, name = class_path.rpartition(".")
    if module.startswith("film."):  # anything else must have been imported by the user
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(module)
    kind = getattr(sys.modules.get(module), name, None)
    if not (isinstance(kind, type) and issubclass(kind, base)):
        raise FilmError(
            f"{class_path!r} is not a {base.__name__} that film knows; `film list` shows those, and a component "
            "of your own must be imported first (film fuse --components MODULE)"
        )
    return kind
