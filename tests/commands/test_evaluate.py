"""`film evaluate` from the command line: what it writes, what it says, and how it fails."""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from my_describer import MyDescriber
from PIL import Image

from film.checkpoint import load_model
from film.cli import main
from film.commands.evaluation.baselines import baselines, laplacian
from film.commands.evaluation.luminance import luminance_levels, stretch
from film.commands.evaluation.measuring import JOURNAL
from film.commands.evaluation.words import PairWords
from film.data.wordings import load_wordings
from film.errors import FilmError
from film.layers.text import TextFeatures
from film.metrics.base import find_metrics
from film.pipeline import FusionPipeline
from film.text_encoders.base import TextEncoder

NAMES = ("p1", "p2", "p3")
FAST = ["--metrics", "EN,SD,VIF,MSE"]
MODEL = ["--model", "film-small", "--a", "a", "--b", "b", "--task", "IVF"]


@pytest.fixture
def pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Path]) -> Path:
    """The working folder with `a`, `b` and the methods `m/one` and `m/two`, three pairs of 60x48 each."""
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        for folder, suffix in (("a", "png"), ("b", "jpg"), ("m/one", "png"), ("m/two", "png")):
            write(tmp_path / folder / f"{name}.{suffix}", size=(60, 48), grey=folder in ("a", "m/one"))
    return tmp_path


def evaluate(*arguments: str) -> int:
    return main(["evaluate", *arguments, "-o", "out"])


def table(name: str = "per_image.csv") -> list[dict[str, str]]:
    with (Path("out") / name).open(newline="") as file:
        return list(csv.DictReader(file))


