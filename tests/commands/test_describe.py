"""`film describe`: whole texts with records, nothing asked twice, nothing of the user's lost."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from my_describer import MyDescriber

from film.commands.describing import work
from film.tasks import SOURCES

Run = Callable[..., tuple[int, str, str]]

CONFIG = "describer: {class_path: my_describer.MyDescriber, init_args: {word: picture}}"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Path]) -> Path:
    """The working folder with `photos/{x,y,z}.png` of 24x20, and a describer of one's own."""
    monkeypatch.chdir(tmp_path)
    for name in ("SLURM_ARRAY_TASK_ID", "RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "mine.yaml").write_text(CONFIG)
    for stem in "xyz":
        write(tmp_path / f"photos/{stem}.png")
    MyDescriber.asked.clear()
    return tmp_path


@pytest.fixture
def describe(place: Path, film: Run) -> Run:
    """Run `film describe` with the describer of one's own."""
    return lambda *arguments: film("describe", "--describer", "mine.yaml", *arguments)


@pytest.fixture
def data(place: Path, write: Callable[..., Path]) -> Path:
    """Two sets in the VLF layout; one has lists."""
    for task, name, stems in (("IVF", "Tiny", "pqr"), ("MFF", "Small", "s")):
        for side in SOURCES[task]:
            for stem in stems:
                write(place / f"data/VLFDataset/Image/{task}/{name}/{side}/{stem}.png")
    (place / "data/VLFDataset/Image/IVF/Tiny/train.txt").write_text("p.png\nq.png\n")
    (place / "data/VLFDataset/Image/IVF/Tiny/test.txt").write_text("r.png\n")
    return place / "data"


def asked() -> list[str]:
    """Names of the images that were asked for since the last call, in order."""
    names = [Path(subject.name).stem for subject in MyDescriber.asked]
    MyDescriber.asked.clear()
    return names


def texts(folder: Path | str) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(Path(folder).rglob("*.txt"))}


def test_a_text_and_a_record_for_each_image(describe: Run) -> None:
    code, out, err = describe("photos", "-o", "texts")
    assert code == 0
    assert texts("texts") == dict.fromkeys(["x.txt", "y.txt", "z.txt"], "A picture 24 wide and 20 high.\n")
    assert "photos/x.png -> texts/x.txt: A picture 24 wide" in out
    assert "images: 3 plain" in err
    assert "3 described" in err
    record = json.loads(Path("texts/x.json").read_text())
    assert record["identity"] == {"word": "picture"}
    assert record["describer"] == "my_describer.MyDescriber"
    assert record["details"] == {"tokens": 30}
    assert record["image"] == "x.png"
    assert len(record["image_sha256"]) == 64
    assert (record["task"], record["side"], record["partner"]) == (None, None, None)
    assert sorted(path.name for path in Path("texts").iterdir()) == [f"{s}.{e}" for s in "xyz" for e in ("json", "txt")]


def test_nothing_is_asked_twice(describe: Run, write: Callable[..., Path]) -> None:
    describe("photos", "-o", "texts")
    assert sorted(asked()) == ["x", "y", "z"]
    assert "3 kept" in describe("photos", "-o", "texts")[2]
    assert asked() == []
    write(Path("photos/w.png"))
    shutil.copy("photos/w.png", "photos/y.png")  # another image under a known name
    Path("texts/z.txt").unlink()
    describe("photos", "-o", "texts")
    assert asked() == ["w", "y", "z"]
    shutil.move("photos/x.png", "x.png")  # an image may move
    describe("x.png", "-o", "texts")
    assert asked() == []
    describe("photos", "-o", "texts", "--describer.word=photo")
    assert asked() == ["w", "y", "z"]


def test_what_somebody_wrote_is_kept(describe: Run) -> None:
    describe("photos", "-o", "texts")
    Path("texts/x.txt").write_text("My own words.")
    Path("texts/y.json").unlink()
    asked()
    code, _, err = describe("photos", "-o", "texts", "--describer.word=photo")
    assert (code, asked()) == (0, ["z"])
    assert "2 kept (2 edited by hand or from elsewhere; --overwrite replaces them)" in err
    assert Path("texts/x.txt").read_text() == "My own words."
    again = ("photos", "-o", "texts", "--describer.word=photo", "--overwrite")
    describe(*again)
    assert asked() == ["x", "y"]
    describe(*again)  # goes on where it stopped, too
    assert asked() == []


def test_an_image_named_twice_is_described_once(describe: Run) -> None:
    assert describe("photos/x.png", "photos", "-o", "texts")[0] == 0
    assert sorted(asked()) == ["x", "y", "z"]


