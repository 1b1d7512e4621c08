"""Pairs are found, and results go where nothing of value stands."""

from collections.abc import Callable
from pathlib import Path

import pytest

from film.commands.pairs import Target, find_pairs, plan_targets
from film.errors import FilmError


def plan(a: str, b: str, *, output: str | None = None, compare: bool = False) -> list[Target]:
    folders = Path(a).is_dir()
    return plan_targets(
        find_pairs(Path(a), Path(b)), output=Path(output) if output else None, folders=folders, compare=compare
    )


def test_two_files(pair: Path) -> None:
    found = find_pairs(Path("ir.png"), Path("vi.png"))
    assert [(p.stem, p.a.name, p.b.name) for p in found.pairs] == [("ir", "ir.png", "vi.png")]
    assert found.unpaired == []


def test_folders_are_paired_by_stem(folders: Path, write: Callable[..., Path]) -> None:
    write(folders / "a/only.tif")
    write(folders / "b/alone.PNG")
    write(folders / "b/.hidden.png")
    (folders / "a/notes.txt").touch()
    (folders / "a/w.png").mkdir()
    (folders / "b/w.png").mkdir()
    found = find_pairs(Path("a"), Path("b"))
    assert [(p.stem, str(p.a), str(p.b)) for p in found.pairs] == [
        (stem, f"a/{stem}.png", f"b/{stem}.jpg") for stem in "xyz"
    ]
    assert [str(path) for path in found.unpaired] == ["a/only.tif", "b/alone.PNG"]


def test_results_of_an_earlier_run_are_no_sources(folders: Path, write: Callable[..., Path]) -> None:
    for name in ("x_fused.png", "x_compare.png", "x_fused_compare.png", "other_fused.png"):
        write(folders / "a" / name)
    found = find_pairs(Path("a"), Path("b"))
    assert [p.stem for p in found.pairs] == ["x", "y", "z"]
    assert [path.name for path in found.unpaired] == ["other_fused.png"]  # nothing called `other` stands beside it


def test_a_stem_that_stands_twice(folders: Path, write: Callable[..., Path]) -> None:
    write(folders / "b/x.bmp")
    with pytest.raises(FilmError, match=r"'x' stands twice in b: x\.bmp and x\.jpg"):
        find_pairs(Path("a"), Path("b"))


def test_what_makes_no_pairs(folders: Path) -> None:
    (folders / "empty").mkdir()
    for a, b, message in [
        ("a/x.png", "gone.png", r"gone\.png doesn't exist"),
        ("a", "b/x.jpg", r"a is a folder and b/x\.jpg is a file"),
        ("a/x.png", "b", r"b is a folder and a/x\.png is a file"),
        ("a", "empty", r"no image in a has a partner of the same name in empty \(3 and 0 images"),
    ]:
        with pytest.raises(FilmError, match=message):
            find_pairs(Path(a), Path(b))


@pytest.mark.parametrize(
    ("output", "fused", "comparison"),
    [
        (None, "ir_fused.png", "ir_fused_compare.png"),
        ("out.png", "out.png", "out_compare.png"),
        ("out.TIFF", "out.TIFF", "out_compare.png"),
        ("new/results", "new/results/ir.png", "new/results/ir_compare.png"),
        ("v1.2", "v1.2/ir.png", "v1.2/ir_compare.png"),
    ],
)
def test_targets_of_a_pair(pair: Path, output: str | None, fused: str, comparison: str) -> None:
    assert plan("ir.png", "vi.png", output=output) == [Target(Path(fused), None)]
    assert plan("ir.png", "vi.png", output=output, compare=True) == [Target(Path(fused), Path(comparison))]


def test_an_existing_folder_may_look_like_a_file(pair: Path) -> None:
    (pair / "out.png").mkdir()
    assert plan("ir.png", "vi.png", output="out.png") == [Target(Path("out.png/ir.png"), None)]


def test_targets_of_folders(folders: Path) -> None:
    assert [str(t.fused) for t in plan("a", "b")] == [f"a/{stem}_fused.png" for stem in "xyz"]
    assert [str(t.fused) for t in plan("a", "b", output="out")] == [f"out/{stem}.png" for stem in "xyz"]
    with pytest.raises(FilmError, match=r"out\.png is one file, but two folders"):
        plan("a", "b", output="out.png")


def test_sources_are_never_overwritten(pair: Path, write: Callable[..., Path]) -> None:
    (pair / "link.png").symlink_to("vi.png")
    (pair / "hard.png").hardlink_to(pair / "ir.png")
    write(pair / "x.png")
    write(pair / "x_compare.png")
    for b, output, compare in [
        ("vi.png", "ir.png", False),
        ("vi.png", "./vi.png", False),
        ("vi.png", "link.png", False),
        ("vi.png", "hard.png", False),
        ("vi.png", ".", False),
        ("x_compare.png", "x.bmp", True),
    ]:
        with pytest.raises(FilmError, match="the result would overwrite the source"):
            plan("ir.png", b, output=output, compare=compare)


def test_results_of_folders_do_not_mix_with_the_sources(folders: Path) -> None:
    for output in ("a", "b", "a/../b"):
        with pytest.raises(FilmError, match="holds the sources"):
            plan("a", "b", output=output)


@pytest.mark.parametrize("output", ["ir.gif", "vi.png/out.png"])
def test_what_cannot_be_written(pair: Path, output: str) -> None:
    with pytest.raises(FilmError, match="can't write"):
        plan("ir.png", "vi.png", output=output)
    assert sorted(path.name for path in pair.iterdir()) == ["ir.png", "vi.png"]
