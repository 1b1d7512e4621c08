"""`film fuse`: good input gives a picture, bad input one line and nothing else."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from my_describer import MyDescriber
from PIL import Image
from safetensors.torch import save_file

from film.imaging.files import read_image
from film.imaging.picture import Picture

Run = Callable[..., tuple[int, str, str]]

DESCRIBER = "describer: {class_path: my_describer.MyDescriber, init_args: {compares: true}}"


def snapshot(folder: Path) -> dict[Path, bytes | None]:
    """Every file and folder below, with the content."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def test_a_pair(pair: Path, fuse: Run) -> None:
    code, out, err = fuse("ir.png", "vi.png", "--task", "IVF")
    assert code == 0
    assert re.fullmatch(r"ir\.png \+ vi\.png -> ir_fused\.png: 24x20, colour of B, \d+\.\d\d s\n", out)
    assert "fusing with tiny on cpu" in err
    with Image.open("ir_fused.png") as fused:
        assert (fused.mode, fused.size) == ("RGB", (24, 20))
    assert sorted(path.name for path in pair.iterdir()) == ["ir.png", "ir_fused.png", "vi.png"]


def test_a_second_run_replaces_the_first(pair: Path, fuse: Run) -> None:
    first = [fuse("ir.png", "vi.png")[0], (pair / "ir_fused.png").read_bytes()]
    assert [fuse("ir.png", "vi.png")[0], (pair / "ir_fused.png").read_bytes()] == first


@pytest.mark.parametrize(("order", "colour"), [("ir vi", "colour of B"), ("vi ir", "colour of A"), ("ir ir", "grey")])
def test_the_line_says_where_the_colour_comes_from(pair: Path, fuse: Run, order: str, colour: str) -> None:
    a, b = order.split()
    code, out, _ = fuse(f"{a}.png", f"{b}.png", "-o", "out.png")
    assert code == 0
    assert f", {colour}, " in out


def test_grey_on_request(pair: Path, fuse: Run) -> None:
    assert fuse("vi.png", "vi.png", "--grey", "--output", "new/out.webp")[:1] == (0,)
    assert not read_image(Path("new/out.webp")).is_colour


def test_sixteen_bits_are_kept_where_the_format_holds_them(pair: Path, fuse: Run) -> None:
    deep = Picture(np.random.default_rng(0).integers(0, 65536, (20, 24, 3), dtype=np.uint16))
    Image.fromarray(deep.pixels[..., 0]).save("deep.png")
    for output, depth in {"out.png": 16, "out.tif": 16, "out.jpg": 8}.items():
        assert fuse("deep.png", "vi.png", "-o", output)[0] == 0
        assert read_image(Path(output)).depth == depth


def test_comparison(pair: Path, fuse: Run) -> None:
    assert fuse("ir.png", "vi.png", "-o", "out.bmp", "--compare")[0] == 0
    with Image.open("out_compare.png") as sheet:
        assert sheet.width > 3 * sheet.height / 2


def test_folders(folders: Path, fuse: Run, write: Callable[..., Path]) -> None:
    write(folders / "a/alone.png")
    code, out, err = fuse("a", "b", "-o", "out", "--task", "mef")
    assert code == 0
    assert [line.split(" -> ")[1].split(":")[0] for line in out.splitlines()] == ["out/x.png", "out/y.png", "out/z.png"]
    assert "warning: a/alone.png has no partner and is left out" in err
    assert "pairs/s" in err
    assert "3 of 3 pairs fused" in err


def test_a_pair_that_fails_does_not_stop_the_others(folders: Path, fuse: Run, write: Callable[..., Path]) -> None:
    (folders / "a/y.png").write_bytes((folders / "a/y.png").read_bytes()[:200])
    write(folders / "b/x.jpg", size=(30, 20))
    code, out, err = fuse("a", "b", "-o", "out")
    assert code == 1
    lines = out.splitlines()
    assert lines[0].startswith("a/x.png + b/x.jpg: FAILED: sizes differ: a/x.png is 24x20, b/x.jpg is 30x20")
    assert lines[1].startswith("a/y.png + b/y.jpg: FAILED: a/y.png is broken or cut short")
    assert lines[2].startswith("a/z.png + b/z.jpg -> out/z.png: 24x20, colour of B")
    assert "1 of 3 pairs fused" in err
    assert [path.name for path in (folders / "out").iterdir()] == ["z.png"]


def test_folders_where_all_fail_leave_no_folder(folders: Path, fuse: Run) -> None:
    for stem in "xyz":
        (folders / f"a/{stem}.png").write_bytes(b"")
    assert fuse("a", "b", "-o", "out")[0] == 1
    assert not (folders / "out").exists()


def test_default_results_are_not_sources_of_the_next_run(folders: Path, fuse: Run) -> None:
    for _ in range(2):
        code, out, err = fuse("a", "b", "--compare")
        assert (code, len(out.splitlines())) == (0, 3)
        assert "no partner" not in err