def test_a_broken_record_counts_as_none(describe: Run) -> None:
    describe("photos/x.png", "-o", "texts")
    for content in ("{", "[]", "3"):
        Path("texts/x.json").write_text(content)
        assert "1 kept (1 edited" in describe("photos/x.png", "-o", "texts")[2]


def test_an_image_that_fails_does_not_stop_the_others(describe: Run) -> None:
    Path("photos/broken.png").write_bytes(Path("photos/x.png").read_bytes()[:300])
    Path("photos/empty.png").touch()
    code, out, err = describe("photos", "-o", "texts", "--describer.fails", "y.png")
    assert code == 1
    assert list(texts("texts")) == ["x.txt", "z.txt"]
    lines = [line for line in out.splitlines() if "FAILED" in line]
    assert lines[0].startswith("photos/broken.png: FAILED: photos/broken.png is broken or cut short")
    assert lines[1].startswith("photos/empty.png: FAILED: ")
    assert lines[2] == "photos/y.png: FAILED: the server refused"
    assert "2 described" in err
    assert "3 failed" in err
    asked()
    assert describe("photos", "-o", "texts")[0] == 1  # the two broken ones
    assert asked() == ["y"]


def test_a_budget_leaves_whole_texts_and_the_next_run_goes_on(describe: Run) -> None:
    code, _, err = describe("photos", "-o", "texts", "--describer.budget=2")
    assert code == 2
    assert "2 described" in err
    assert err.splitlines()[-1] == "film describe: error: the budget is used up"
    assert len(texts("texts")) == 2
    asked()
    assert describe("photos", "-o", "texts")[0] == 0
    assert len(asked()) == 1


def test_an_interrupted_run_leaves_whole_texts(describe: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object, **options: object) -> str:
        if MyDescriber.asked[-1].name.endswith("z.png"):
            raise KeyboardInterrupt
        return write(*arguments, **options)

    write = work.write
    monkeypatch.setattr(work, "write", interrupt)
    assert describe("photos", "-o", "texts")[0] == 130
    assert sorted(path.name for path in Path("texts").iterdir()) == ["x.json", "x.txt", "y.json", "y.txt"]


def test_a_crash_between_record_and_text_counts_as_not_done(describe: Run) -> None:
    describe("photos/x.png", "-o", "texts")
    Path("texts/x.txt").unlink()
    asked()
    describe("photos/x.png", "-o", "texts")
    assert asked() == ["x"]


def test_dry_run_says_what_would_be_done(describe: Run) -> None:
    describe("photos/x.png", "-o", "texts")
    describe("photos/y.png", "-o", "texts", "--describer.word=photo")
    Path("texts/z.txt").write_text("Mine.")
    before = {path: path.read_bytes() for path in Path("texts").iterdir()}
    asked()
    code, out, _ = describe("photos", "-o", "texts", "--dry-run")
    assert (code, asked()) == (0, [])
    assert out.splitlines() == [
        "1 of 3 images would be described, 2 kept (1 edited by hand or from elsewhere; --overwrite replaces them)",
        "1 of them have a text made of another image or with other settings, which would be replaced",
        "1 coins",
    ]
    assert {path: path.read_bytes() for path in Path("texts").iterdir()} == before
    assert describe("photos", "-o", "new", "--dry-run", "--describer.ready=false")[0] == 0  # nothing is sent
    assert not Path("new").exists()


def test_dry_run_of_a_describer_that_costs_nothing(place: Path, film: Run) -> None:
    _, out, _ = film("describe", "photos", "-o", "texts", "--dry-run")
    assert out == "3 of 3 images would be described, 0 kept\n"


def test_folder_names_say_what_an_image_is(describe: Run, write: Callable[..., Path]) -> None:
    for number, folder in enumerate(["IR", "vi", "Mri", "T", "OVER", "UNDER", "NEAR", "FAR", "photos", "t"]):
        write(Path(f"{folder}/n{number}.png"))
        describe(f"{folder}/n{number}.png", "-o", "texts")
    found = [(subject.task, subject.side) for subject in MyDescriber.asked]
    assert found == [(task, side) for task in SOURCES for side in "ab"] + 2 * [(None, None)]


