"""Config files that build on one another.

A file may name, under `extends:`, the files it changes. `compose` lays them on top of each other with one rule beyond
a deep merge: naming another `class_path` starts that component afresh, so that no argument of the old class reaches
the new one unseen. Interpolation is OmegaConf's, of top-level keys and resolvers only.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from film.errors import FilmError

_PACKAGED = Path(__file__).parent / "configs"
CONFIGS = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[1] / "configs"
"""The configs that come with film: package data when installed, the folder of the checkout otherwise."""


def merge(old: Any, new: Any) -> Any:
    """Lay `new` over `old`: mappings deeply, everything else by replacement."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    if "class_path" in new and new["class_path"] != old.get("class_path"):
        return new
    return old | {key: merge(old.get(key), value) for key, value in new.items()}


def find(path: Path | str, folder: Path | None = None) -> Path:
    """Find a config file: from `folder` (the working directory), or among the configs that come with film."""
    places = [(folder or Path()) / path, CONFIGS / path]
    for place in places:
        if place.is_file():
            return place.resolve()
    known = ", ".join(sorted(str(file.relative_to(CONFIGS)) for file in CONFIGS.rglob("*.yaml")))
    raise FilmError(f"no config file {path}; film brings: {known}")


def load(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Read one file and everything it extends; interpolations stay as written."""
    if path in seen:
        raise FilmError(f"{path} extends itself: {' -> '.join(map(str, (*seen, path)))}")
    try:
        content = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    except yaml.YAMLError as error:
        raise FilmError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise FilmError(f"{path} must hold a mapping, not a {type(content).__name__}")
    extends = content.pop("extends", [])
    parents = [extends] if isinstance(extends, str) else extends
    return merge(_lay((find(parent, path.parent) for parent in parents), (*seen, path)), content)


def compose(paths: Iterable[Path | str], overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Lay config files over each other, the later over the earlier, and resolve interpolations.

    Args:
        paths: Files, from the working directory or from the configs that come with film (`network/film.yaml`).
        overrides: New values of top-level keys, seen by interpolations.

    Raises:
        FilmError: A file is missing, not YAML, extends itself, or interpolates a nested key.
    """
    config = _lay(find(path) for path in paths) | dict(overrides or {})
    if nested := re.findall(r"\$\{[^}:]*[.\[][^}:]*\}", str(config)):
        raise FilmError(f"only top-level keys may be interpolated, or a later override would not reach them: {nested}")
    try:
        return cast(dict[str, Any], OmegaConf.to_container(OmegaConf.create(config), resolve=True))
    except OmegaConfBaseException as error:
        raise FilmError(f"the config cannot be resolved: {' '.join(str(error).split())}") from error


def _lay(files: Iterable[Path], seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for file in files:
        config = merge(config, load(file, seen))
    return config