def test_writes_every_table_and_the_report(pairs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate("--fused", "m", "--a", "a", "--b", "b", *FAST) == 0
    methods = ["one", "two", "a", "b", "mean", "max", "laplacian"]
    rows = table()
    assert list(rows[0]) == ["method", "name", "EN", "SD", "VIF", "VIF_min", "MSE"]
    assert {(row["method"], row["name"]) for row in rows} == {(method, name) for method in methods for name in NAMES}
    levels = {folder: read(next(Path(folder).glob("p2.*"))) for folder in ("m/one", "a", "b")}
    expected = find_metrics(["MSE"])[0].of(*(as_tensor(levels[folder]) for folder in ("m/one", "a", "b")))
    found = next(row for row in rows if (row["method"], row["name"]) == ("one", "p2"))
    assert float(found["MSE"]) == expected.item()

    summary = json.loads((pairs / "out/summary.json").read_text())
    cell = summary["methods"]["one"]["metrics"]["SD"]
    values = [float(row["SD"]) for row in rows if row["method"] == "one"]
    assert cell["mean"] == pytest.approx(np.mean(values))
    assert cell["std"] == pytest.approx(np.std(values))
    assert min(values) <= cell["low"] <= cell["mean"] <= cell["high"] <= max(values)
    assert summary["higher_is_better"] == {"EN": True, "SD": True, "VIF": True, "VIF_min": True, "MSE": False}
    assert summary["methods"]["mean"]["metrics"]["MSE"]["place"] == 1
    assert [row["method"] for row in table("summary.csv")] == methods
    assert "| mean | 3 |" in (pairs / "out/summary.md").read_text()
    tex = (pairs / "out/summary.tex").read_text()
    assert r"VIF\_min$\uparrow$" in tex
    assert r"MSE$\downarrow$" in tex
    printed = capsys.readouterr().out
    assert re.search(r"method\s+n\s+EN↑\s+SD↑\s+VIF↑\s+VIF_min↑\s+MSE↓\s+rank", printed)

    report = (pairs / "out/report.html").read_text()
    assert "<!--" not in report.replace("<!doctype", "")
    assert not re.search(r"(src|href)=\"?https?:", report)
    assert report.count("<svg") == 5
    assert report.count("data:image/jpeg") == 3 * len(methods)
    assert "film evaluate --fused m" in report


def read(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return luminance_levels(image[..., ::-1] if image.ndim == 3 else image)


def as_tensor(levels: np.ndarray):
    import torch

    return torch.from_numpy(levels)[None, None].double()


def test_second_run_measures_only_what_is_new(pairs: Path, caplog: pytest.LogCaptureFixture) -> None:
    arguments = ("--fused", "m", "--a", "a", "--b", "b", "--no-baselines")
    assert evaluate(*arguments, "--metrics", "EN,SD") == 0
    journal = pairs / "out" / JOURNAL
    first = journal.read_text().splitlines()
    assert len(first) == 6
    with journal.open("a") as file:
        file.write('{"key": "cut short')  # as a crash leaves it
        file.write("\n")
    assert evaluate(*arguments, "--metrics", "EN,SD") == 0
    assert len(journal.read_text().splitlines()) == 7
    before = {row["name"]: row for row in table() if row["method"] == "one"}

    Image.fromarray(np.full((48, 60), 9, np.uint8)).save("m/one/p1.png")
    assert evaluate(*arguments, "--metrics", "SD,EN,AG") == 0
    after = {row["name"]: row for row in table() if row["method"] == "one"}
    assert float(after["p1"]["SD"]) == 0
    assert after["p2"]["SD"] == before["p2"]["SD"]
    assert float(after["p2"]["AG"]) > 0


def test_stretched(pairs: Path) -> None:
    Image.fromarray(np.tile(np.linspace(100, 150, 60), (48, 1)).astype(np.uint8)).save("m/one/p1.png")
    assert evaluate("--fused", "m/one", "--a", "a", "--b", "b", "--metrics", "SD", "--stretch") == 0
    row = next(row for row in table() if row["method"] == "one" and row["name"] == "p1")
    assert float(row["SD"]) > 70


def test_a_data_set_and_its_split(pairs: Path) -> None:
    folder = pairs / "VLFDataset/Image/IVF/MSRS"
    for source, target in (("a", "IR"), ("b", "VI")):
        (folder / target).mkdir(parents=True)
        for path in Path(source).iterdir():
            with Image.open(path) as image:
                image.save(folder / target / f"{path.stem}.png")
    (folder / "test.txt").write_text("p1.png\np3.png\n")
    assert evaluate("--fused", "m/one", "--data", str(pairs), "--set", "IVF/MSRS") == 1  # p2 has no sources
    assert evaluate("--fused", "m/one", "--data", str(pairs), "--set", "IVF/MSRS", "--allow-missing") == 0
    assert {row["name"] for row in table()} == {"p1", "p3"}
    about = json.loads((pairs / "out/summary.json").read_text())["about"]
    assert about["task"] == "IVF"
    assert about["missing"] == [f"{Path('m/one/p2.png')}: no sources"]


def test_fused_images_alone(pairs: Path) -> None:
    assert evaluate("--fused", "m/one", "--metrics", "EN,SD,EI") == 0
    assert {row["method"] for row in table()} == {"one"}


def test_missing_pairs_are_said_and_only_shared_ones_compared(
    pairs: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("m/two/p3.png").unlink()
    assert evaluate("--fused", "m", "--a", "a", "--b", "b", *FAST) == 1
    err = capsys.readouterr().err
    assert "two: no fused image for p3" in err
    assert "1 missing or not measurable" in err
    assert {row["n"] for row in table("summary.csv")} == {"2"}
    assert evaluate("--fused", "m", "--a", "a", "--b", "b", *FAST, "--allow-missing") == 0


def test_images_that_cannot_be_measured_do_not_stop_the_others(
    pairs: Path, write: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write(pairs / "m/one/p1.png", size=(50, 48), grey=True)
    (pairs / "m/two/p2.png").write_bytes(b"no image")
    nan = np.full((48, 60), np.nan, np.float32)
    cv2.imwrite(str(pairs / "m/two/p4.tiff"), nan)
    for folder in ("a", "b"):
        write(pairs / folder / "p4.png", size=(60, 48), grey=True)
    write(pairs / "m/one/p4.png", size=(60, 48), grey=True)
    assert evaluate("--fused", "m", "--a", "a", "--b", "b", *FAST) == 1
    err = capsys.readouterr().err
    assert "p1.png is 50x48 and its sources are 60x48" in err
    assert "p2.png is not an image" in err
    assert "p4.tiff has values from nan to nan" in err
    assert {row["n"] for row in table("summary.csv")} == {"1"}


def test_too_small_for_a_metric(pairs: Path, write: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("a", "b", "m/one"):
        write(pairs / folder / "p1.png", size=(30, 33), grey=True)
    (pairs / "b/p1.jpg").unlink()
    assert evaluate("--fused", "m/one", "--a", "a", "--b", "b", *FAST) == 0
    small = [row for row in table() if row["name"] == "p1"]
    assert all(row["VIF"] == "" and float(row["SD"]) > 0 for row in small)
    assert "VIF is empty for 6 images: it needs sides of at least 41 px" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing to measure: give --fused DIR or --model NAME"),
        (["--fused", "nowhere", "--a", "a", "--b", "b"], "there is no folder nowhere"),
        (["--fused", "empty", "--a", "a", "--b", "b"], "no images in empty"),
        (["--fused", "m/one", "--a", "a", "--b", "empty"], "no image in a has a partner of the same name in empty"),
        (["--fused", "other", "--a", "a", "--b", "b"], "no fused image has the name of a source pair: q and p1"),
        (["--fused", "m", "--fused", "m/one", "--a", "a", "--b", "b"], "two methods are called 'one'"),
        (["--fused", "mean", "--a", "a", "--b", "b"], "a method is called 'mean' like a baseline"),
        (["--fused", "m", "--a", "a"], "VIF_min, .* compare with both sources, only one was given"),
        (["--fused", "m", "--metrics", "SD,VIF"], "VIF, VIF_min compare with both sources, none was given"),
        (["--fused", "m", "--a", "a", "--b", "b", "--metrics", "EN,Qab"], "no metric 'Qab', did you mean Qabf?"),
        (["--fused", "m", "--data", "."], "--data ROOT and --set TASK/SET go together"),
        (["--fused", "m", "--data", ".", "--set", "MSRS"], "--set 'MSRS' must be TASK/SET"),
        (["--fused", "m", "--data", ".", "--set", "IVF/MSRS"], "there is no set 'MSRS' for IVF"),
        (["--fused", "m", "--data", ".", "--set", "IVF/X", "--a", "a"], "give one or the other"),
        (["--model", "film-small"], "--model needs the sources"),
        (["--model", "nothing", "--a", "a", "--b", "b"], "nothing"),
        (["--fused", "m", "--a", "a", "--b", "b", "--texts", "t"], "belong to --model"),
        (["--fused", "m", "--a", "a", "--b", "b", "--describer", "statistics"], "belong to --model"),
        ([*MODEL, "--describer", "statistics", "--texts", "a"], "give one of them"),
        ([*MODEL, "--describer", "nobody"], "no describer 'nobody'"),
        ([*MODEL, "--texts", "nowhere"], "there is no folder --texts nowhere"),
        (["--fused", "m", "--a", "a", "--b", "b", "--task", "XYZ"], "invalid choice"),
    ],
)
def test_bad_input(
    pairs: Path, write: Callable[..., Path], capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    (pairs / "empty").mkdir()
    write(pairs / "other/q.png")
    write(pairs / "mean/p1.png")
    assert evaluate(*arguments) == 2
    err = capsys.readouterr().err.splitlines()[-1]
    assert err.startswith("film evaluate: error: ")
    assert re.search(words, err) or words in err


def test_output_that_cannot_be_written(pairs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pairs / "out").write_text("a file")
    assert evaluate("--fused", "m", "--a", "a", "--b", "b", *FAST) == 2
    assert "can't write into --output out" in capsys.readouterr().err


def test_help_without_torch() -> None:
    code = (
        "import sys\nfrom film.cli import main\n"
        "try: main(['evaluate', '--help'])\nexcept SystemExit: pass\n"
        "print({'torch', 'cv2', 'numpy'} & set(sys.modules))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines()[-1] == "set()"
    assert "--allow-missing" in printed


def test_a_model_is_fused_and_measured(pairs: Path, model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--model", str(model_file), "--a", "a", "--b", "b", "--task", "IVF", *FAST)
    assert evaluate(*arguments, "--text-sensitivity") == 0
    fused = sorted(Path("out/fused").glob("*/*.png"))
    assert [path.stem for path in fused] == list(NAMES)
    with Image.open(fused[0]) as image:
        assert image.mode == "L"
    assert {row["method"] for row in table()} >= {fused[0].parent.name, "laplacian"}
    changes = {row["change"]: float(row["difference"]) for row in table("text_sensitivity.csv")}
    assert changes["source B mirrored"] > 0
    assert "Text sensitivity" in (pairs / "out/report.html").read_text()
    stamp = fused[0].stat().st_mtime_ns
    assert evaluate(*arguments) == 0
    assert fused[0].stat().st_mtime_ns == stamp  # kept
    assert evaluate(*(argument.replace("IVF", "MEF") for argument in arguments)) == 0
    assert fused[0].stat().st_mtime_ns != stamp  # told something else


class Spoken(TextEncoder):
    """One token a text, of its letters: other texts, other tokens."""

    dim = 8

    def forward(self, texts: Sequence[str]) -> TextFeatures:
        return TextFeatures.unpadded(torch.tensor([[list(text.encode()[:8].ljust(8))] for text in texts]) / 100)


@pytest.fixture
def pipeline(model_file: Path) -> Callable[..., FusionPipeline]:
    """Make a pipeline whose model reads words."""
    model = load_model(model_file)
    model.network.text_encoder = Spoken()
    return lambda **options: FusionPipeline(model, device="cpu", **options)


def said(words: PairWords, stem: str) -> list[str]:
    """The first letters of what is said about a pair, text by text."""
    features = words.of(stem)
    assert features is not None
    return [bytes((token * 100).round().int().tolist()).decode().strip() for token in features.tokens[0]]


def sources_of(folder: Path) -> dict[str, tuple[Path, Path]]:
    return {name: (folder / f"a/{name}.png", folder / f"b/{name}.jpg") for name in NAMES}


def write_texts(folder: Path, texts: Mapping[str, str]) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.txt").parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.txt").write_text(text)
    return folder


def test_words_from_flat_sided_and_rooted_texts(pairs: Path, pipeline: Callable[..., FusionPipeline]) -> None:
    told = {"task": "IVF", "set_name": "IVF/Set"}
    flat = write_texts(pairs / "flat", {"p1": "both"})
    sided = write_texts(pairs / "sided", {"IR/p1": "warm", "VI/p1": "lit", "VI/p2": "dark"})
    write_texts(pairs / "data/VLFDataset/Text/IVF/Set", {"IR/p1": "root a", "VI/p1": "root b"})
    for texts, expected in ((flat, ["both"]), (sided, ["warm", "lit"]), (pairs / "data", ["root a", "root b"])):
        words = PairWords(pipeline(), sources_of(pairs), texts=texts, **told)
        assert said(words, "p1") == ["Fuse an", *expected]
        with pytest.raises(FilmError, match=r"has no p3\.txt"):
            words.of("p3")
    assert said(PairWords(pipeline(), sources_of(pairs), texts=sided, **told), "p2") == ["Fuse an", "dark"]
    with pytest.raises(FilmError, match="which set"):
        PairWords(pipeline(), {}, task="IVF", texts=pairs / "data")
    with pytest.raises(FilmError, match="no texts of MEF/Set"):
        PairWords(pipeline(), {}, task="MEF", texts=pairs / "data", set_name="MEF/Set")


def test_words_of_a_describer(pairs: Path, pipeline: Callable[..., FusionPipeline]) -> None:
    MyDescriber.asked.clear()
    words = PairWords(pipeline(describer=MyDescriber("shot")), sources_of(pairs), task="IVF")
    assert said(words, "p1") == ["Fuse an", "A shot 6", "A shot 6"]
    assert [subject.side for subject in MyDescriber.asked] == ["a", "b"]
    words.of("p1")
    assert len(MyDescriber.asked) == 2  # kept


def test_text_of_another_pair_is_its_description(pairs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs whose descriptions differ fuse otherwise with each other's; without a describer they say the same."""
    for name, width in zip(NAMES, (60, 70, 80), strict=True):
        for folder, suffix in (("a", "png"), ("b", "jpg")):
            with Image.open(f"{folder}/{name}.{suffix}") as image:
                image.resize((width, 48)).save(f"{folder}/{name}.{suffix}")
    (pairs / "mine.yaml").write_text("describer: {class_path: my_describer.MyDescriber}")
    MyDescriber.asked.clear()
    for describer in ("mine.yaml", "none"):
        assert evaluate(*MODEL, *FAST, "--text-sensitivity", "--describer", describer) == 0
        changes = {row["change"]: float(row["difference"]) for row in table("text_sensitivity.csv")}
        assert (changes["text of another pair"] > 0) == (describer == "mine.yaml")
    # Once to fuse, once to see how much depends on it; the text of another pair is not asked for again.
    assert len(MyDescriber.asked) == 2 * 2 * len(NAMES)
    made_by = json.loads((pairs / "out/fused/film-small/made_by.json").read_text())
    assert "describer" not in made_by


def test_instructions_are_counted(pairs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every instruction of the task on every pair, and nonsense, which there is nothing to obey in."""
    assert evaluate(*MODEL, *FAST, "--instructions") == 0
    rows = table("instructions.csv")
    assert {row["instruction"] for row in rows} == {*load_wordings().keys("IVF"), "nonsense"}
    assert all(0 <= float(row["obeyed"]) <= 1 for row in rows if row["instruction"] != "nonsense")
    assert all(int(row["pairs"]) == len(NAMES) for row in rows)
    assert "Instructions" in (pairs / "out/report.html").read_text()
    assert "obeyed" in capsys.readouterr().out


def test_instructions_of_ones_own_are_counted(pairs: Path) -> None:
    (pairs / "mine.yaml").write_text("{darker: [Dim it., Less light!], bone: [Skull!]}")
    assert evaluate(*MODEL, *FAST, "--instructions", "mine.yaml") == 0
    assert [(row["instruction"], row["pairs"]) for row in table("instructions.csv")] == [("darker", str(len(NAMES)))]


def test_bad_instructions_are_told_before_anything_is_measured(pairs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pairs / "mine.yaml").write_text("{dimmer: [Dim it.]}")
    assert evaluate(*MODEL, *FAST, "--instructions", "mine.yaml") == 2
    assert "there is no instruction 'dimmer'; choose from emphasise_a" in capsys.readouterr().err
    assert not (pairs / "out").exists()


def test_an_instruction_is_given_to_pairs_that_it_concerns(pairs: Path) -> None:
    for folder in ("a", "b"):
        for name, scan in zip(NAMES, ("ct", "pet", "spect"), strict=True):
            (file,) = Path(folder).glob(f"{name}.*")
            file.rename(file.with_stem(f"{scan}_1"))
    medical = [*MODEL[:-1], "MIF"]
    assert evaluate(*medical, *FAST, "--instructions") == 0
    counted = {row["instruction"]: int(row["pairs"]) for row in table("instructions.csv")}
    assert (counted["bone"], counted["uptake"], counted["soft_tissue"]) == (1, 2, 3)


def test_instructions_need_a_task_and_a_model_that_reads(
    pairs: Path, model_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--model", str(model_file), "--a", "a", "--b", "b", "--task", "IVF", *FAST, "--instructions")
    assert evaluate(*arguments) == 2
    assert "--instructions needs --task or --set, and a model that reads words" in capsys.readouterr().err


def test_luminance_of_every_number_format() -> None:
    rgb = np.array([[[10, 20, 30], [255, 255, 255]]], np.uint8)
    expected = [[round(0.299 * 10 + 0.587 * 20 + 0.114 * 30), 255]]
    assert luminance_levels(rgb).tolist() == expected
    assert luminance_levels(rgb.astype(np.uint16) * 257).tolist() == expected
    assert luminance_levels(rgb.astype(np.float32) / 255).tolist() == expected
    assert luminance_levels(rgb[..., 0]).tolist() == [[10, 255]]
    with pytest.raises(FilmError, match="x holds NaN"):
        luminance_levels(np.array([[np.nan]], np.float32), name="x")
    assert stretch(np.array([[10.0, 20.0, 15.0]], np.float32)).tolist() == [[0, 255, 128]]
    assert stretch(np.full((2, 2), 7.0, np.float32)).tolist() == [[7, 7], [7, 7]]


def test_baselines() -> None:
    random = np.random.default_rng(0)
    a, b = (random.integers(0, 256, (45, 61)).astype(np.float32) for _ in range(2))
    fusions = baselines("IVF")
    assert list(fusions) == ["a", "b", "mean", "max", "laplacian"]
    assert "mertens" in baselines("MEF")
    assert np.array_equal(fusions["mean"](a, b), np.round((a.astype(float) + b) / 2))
    assert np.array_equal(fusions["max"](a, b), np.where(a > b, a, b))
    for average_base in (True, False):
        assert np.array_equal(laplacian(a, a, average_base=average_base), a)  # a pyramid gives back what it was made of
    bright, dark = np.full((40, 40), 200, np.float32), np.full((40, 40), 100, np.float32)
    assert (laplacian(bright, dark, average_base=True) == 150).all()
    assert (laplacian(bright, dark, average_base=False) == 200).all()
    exposed = baselines("MEF")["mertens"](a, b)
    assert exposed.shape == a.shape
    assert 0 <= exposed.min() < exposed.max() <= 255


@pytest.mark.slow
def test_openfocus_stands_beside_where_it_is_installed() -> None:
    """Two halves in focus: StackMFF takes the sharp one of each."""
    if "openfocus" not in baselines("MFF"):
        pytest.skip("the program openfocus is not installed")
    sharp = np.random.default_rng(0).integers(0, 256, (96, 128)).astype(np.float32)
    soft = cv2.GaussianBlur(sharp, (0, 0), 3)
    left = np.arange(128) < 64
    fused = baselines("MFF")["openfocus"](np.where(left, sharp, soft), np.where(left, soft, sharp))
    assert np.abs(fused - sharp).mean() < np.abs(soft - sharp).mean() / 4


@pytest.mark.realdata
def test_laplacian_on_lytro_is_what_the_reference_says(
    film_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Qabf and VIF of two pairs' pyramid, a little above the learned methods."""
    monkeypatch.chdir(tmp_path)
    folder = film_data / "VLFDataset/Image/MFF/Lytro"
    for name in ("lytro_01", "lytro_20"):
        for side in ("NEAR", "FAR"):
            (tmp_path / side).mkdir(exist_ok=True)
            (tmp_path / side / f"{name}.jpg").symlink_to(folder / side / f"{name}.jpg")
    arguments = ["--fused", str(tmp_path / "NEAR"), "--a", "NEAR", "--b", "FAR", "--task", "MFF"]
    assert evaluate(*arguments, "--metrics", "VIF,Qabf") == 0
    means = json.loads(Path("out/summary.json").read_text())["methods"]
    assert means["laplacian"]["metrics"]["Qabf"]["mean"] == pytest.approx(0.75, abs=0.03)
    assert means["a"]["metrics"]["VIF"]["mean"] == means["NEAR"]["metrics"]["VIF"]["mean"]
