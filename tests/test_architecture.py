"""The plan of the house: who may import whom, and what every file of the package keeps to."""

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "film").rglob("*.py"))

BRICKS = ("film.layers", "film.imaging")
# Everything may import these: they import nothing of ours themselves.
BOTTOM = ("film.errors", "film.tasks", "film.concepts")

# Rooms of components: a component may import its own base and the bricks, never another component.
COMPONENT_ROOMS = ("image_encoders", "text_encoders", "fusion", "decoders")
BASES = tuple(f"film.{room}.base" for room in COMPONENT_ROOMS)
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    **{room: (f"film.{room}.base", *BRICKS) for room in COMPONENT_ROOMS},
    "metrics": ("film.metrics.base", "film.imaging"),
    "describers": (  # what several share: prompts, transformers models, the connection to a server
        "film.describers.base",
        "film.describers.prompts",
        "film.describers.huggingface",
        "film.describers.openai.server",
        "film.devices",
        "film.imaging",
    ),
    "losses": ("film.losses.base", "film.metrics.base", *BRICKS),  # a metric can be a term of the loss
    "components": (),
    "data": ("film.data", *BRICKS),  # data sets share readers and simulations
    "errors": (),
    "tasks": (),
    "concepts": (),
    "layers": ("film.layers",),
    "imaging": ("film.imaging",),
    "config": (),
    "samples": (),
    "weights": (),
    "released": (),
    "network": (*BASES, "film.layers"),
    "checkpoint": (*BASES, "film.components", "film.config", "film.network", "film.released", "film.weights"),
    "words": ("film.checkpoint", "film.components", "film.config", "film.describers.base", *BRICKS),
    "devices": (),
    "pipeline": ("film.network", "film.checkpoint", "film.words", "film.devices", "film.describers.base", *BRICKS),
    "task": ("film.network", "film.losses.base", "film.metrics.base", "film.checkpoint"),
    "callbacks": ("film.metrics.base", "film.imaging"),
    "commands": (
        "film.commands",
        "film.pipeline",
        "film.task",
        "film.checkpoint",
        "film.words",
        "film.devices",
        "film.components",
        "film.weights",
        "film.config",
        "film.callbacks",
        "film.metrics",
        "film.data",
        "film.describers.base",
        "film.text_encoders.base",
        *BRICKS,
    ),
    "cli": ("film.commands", "film.task", "film.data.base", "film.config"),
    "__main__": ("film.cli",),
    "": ("film.pipeline", "film.checkpoint"),  # film/__init__.py: what `from film import …` offers
}
HEAVY = {"transformers", "openai", "wandb", "timm", "kornia", "matplotlib", "sentence_transformers"}


def module_name(path: Path) -> str:
    """Dotted name of a file of the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}
TREES = {module: ast.parse(path.read_text()) for module, path in MODULES.items()}


class Import(NamedTuple):
    """One imported module, and where."""

    importer: str
    target: str
    line: int

    def __str__(self) -> str:
        return f"{MODULES[self.importer].relative_to(ROOT)}:{self.line} imports {self.target}"


def imports(module: str, tree: ast.AST) -> Iterator[Import]:
    """All imports below a node, those inside functions too; `from x import y` names x.y where that is a module."""
    package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(module, alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield Import(module, full if full in MODULES or base == "film" else base, node.lineno)


def at_import_time(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements that run when a module is imported; what only type checkers see is left out."""
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node


def own_folder(module: str) -> tuple[str, ...]:
    """A component that has grown into a folder of its own is one component: film.data.scenes.sky → film.data.scenes."""
    parts = module.split(".")
    return (".".join(parts[:3]),) if len(parts) > 2 else ()


def below(target: str, roots: tuple[str, ...]) -> bool:
    """Whether a module is one of the roots or lies in one."""
    return any(target == root or target.startswith(f"{root}.") for root in roots)