def test_task_and_side_say_it_too_and_win(describe: Run, write: Callable[..., Path]) -> None:
    write(Path("IR/n.png"))
    describe("photos/x.png", "-o", "texts", "--task", "mff", "--side", "b")
    describe("IR/n.png", "-o", "texts", "--task", "MFF", "--side", "a")
    assert [(subject.task, subject.side) for subject in MyDescriber.asked] == [("MFF", "b"), ("MFF", "a")]
    describe("IR/n.png", "-o", "texts", "--task", "MFF", "--side", "b")  # another side, another text
    assert MyDescriber.asked[-1].side == "b"


def test_a_partner_matters_to_those_who_compare(describe: Run, write: Callable[..., Path]) -> None:
    for stem in "xy":
        write(Path(f"vi/{stem}.png"))
    run = ("photos", "--pair-with", "vi", "-o", "texts", "--describer.compares=true")
    code, out, _ = describe(*run)
    assert code == 1
    assert texts("texts")["x.txt"] == "A picture 24 wide and 20 high beside 24.\n"
    assert json.loads(Path("texts/x.json").read_text())["partner"] == "x.png"
    assert "photos/z.png: FAILED: can't read vi/z.png: No such file" in out
    asked()
    write(Path("vi/y.png"))  # another partner
    describe(*run)
    assert asked() == ["y"]
    write(Path("vi/z.png"), size=(30, 20))
    assert "photos/z.png: FAILED: it and its partner vi/z.png differ in size, 24x20 and 30x20" in describe(*run)[1]
    describe("photos", "--pair-with", "vi", "-o", "alone")
    assert {subject.partner for subject in MyDescriber.asked[-3:]} == {None}


def test_sets_of_a_data_folder(describe: Run, data: Path) -> None:
    root = data / "VLFDataset"
    assert describe("--data", data, "--set", "IVF/Tiny", "--split", "test")[0] == 0
    assert list(texts(root / "Text")) == ["IVF/Tiny/IR/r.txt", "IVF/Tiny/VI/r.txt"]
    describe("--data", root, "--side", "b", "--task", "IVF", "-o", "elsewhere")
    assert list(texts("elsewhere")) == [f"Text/IVF/Tiny/VI/{stem}.txt" for stem in "pqr"]
    asked()
    _, _, err = describe("--data", data, "--describer.compares=true")
    assert len(asked()) == 2 + 6  # also r, as its text had been made without its partner
    assert "images: 3 IVF IR, 3 IVF VI, 1 MFF NEAR, 1 MFF FAR" in err
    assert len(texts(root / "Text")) == 8
    assert "beside" in (root / "Text/MFF/Small/FAR/s.txt").read_text()


def test_a_split_leaves_out_sets_that_have_no_such_list(describe: Run, data: Path) -> None:
    (data / "VLFDataset/Image/MFF/Small/test.txt").write_text("s.png\n")
    assert describe("--data", data, "--split", "train", "-o", "train")[0] == 0
    assert asked() == ["p", "p", "q", "q"]
    code, _, err = describe("--data", data, "--set", "MFF/Small", "--split", "train")
    assert code == 2
    assert "has no train.txt; it has test.txt" in err


def test_texts_of_a_set_are_what_training_reads(describe: Run, data: Path) -> None:
    from film.data.infrared_visible import InfraredVisibleDataModule

    describe("--data", data, "-o", "elsewhere")
    module = InfraredVisibleDataModule(str(data), test=["Tiny"], texts="elsewhere", num_workers=0)
    words = "A picture 24 wide and 20 high."
    assert next(iter(module.test_dataloader()))["text"] == [f"{words} {words}"]


def test_shards_part_the_work_and_merge_in_one_folder(
    describe: Run, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        write(Path(f"many/{number}.png"))
    parts = []
    for index in range(3):
        _, _, err = describe("many", "-o", "texts", "--shard", f"{index}/3")
        assert f"part {index}/3 of the images: " in err
        parts.append(set(asked()))
    assert sum(map(len, parts)) == len(set.union(*parts)) == len(texts("texts")) == 20
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "1")
    monkeypatch.setenv("SLURM_ARRAY_TASK_COUNT", "3")
    describe("many", "-o", "slurm")
    assert set(asked()) == parts[1]


def test_both_sources_of_a_pair_lie_in_one_shard(describe: Run, data: Path) -> None:
    for index in range(2):
        describe("--data", data, "--set", "IVF/Tiny", "-o", f"part{index}", "--shard", f"{index}/2")
        sides = [sorted(path.name for path in Path(f"part{index}").rglob(f"{side}/*.txt")) for side in ("IR", "VI")]
        assert sides[0] == sides[1]


