"""What the parser of config files dislikes, said in one line with the path of the key."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_NOISE = ("Subtypes:", "Errors:", "Given value type", "Does not validate", "Expected a <class 'NoneType'>")
_LONGEST = 200  # characters of a line
_KEY = re.compile(r'Parser key "([^"]+)":\s*')
_UNKNOWN = re.compile(r"(?:does not accept option|Option) '([^']+)'")


def explain(message: str, config: Mapping[str, Any]) -> str:
    """Shorten an error of jsonargparse.

    Args:
        message: What it says, in many lines.
        config: The composed config, in which an unknown key is looked up.
    """
    if unknown := _UNKNOWN.search(message):
        key = unknown[1].rpartition(".")[2]
        paths = list(_paths(config, key)) or [unknown[1]]
        where = ".".join(name for name in _KEY.findall(message) if name != "config")
        return f"unknown key {' and '.join(paths)}" + (f" (in {where})" if where and paths == [key] else "")
    lines = [_KEY.sub("", line.strip().removeprefix("- ")) for line in message.splitlines()]
    reasons = [line[:_LONGEST] for line in lines if line and not line.startswith(_NOISE)]
    path = ".".join(name for name in _KEY.findall(message) if name != "config")
    return f"{path}: " * bool(path) + "; ".join(dict.fromkeys(reasons)).replace(":;", ":")


def innermost(error: BaseException) -> BaseException:
    """The error that began a chain of them."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return error


def _paths(config: Any, key: str, above: str = "") -> Iterator[str]:
    if isinstance(config, Mapping):
        for name, value in config.items():
            path = f"{above}.{name}" if above else str(name)
            if name == key:
                yield path
            yield from _paths(value, key, path)
    elif isinstance(config, list):
        for number, value in enumerate(config):
            yield from _paths(value, key, f"{above}.{number}")
