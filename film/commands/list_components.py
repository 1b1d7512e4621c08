"""`film list`: what networks can be made of, and the models that ship."""

import importlib
import importlib.metadata
import inspect
import pkgutil
import re
from collections.abc import Iterator, Sequence

from film.commands.arguments import CommandParser
from film.weights import shipped_models

ROOMS = {  # package, and the contract of what lives there
    "image_encoders": "ImageEncoder",
    "text_encoders": "TextEncoder",
    "fusion": "FusionStage",
    "decoders": "Decoder",
    "describers": "Describer",
}


def main(arguments: Sequence[str]) -> int:
    """Run `film list`.

    Args:
        arguments: What follows `film list`: nothing.

    Returns:
        0.
    """
    CommandParser(
        "film list",
        "Show the class path and first line of every component that a config or model file can name, and the models "
        "that ship with the package.",
    ).parse_args(arguments)
    for room, contract in ROOMS.items():
        print(f"{room}  (film.{room}.base.{contract})")
        for name, text in _components(room, contract):
            print(f"  {name}\n      {text}")
    print("models  (film fuse --model NAME)")
    for name, path in shipped_models().items():
        print(f"  {name}\n      {path}")
    return 0


def _components(room: str, contract: str) -> Iterator[tuple[str, str]]:
    """Class path and first docstring line of the components of a room; for a module that can't be imported, why."""
    package = importlib.import_module(f"film.{room}")
    base = getattr(importlib.import_module(f"film.{room}.base"), contract)
    for found in pkgutil.walk_packages(package.__path__, f"film.{room}."):
        try:
            module = importlib.import_module(found.name)
        except ModuleNotFoundError as error:
            yield found.name, f"not available: {_way_out(error.name or '')}"
            continue
        for name, member in inspect.getmembers(module, inspect.isclass):
            if issubclass(member, base) and member.__module__ == found.name and not inspect.isabstract(member):
                yield f"{found.name}.{name}", (inspect.getdoc(member) or "").partition("\n")[0]


def _way_out(missing: str) -> str:
    for requirement in importlib.metadata.requires("film-fusion") or ():
        name, extra = re.match(r"[\w.-]+", requirement), re.search(r"extra == ['\"]([\w-]+)['\"]", requirement)
        if name and extra and extra[1] != "dev" and name[0].replace("-", "_") == missing.replace("-", "_"):
            return f"needs {missing}, which comes with pip install 'film-fusion[{extra[1]}]'"
    return f"needs {missing}, which isn't installed"