def test_imports_go_one_way_down() -> None:
    """Section by section as MAY_IMPORT says; a new room needs a line there."""
    offences = []
    for module, tree in TREES.items():
        room = module.split(".")[1] if "." in module else ""
        assert room in MAY_IMPORT, f"film/{room} has no rule in {Path(__file__).name}: say what it may import"
        for found in imports(module, tree):
            ours = below(found.target, ("film",)) and found.target != "film.__version__"
            if ours and not below(found.target, (*MAY_IMPORT[room], *BOTTOM, *own_folder(module))):
                offences.append(str(found))
    assert offences == []


def test_import_rules_catch_an_offence() -> None:
    """The reader of imports sees through every way to write one."""
    source = (
        "import film.task\nfrom film import network\nfrom film.decoders import base\nfrom film.errors import FilmError"
    )
    targets = [found.target for found in imports("film", ast.parse(source))]
    assert targets == ["film.task", "film.network", "film.decoders.base", "film.errors"]
    relative = ast.parse("def f():\n    from .base import Decoder\n    from ..layers import text")
    assert [found.target for found in imports("film.decoders", relative)] == ["film.decoders.base", "film.layers.text"]


def test_heavy_packages_are_imported_where_they_are_used() -> None:
    offences = [
        str(found)
        for module, tree in TREES.items()
        for node in at_import_time(tree)
        for found in imports(module, node)
        if found.target.split(".")[0] in HEAVY
    ]
    assert offences == []


def test_importing_film_loads_nothing_heavy() -> None:
    code = "import sys, film; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not (HEAVY | {"torch", "lightning", "torchmetrics", "cv2"}) & set(loaded)


def test_no_star_imports() -> None:
    assert [module for module, tree in TREES.items() if "import *" in ast.unparse(tree)] == []


def test_no_room_for_odds_and_ends() -> None:
    names = {"utils", "util", "helpers", "common", "misc"}
    assert [str(path) for path in (ROOT / "film").rglob("*") if path.stem in names] == []


def test_files_are_short() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in FILES}
    assert {path: length for path, length in lengths.items() if length > 500} == {}
    assert sum(length <= 350 for length in lengths.values()) >= 0.9 * len(lengths)
    assert statistics.median(lengths.values()) <= 150


def test_functions_are_short() -> None:
    lengths = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    assert sum(length <= 40 for length in lengths) >= 0.9 * len(lengths)


def public_classes() -> Iterator[tuple[str, ast.ClassDef]]:
    """Every class whose name doesn't begin with an underscore, with its dotted name."""
    for module, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield f"{module}.{node.name}", node


def arguments_of_init(node: ast.ClassDef) -> list[str]:
    """Names of the arguments of `__init__`, without self."""
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            return [argument.arg for argument in item.args.args[1:] + item.args.kwonlyargs]
    return []


def test_docstrings_explain_every_argument_of_a_class() -> None:
    """Ruff doesn't look there: `__init__` needs no docstring of its own, its arguments stand in that of the class."""
    missing = [
        f"{name}: {argument}"
        for name, node in public_classes()
        for argument in arguments_of_init(node)
        if not re.search(rf"^\s*{argument}( \(.+\))?:", ast.get_docstring(node) or "", re.MULTILINE)
    ]
    assert missing == []


def test_components_name_all_their_arguments() -> None:
    """YAML is checked against the signature, and `**kwargs` would let every misspelt argument through."""
    offences = [
        f"{module}.{node.name}"
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.args.kwarg and module.split(".")[1:2] != ["commands"]
    ]
    assert offences == []


def test_no_path_of_one_machine() -> None:
    pattern = re.compile(r"(?<![\w.}])/(work|root|home|tmp|Users|mnt)/\w")
    folders = (".ci", "benchmarks", "configs", "docs", "experiments", "film", "notebooks", "tests")
    files = [*ROOT.glob("*"), *(path for folder in folders for path in (ROOT / folder).rglob("*"))]
    kinds = {".py", ".md", ".yaml", ".toml", ".ipynb", ".cff", ".json", ""}
    offences = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in files
        if path.is_file() and path.suffix in kinds
        for match in pattern.finditer(path.read_text())
    ]
    assert offences == []