def test_text_features(pair: Path, fuse: Run) -> None:
    np.save("x.npy", np.ones((1, 3, 8), np.float32))
    save_file({"tokens": torch.ones(3, 8), "mask": torch.ones(3, dtype=torch.bool)}, "x.safetensors")
    for name in ("x.npy", "x.safetensors"):
        assert fuse("ir.png", "vi.png", "-o", f"{name}.png", "--text-features", name)[0] == 0
    assert Path("x.npy.png").read_bytes() == Path("x.safetensors.png").read_bytes()


def test_a_model_without_words_says_so(pair: Path, fuse: Run) -> None:
    _, _, err = fuse("ir.png", "vi.png")
    assert "tiny reads no words: fusing without (give it text features 8 wide with --text-features FILE)" in err


def test_components_of_ones_own(
    pair: Path, film: Run, model_file: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from film.checkpoint import Model, build_network, load_model, save_model

    (pair / "mine.py").write_text((root / "tests/external/my_encoder.py").read_text())
    monkeypatch.syspath_prepend(pair)
    import mine  # type: ignore[import-not-found]

    config = load_model(model_file).config
    config["init_args"]["image_encoder"] = {"class_path": "mine.MyEncoder", "init_args": {"channels": 4}}
    save_model(Model("mine", build_network(config), config), pair / "mine.safetensors")
    monkeypatch.delitem(sys.modules, mine.__name__)
    run = ("fuse", "ir.png", "vi.png", "--model", "mine.safetensors")
    code, _, err = film(*run)
    assert code == 2
    assert "mine.MyEncoder" in err
    assert "--components MODULE" in err
    assert film(*run, "--components", "mine")[0] == 0


def bad(pair: Path) -> None:
    """Everything that bad input needs beside the pair."""
    Path("text.png").write_text("no image")
    Path("cut.png").write_bytes(Path("vi.png").read_bytes()[:700])
    Path("folder").mkdir()
    for name, size in {"small.png": (15, 40), "other.png": (24, 21)}.items():
        Image.new("RGB", size).save(name)
    Image.fromarray(np.full((20, 24), np.nan, np.float32)).save("nan.tif")
    np.save("wide.npy", np.ones((1, 3, 9), np.float32))
    torch.save({"model": print}, "code.pth")
    save_file({"x": torch.zeros(1)}, "foreign.safetensors")
    evil = '{"network": {"class_path": "os.system", "init_args": {"command": "touch evil"}}, "sentences": {}}'
    save_file({"x": torch.zeros(1)}, "evil.safetensors", metadata={"film": evil})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("ir.png", "required: B"),
        ("ir.png gone.png", "gone.png doesn't exist"),
        ("ir.png text.png", "text.png is not an image"),
        ("ir.png cut.png", "cut.png is broken or cut short"),
        ("ir.png other.png", "ir.png is 24x20, other.png is 24x21"),
        ("small.png small.png", "15x40; the smallest side that can be fused is 16 px"),
        ("nan.tif nan.tif", "values from nan"),
        ("folder vi.png", "folder is a folder and vi.png is a file"),
        ("folder folder", "no image in folder has a partner"),
        ("ir.png vi.png --task XYZ", "choose from 'IVF', 'MIF', 'MEF', 'MFF'"),
        ("ir.png vi.png --device tpu", "choose from 'auto', 'cpu', 'cuda', 'mps'"),
        ("ir.png vi.png --precision 8", "choose from '32', 'bf16', '16'"),
        ("ir.png vi.png --model nothing", "no model 'nothing'"),
        ("ir.png vi.png --model code.pth", "code.pth holds pickled code"),
        ("ir.png vi.png --model foreign.safetensors", "not a film model file"),
        ("ir.png vi.png --model evil.safetensors", "'os.system' is not a FusionNetwork"),
        ("ir.png vi.png --components nothing", "No module named 'nothing'"),
        ("ir.png vi.png --text-features gone.npy", "can't read gone.npy"),
        ("ir.png vi.png --text-features wide.npy", "9 wide, tiny reads 8"),
        ("ir.png vi.png --text-features wide.npy --text-b dog", "--text-features takes the place of"),
        ("ir.png vi.png --text dog", "tiny can't read the words 'dog'"),
        ("ir.png vi.png --describer gone", "no describer 'gone'; choose from"),
        ("ir.png vi.png --describer none --describer.model=x", "--describer.model needs a --describer"),
        ("ir.png vi.png --tile 20", "choose 0 (never cut) or at least 64"),
        ("ir.png vi.png --tile many", "--tile: invalid int value: 'many'"),
        ("ir.png vi.png --overlap 600", "choose 0 to 512"),
        ("ir.png vi.png -o vi.png", "would overwrite the source vi.png"),
        ("ir.png vi.png -o out.gif", "the suffix must be one of .png"),
        ("ir.png vi.png -o ir.png/out.png", "can't write ir.png/out.png: Not a directory"),
        (f"ir.png vi.png -o {'x' * 300}.png", "File name too long"),
        ("ir.png vi.png --outpu x.png", "unrecognized arguments: --outpu"),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(pair: Path, fuse: Run, arguments: str, message: str) -> None:
    bad(pair)
    before = snapshot(pair)
    code, out, err = fuse(*arguments.split())
    assert code == 2
    assert out == ""
    lines = err.splitlines()
    assert lines[-1].startswith("film fuse: error: ")
    assert message in lines[-1]
    assert sum("error" in line for line in lines) == 1
    assert snapshot(pair) == before


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA here")
def test_cuda_where_there_is_none(pair: Path, fuse: Run) -> None:
    code, _, err = fuse("ir.png", "vi.png", "--device", "cuda")
    assert code == 2
    assert "film fuse: error: there is no device 'cuda' here; choose from auto, cpu" in err


def test_the_shipped_model_listens_to_words(pair: Path, film: Run) -> None:
    results = {}
    for text in ("a street at night", "a brain"):
        code, _, err = film("fuse", "ir.png", "vi.png", "-o", "out.png", "--text", text)
        assert code == 0
        assert "no task given: using the neutral sentence" in err
        results[text] = Path("out.png").read_bytes()
    assert len(set(results.values())) == 2


@pytest.fixture
def describe(pair: Path, film: Run) -> Run:
    """Run `film fuse` with the shipped model and a describer of one's own."""
    (pair / "mine.yaml").write_text(DESCRIBER)
    MyDescriber.asked.clear()
    return lambda *arguments: film("fuse", *arguments, "--describer", "mine.yaml")


def asked() -> list[tuple[str, str | None, str | None]]:
    return [(subject.name, subject.task, subject.side) for subject in MyDescriber.asked]


def test_a_describer_says_what_both_show(describe: Run, film: Run) -> None:
    code, out, _ = describe("ir.png", "vi.png", "-o", "out.png", "--task", "IVF", "--text", "a dog", "--show-text")
    assert (code, asked()) == (0, [("a", "IVF", "a"), ("b", "IVF", "b")])
    text = "A picture 24 wide and 20 high beside 24."
    assert out.splitlines()[1:] == [
        "  task  Fuse an infrared image and a visible image: keep the hot targets bright and the visible texture.",
        "  text  a dog",
        f"  A     {text}",
        f"  B     {text}",
    ]
    words = ("--task", "IVF", "--text", "a dog", "--text-a", text, "--text-b", text, "--describer", "none")
    film("fuse", "ir.png", "vi.png", "-o", "said.png", *words)
    assert Path("said.png").read_bytes() == Path("out.png").read_bytes()
    film("fuse", "ir.png", "vi.png", "-o", "silent.png", "--task", "IVF", "--text", "a dog", "--describer", "none")
    assert Path("silent.png").read_bytes() != Path("out.png").read_bytes()


def test_what_the_user_says_wins(describe: Run) -> None:
    _, out, _ = describe("ir.png", "vi.png", "-o", "out.png", "--text-a", "a warm dog", "--show-text")
    assert asked() == [("b", None, None)]
    assert "  A     a warm dog\n  B     A picture 24" in out
    describe("ir.png", "vi.png", "-o", "out.png", "--text-a", "a warm dog", "--text-b", "a street")
    assert len(asked()) == 1


def test_a_model_without_words_needs_no_description(describe: Run, fuse: Run) -> None:
    code, out, err = fuse("ir.png", "vi.png", "--describer", "mine.yaml", "--show-text")
    assert (code, asked()) == (0, [])
    assert "tiny reads no words" in err
    assert out.endswith("\n  no words\n")
    np.save("x.npy", np.ones((1, 3, 8), np.float32))
    assert "  features  x.npy" in fuse("ir.png", "vi.png", "--text-features", "x.npy", "--show-text")[1]


def test_each_pair_of_folders_is_described(folders: Path, film: Run) -> None:
    (folders / "mine.yaml").write_text(DESCRIBER)
    MyDescriber.asked.clear()
    run = ("fuse", "a", "b", "-o", "out", "--describer", "mine.yaml", "--task", "MEF", "--show-text")
    code, out, _ = film(*run)
    assert code == 0
    assert asked() == [(side, "MEF", side) for _ in "xyz" for side in "ab"]
    assert out.count("  B     A picture") == 3
    code, out, _ = film(*run, "--describer.fails=a")
    assert code == 1
    assert "a/x.png + b/x.jpg: FAILED: a/x.png: the server refused" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--describer.ready=false", "no key; set MY_KEY"),
        ("--describer.words=3", "MyDescriber has no argument 'words'"),
        ("--text-features x.npy", "--text-features takes the place of all words; leave --describer out"),
    ],
)
def test_a_describer_that_cannot_work_is_known_before_images_are_read(
    describe: Run, pair: Path, arguments: str, message: str
) -> None:
    np.save("x.npy", np.ones((1, 3, 384), np.float32))
    (pair / "ir.png").write_text("no image")
    code, _, err = describe("ir.png", "vi.png", *arguments.split())
    assert code == 2
    assert message in err