def test_images_are_read_one_by_one(describe: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, only the few that the describer holds are in memory."""
    held: list[int] = []

    def read(path: Path) -> object:
        held.append(len(MyDescriber.asked) - len(texts("texts") if Path("texts").exists() else ()))
        return original(path)

    original = work.read_image
    monkeypatch.setattr(work, "read_image", read)
    assert describe("photos", "-o", "texts")[0] == 0
    assert max(held) <= 2


def test_flags_for_budgets_are_arguments_of_the_describer(describe: Run) -> None:
    for flag in (("--max-cost", "3"), ("--max-tokens", "100"), ("--batch",)):
        code, _, err = describe("photos", "-o", "texts", *flag)
        assert code == 2
        assert f"MyDescriber has no argument '{flag[0][2:].replace('-', '_')}'; it has word, fails" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("-o texts", "give images or folders, or --data ROOT"),
        ("photos --data photos -o texts", "give images or folders, or --data ROOT"),
        ("photos", "say --output DIR"),
        ("gone.png -o texts", "gone.png doesn't exist"),
        ("bare -o texts", "there are no images in bare"),
        ("photos other -o texts", "photos/x.png and other/x.jpg would both become x.txt"),
        (
            "photos -o texts --task IVF",
            "which source of a IVF pair is photos/x.png? say --side a (IR) or --side b (VI)",
        ),
        ("photos -o texts --side a", "say --task"),
        ("photos -o texts --task XYZ", "choose from 'IVF'"),
        ("photos -o texts --pair-with bare", "there are no images in bare"),
        ("photos -o texts --pair-with strangers", "no image has a partner of the same name in --pair-with strangers"),
        ("photos -o texts --set IVF/Tiny", "--set and --split belong to --data"),
        ("--data gone", "there is no data folder gone"),
        ("--data photos", "holds no set"),
        ("--data photos --set Tiny", "--set 'Tiny' must be TASK/SET"),
        ("--data photos --set IVF/Tiny", "there is no set 'Tiny' for IVF"),
        ("photos -o mine.yaml", "can't write into mine.yaml: Not a directory"),
        ("photos -o mine.yaml/texts", "Not a directory"),
        ("photos -o texts --describer.ready=false", "no key; set MY_KEY"),
        ("photos -o texts --describer.words=3", "MyDescriber has no argument 'words'"),
        ("photos -o texts --describer.budget=many", "the describer cannot be built"),
        ("photos -o texts --describer.word", "--describer.word needs a value"),
        ("photos -o texts --describer gone", "no describer 'gone'; choose from"),
        ("photos -o texts --describer none", "--describer none describes nothing"),
        ("photos -o texts --describer stranger.yaml", "must be imported first"),
        ("photos -o texts --components gone", "No module named 'gone'"),
        ("photos -o texts --shard 3/3", "--shard '3/3'"),
    ],
)
def test_bad_input_is_one_line_before_anything_is_read(
    describe: Run, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, arguments: str, message: str
) -> None:
    Path("bare").mkdir()
    write(Path("other/x.jpg"))
    write(Path("strangers/u.png"))
    Path("stranger.yaml").write_text("describer: {class_path: stranger.Describer}")
    monkeypatch.setattr(work, "read_image", lambda path: pytest.fail("an image was read"))
    before = sorted(Path().rglob("*"))
    code, out, err = describe(*arguments.split())
    assert (code, out) == (2, "")
    assert message in err.splitlines()[-1]
    assert sorted(Path().rglob("*")) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder(describe: Run) -> None:
    Path("locked").mkdir(mode=0o500)
    code, _, err = describe("photos", "-o", "locked")
    assert code == 2
    assert "can't write into locked: Permission denied" in err


def test_a_describer_of_ones_own_is_imported_on_request(
    place: Path, film: Run, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (root / "tests/external/my_describer.py").read_text()
    (place / "own.py").write_text(source.replace("MyDescriber", "OwnDescriber"))
    (place / "own.yaml").write_text(CONFIG.replace("my_describer.MyDescriber", "own.OwnDescriber"))
    monkeypatch.syspath_prepend(place)
    assert film("describe", "photos", "-o", "texts", "--describer", "own.yaml", "--components", "own")[0] == 0
    assert len(texts("texts")) == 3


@pytest.mark.parametrize("command", [["describe"], ["texts", "check"]])
def test_help_needs_no_torch(command: list[str]) -> None:
    code = (
        "import sys\nfrom film.cli import main\n"
        f"try: main([*{command}, '--help'])\nexcept SystemExit: pass\n"
        "print({'torch', 'transformers'} & set(sys.modules))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines()[-1] == "set()"
    assert "examples:" in printed
