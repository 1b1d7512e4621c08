"""`film encode`: texts become features once, whatever happens in between."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from film.checkpoint import Model, build_network, save_model
from film.commands.sharding import find_shard
from film.data.base import FusionDataModule
from film.data.infrared_visible import InfraredVisibleDataModule
from film.layers.text import TextFeatures
from film.layers.text_files import read_header, read_text_features
from film.tasks import SENTENCES
from film.text_encoders.blip2 import Blip2QFormer
from film.text_encoders.hashing import HashedWords
from film.text_encoders.minilm import MiniLM

Run = Callable[..., tuple[int, str, str]]
TEXTS = {"x": "A dark street.", "y": "Two people, far away.", "z": "夜 и ночь ☂"}


def write(folder: Path, texts: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for stem, text in texts.items():
        (folder / f"{stem}.txt").write_text(text, encoding="utf-8")
    return folder


def hashed(*texts: str) -> Tensor:
    """Tokens of texts, one after the other, as the files have them."""
    return torch.cat([HashedWords()([text]).tokens[0] for text in texts]).half().float()


def tokens(path: Path) -> Tensor:
    features = read_text_features(path)
    assert features.mask.all()
    return features.tokens[0]


@pytest.fixture
def encode(film: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `film encode` without a language model, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: film(
        "encode", *arguments, *([] if "--text-encoder" in arguments else ["--text-encoder", "hashing"])
    )


def test_a_flat_folder_gives_a_file_for_each_text(encode: Run, tmp_path: Path) -> None:
    write(tmp_path / "texts", TEXTS)
    (tmp_path / "texts/x.json").write_text("{}")
    code, out, err = encode("texts", "-o", "features")
    assert (code, out) == (0, "features\n")
    assert "3 encoded" in err
    assert sorted(path.name for path in (tmp_path / "features").iterdir()) == [f"{stem}.safetensors" for stem in "xyz"]
    for stem, text in TEXTS.items():
        path = tmp_path / f"features/{stem}.safetensors"
        assert torch.equal(tokens(path), hashed(text))
        with safe_open(path, "pt") as file:
            assert (file.get_tensor("tokens").dtype, file.get_tensor("mask").dtype) == (torch.float16, torch.bool)
        header = read_header(path)
        assert header["encoder"] == "film.text_encoders.hashing.HashedWords"
        assert (header["width"], header["dtype"]) == ("64", "float16")
        assert header["sha256"] == hashlib.sha256(text.encode()).hexdigest()
        assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize(
    ("sides", "arguments"),
    [
        (("texts/IR", "texts/VI"), ["texts"]),
        (("texts/a", "texts/b"), ["texts"]),
        (("texts/near", "texts/far"), ["texts"]),
        (("zz/hot", "aa/lit"), ["zz/hot", "aa/lit"]),
        (("texts/MRI", "texts/T"), ["texts", "--task", "mif"]),
    ],
    ids=["sides of a task", "a and b", "small letters", "two folders", "said"],
)
def test_the_sides_of_a_pair_are_joined_a_first(
    encode: Run, tmp_path: Path, sides: tuple[str, str], arguments: list[str]
) -> None:
    write(tmp_path / sides[0], TEXTS)
    write(tmp_path / sides[1], {stem: text.upper() + " ALSO" for stem, text in TEXTS.items()})
    if "--task" in arguments:
        write(tmp_path / "texts/IR", {"other": "Not meant."})
    assert encode(*arguments, "-o", "features")[0] == 0
    for stem, text in TEXTS.items():
        assert torch.equal(tokens(tmp_path / f"features/{stem}.safetensors"), hashed(text, f"{text} also"))


@pytest.fixture
def vlf(tmp_path: Path, write_image: Callable[..., Path]) -> Path:
    """A data set with two pairs and their texts."""
    for stem in "xy":
        for side in ("IR", "VI"):
            write_image(tmp_path / f"data/VLFDataset/Image/IVF/Tiny/{side}/{stem}.png", grey=side == "IR")
    (tmp_path / "data/VLFDataset/Image/IVF/Tiny/test.txt").write_text("x.png\ny.png\n")
    write(tmp_path / "data/VLFDataset/Text/IVF/Tiny/IR", {"x": "Hot people.", "y": "A car."})
    write(tmp_path / "data/VLFDataset/Text/IVF/Tiny/VI", {"x": "A street.", "y": "A lamp."})
    return tmp_path / "data"


@pytest.fixture
def write_image(write: Callable[..., Path]) -> Callable[..., Path]:
    return write


def batches(module: FusionDataModule) -> dict[str, TextFeatures]:
    return {batch["name"][0]: batch["text"] for batch in module.test_dataloader()}


def test_a_data_set_is_trained_on_with_what_was_encoded(encode: Run, vlf: Path) -> None:
    assert encode("--data", "data", "--set", "IVF/Tiny")[:2] == (0, "data/VLFDataset/TextFeature/IVF/Tiny\n")
    found = batches(InfraredVisibleDataModule(str(vlf), test=["Tiny"], words="features", text_dim=64, num_workers=0))
    assert torch.equal(found["x"].tokens[0], hashed("Hot people.", "A street."))
    assert torch.equal(found["y"].tokens[0], hashed("A car.", "A lamp."))


def test_texts_and_features_may_lie_elsewhere(encode: Run, vlf: Path, tmp_path: Path) -> None:
    (vlf / "VLFDataset/Text").rename(tmp_path / "Text")
    assert encode("--data", "data", "--texts", ".", "-o", "out")[:2] == (0, "out/TextFeature/IVF/Tiny\n")
    module = InfraredVisibleDataModule(str(vlf), test=["Tiny"], words="features", texts="out", num_workers=0)
    assert torch.equal(batches(module)["x"].tokens[0], hashed("Hot people.", "A street."))
    assert encode("--data", "data", "--texts", ".")[1] == "TextFeature/IVF/Tiny\n"


def test_pairs_without_texts_are_told_by_their_images(encode: Run, vlf: Path) -> None:
    text = vlf / "VLFDataset/Text/IVF/Tiny"
    for side in ("IR", "VI"):
        (text / side / "y.txt").unlink()
    (text / "VI/x.txt").unlink()
    code, out, err = encode("--data", "data")
    assert code == 1
    assert "IVF/Tiny/x: FAILED: there is no text data/VLFDataset/Text/IVF/Tiny/VI/x.txt; write it, or" in out
    assert "IVF/Tiny/y: FAILED: there is no text data/VLFDataset/Text/IVF/Tiny/IR/y.txt" in out
    assert "0 encoded" in err
    assert "2 failed" in err
    assert encode("--data", "data", "--allow-missing")[0] == 0
    features = vlf / "VLFDataset/TextFeature/IVF/Tiny"
    assert torch.equal(tokens(features / "x.safetensors"), hashed("Hot people."))
    assert torch.equal(tokens(features / "y.safetensors"), hashed(SENTENCES["IVF"]))


def test_the_form_of_the_release(encode: Run, tmp_path: Path) -> None:
    write(tmp_path / "t/IR", {"x": "Hot people."})
    write(tmp_path / "t/VI", {"x": "A street."})
    assert encode("t", "-o", "features", "--format", "npy")[0] == 0
    array = np.load(tmp_path / "features/x.npy")
    assert (array.dtype, array.shape) == (np.float32, (1, 6, 64))
    np.testing.assert_array_equal(array[0, :3], HashedWords()(["Hot people."]).tokens[0].numpy())
    assert json.loads((tmp_path / "features/x.json").read_text())["width"] == "64"
    assert "0 encoded" in encode("t", "-o", "features", "--format", "npy")[2]
    (tmp_path / "t/VI/x.txt").write_text("A dark street.")
    assert "1 encoded" in encode("t", "-o", "features", "--format", "npy")[2]
    assert np.load(tmp_path / "features/x.npy").shape == (1, 7, 64)
    (tmp_path / "features/x.npy").unlink()  # as if it had been interrupted before the features were written
    assert "1 encoded" in encode("t", "-o", "features", "--format", "npy")[2]


def test_only_what_changed_is_encoded_again(encode: Run, tmp_path: Path) -> None:
    write(tmp_path / "texts", TEXTS)
    arguments = ["texts", "-o", "features"]
    encode(*arguments)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "features").iterdir()}
    write(tmp_path / "texts", {"y": "Three people.", "w": "New.", "x": f"  {TEXTS['x']}\n\n"})
    code, _, err = encode(*arguments)
    assert code == 0
    assert "2 encoded" in err
    assert "2 kept" in err
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "features").iterdir()}
    assert {path.stem for path in after if after[path] != before.get(path)} == {"w", "y"}
    assert torch.equal(tokens(tmp_path / "features/y.safetensors"), hashed("Three people."))
    assert "4 encoded" in encode(*arguments, "--dtype", "float32")[2]
    assert "4 encoded" in encode(*arguments, "--text-encoder.dim=8")[2]
    assert tokens(tmp_path / "features/x.safetensors").shape == (4, 8)


MODULE = '''
"""An encoder of one's own that writes down what it is asked, and stops at a word."""
from collections.abc import Sequence
from pathlib import Path
import torch
from film.layers.text import TextFeatures
from film.text_encoders.base import TextEncoder

class Noting(TextEncoder):
    """A number for each text.

    Args:
        scale: What is told apart.
    """

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.dim, self.scale = 2, scale

    def forward(self, texts: Sequence[str]) -> TextFeatures:
        for text in texts:
            if "stop" in text and not Path("go").exists():
                raise KeyboardInterrupt
            with Path("asked").open("a") as file:
                print(text, file=file)
        return TextFeatures.unpadded(torch.tensor([[[len(text) * self.scale] * 2] for text in texts]))
'''


@pytest.fixture
def noting(encode: Run, tmp_path: Path) -> Run:
    """Run `film encode` with an encoder that notes in `asked` what it encodes."""
    (tmp_path / "noting.py").write_text(MODULE)
    (tmp_path / "noting.yaml").write_text(
        "model: {network: {init_args: {text_encoder: {class_path: noting.Noting, init_args: {scale: 1.0}}}}}"
    )
    write(tmp_path / "texts", {f"{index:02d}": f"{index:02d}" for index in range(40)} | {"20": "stop"})
    return lambda *more: encode(
        "texts", "-o", "features", "--components", "noting", "--text-encoder", "noting.yaml", *more
    )


def test_an_interrupted_run_goes_on_where_it_stopped(noting: Run, tmp_path: Path) -> None:
    code, _, err = noting("--batch-size", "2")
    assert code == 130
    assert "interrupted" in err
    done = len(list((tmp_path / "features").glob("*.safetensors")))
    assert 0 < done <= 20
    assert not list((tmp_path / "features").glob(".*"))
    (tmp_path / "asked").unlink()
    (tmp_path / "go").touch()
    code, _, err = noting("--batch-size", "2")
    assert code == 0
    assert f"{40 - done} encoded" in err
    assert len((tmp_path / "asked").read_text().split()) == 40 - done
    noting()
    assert len((tmp_path / "asked").read_text().split()) == 40 - done


def test_equal_texts_are_encoded_once(noting: Run, tmp_path: Path) -> None:
    write(tmp_path / "texts", {f"{index:02d}": "the same" for index in range(40)})
    assert noting()[0] == 0
    assert (tmp_path / "asked").read_text() == "the same\n"


def test_what_does_not_fit_half_precision_is_told(noting: Run, tmp_path: Path) -> None:
    config = (tmp_path / "noting.yaml").read_text()
    (tmp_path / "noting.yaml").write_text(config.replace("1.0", "2.0e4"))
    (tmp_path / "go").touch()
    write(tmp_path / "texts", {"00": "a", "01": "long enough"})
    code, out, _ = noting()
    assert code == 1
    assert "01: FAILED: the features are no finite numbers in float16; take --dtype float32" in out
    assert "00: FAILED" not in out
    assert noting("--dtype", "float32")[0] == 0
    assert tokens(tmp_path / "features/01.safetensors")[0].tolist() == [22e4, 22e4]


def test_texts_that_cannot_be_encoded_do_not_stop_the_others(encode: Run, tmp_path: Path) -> None:
    folder = write(tmp_path / "texts", {**TEXTS, "empty": " \n", "mark": "\ufeffA dark street."})
    (folder / "latin.txt").write_bytes("na\u00efve".encode("latin-1"))
    (folder / "wide.txt").write_bytes("A street.".encode("utf-16"))
    code, out, err = encode("texts", "-o", "features")
    assert code == 1
    lines = out.splitlines()
    assert lines[0].startswith("empty: FAILED: nothing stands in texts/empty.txt; write it, or")
    assert lines[1] == "latin: FAILED: texts/latin.txt is no UTF-8 (byte 0xef at 2); save it as UTF-8"
    assert lines[2] == "wide: FAILED: texts/wide.txt is no UTF-8 (byte 0xff at 0); save it as UTF-8"
    assert "4 encoded" in err
    assert "3 failed" in err
    assert torch.equal(tokens(tmp_path / "features/mark.safetensors"), hashed("A dark street."))
    code, out, _ = encode("texts", "-o", "features", "--allow-missing")
    assert code == 1
    assert "empty.txt; write it, say --task" in out


def test_processes_share_the_work(encode: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stems = [f"{index:03d}" for index in range(30)]
    write(tmp_path / "texts", {stem: f"text {stem}" for stem in stems})
    done: set[str] = set()
    for index in range(3):
        code, _, err = encode("texts", "-o", "features", "--shard", f"{index}/3")
        assert code == 0
        assert f"part {index}/3 of the" in err
        new = {path.stem for path in (tmp_path / "features").iterdir()} - done
        assert new == {stem for stem in stems if find_shard(f"{index}/3", {}).holds(stem)}
        done |= new
    assert done == set(stems)
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "1")
    monkeypatch.setenv("SLURM_ARRAY_TASK_COUNT", "3")
    assert "part 1/3 of the" in encode("texts", "-o", "features")[2]


@pytest.mark.parametrize(
    ("suffix", "form"), [(".npy", "safetensors"), (".npy", "npy"), (".safetensors", "safetensors")]
)
def test_features_of_another_origin_are_never_replaced(encode: Run, tmp_path: Path, suffix: str, form: str) -> None:
    write(tmp_path / "texts", TEXTS)
    path = tmp_path / f"features/y{suffix}"
    path.parent.mkdir()
    path.write_bytes(b"published")
    code, _, err = encode("texts", "-o", "features", "--format", form)
    assert code == 2
    assert f"features/y{suffix}" in err
    assert "--output" in err
    assert [found.read_bytes() for found in path.parent.iterdir()] == [b"published"]


def test_features_that_do_not_fit_the_network(
    encode: Run, tmp_path: Path, film: Run, vlf: Path, model_file: Path, write_image: Callable[..., Path]
) -> None:
    assert encode("--data", "data")[0] == 0
    image = write_image(tmp_path / "ir.png")
    path = "data/VLFDataset/TextFeature/IVF/Tiny/x.safetensors"
    code, _, err = film("fuse", image, image, "--model", model_file, "--text-features", path)
    assert code == 2
    assert "x.safetensors, made by film.text_encoders.hashing.HashedWords, are 64 wide, tiny reads 8; encode" in err
    module = InfraredVisibleDataModule("data", test=["Tiny"], words="features", text_dim=768, num_workers=0)
    with pytest.raises(ValueError, match=r"64 wide, made by .*HashedWords, expected 768; encode all texts with"):
        module.test_dataloader()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give a folder of texts, or --data ROOT"),
        (["texts", "--data", "data", "-o", "x"], "give a folder of texts, or --data ROOT"),
        (["texts"], "where do the features go? say --output DIR"),
        (["texts", "-o", "x", "--set", "IVF/Tiny"], "--set and --texts belong to --data"),
        (["gone", "-o", "x"], "there is no folder gone"),
        (["bare", "-o", "x"], "there are no texts <stem>.txt in bare"),
        (["texts", "bare", "texts", "-o", "x"], "3 folders of texts are too many"),
        (["data", "-o", "x"], "data is the root of a data set; say film encode --data data"),
        (["mixed", "-o", "x"], "mixed has texts beside the folders IR; name"),
        (["both", "-o", "x"], "both has folders IR, MRI; name the folder or the two that you mean, or say --task"),
        (["--data", "data", "--set", "Tiny"], "--set 'Tiny' must be TASK/SET"),
        (["--data", "data", "--set", "IVF/None"], "with film describe --data. There are texts of: IVF/Tiny"),
        (["--data", "data", "--task", "MEF"], "there are no texts of MEF Text/TASK/SET"),
        (["--data", "gone"], "there is no data folder gone"),
        (["texts", "-o", "x", "--batch-size", "0"], "--batch-size 0 must be at least 1"),
        (["texts", "-o", "x", "--shard", "3/3"], "--shard '3/3' isn't i/n"),
        (
            ["texts", "-o", "x", "--text-encoder", "bert"],
            "no text encoder 'bert'; choose from blip2, hashing, huggingface, minilm, or give",
        ),
        (
            ["texts", "-o", "x", "--text-encoder", "network/tiny.yaml"],
            "a component is a class_path with init_args, not None",
        ),
        (["texts", "-o", "x", "--text-encoder", "text_encoder/precomputed.yaml"], "no text encoder that reads words"),
        (["texts", "-o", "x", "--text-encoder", "data/synthetic.yaml"], "has no model.network.init_args.text_encoder"),
        (["texts", "-o", "x", "--text-encoder", "gone.yaml"], "no config file gone.yaml"),
        (["texts", "-o", "x", "--text-encoder.dimension=8"], "has no argument 'dimension'; it has dim"),
        (["texts", "-o", "x", "--text-encoder.dim=wide"], "the text_encoder cannot be built"),
        (["texts", "-o", "x", "--text-encoder", "film-small", "--text-encoder.dim=8"], "taken as it is; leave"),
        (["texts", "-o", "x", "--components", "gone_module"], "--components gone_module"),
        (["texts", "-o", "texts/x.txt"], "can't write into texts/x.txt: "),
    ],
)
def test_bad_input_is_one_line(encode: Run, tmp_path: Path, vlf: Path, arguments: Sequence[str], message: str) -> None:
    write(tmp_path / "texts", TEXTS)
    (tmp_path / "bare").mkdir()
    write(tmp_path / "mixed/IR", TEXTS)
    write(tmp_path / "mixed", TEXTS)
    write(tmp_path / "both/IR", TEXTS)
    write(tmp_path / "both/MRI", TEXTS)
    code, _, err = encode(*arguments)
    assert code == 2
    errors = [line for line in err.splitlines() if line.startswith("film encode: error:")]
    assert len(errors) == 1
    assert message in errors[0]
    assert not (tmp_path / "x").exists()


def test_minilm_is_the_default(film: Run, tmp_path: Path) -> None:
    write(tmp_path / "texts", TEXTS | dict.fromkeys("abcde", "people " * 300))
    assert film("encode", tmp_path / "texts", "-o", tmp_path / "features")[0] == 0
    for stem, text in TEXTS.items():
        expected = MiniLM()([text]).tokens[0]
        torch.testing.assert_close(
            tokens(tmp_path / f"features/{stem}.safetensors"), expected.half().float(), atol=1e-3, rtol=0
        )
    assert tokens(tmp_path / "features/a.safetensors").shape == (256, 384)


def test_long_texts_are_counted_not_repeated(encode: Run, tmp_path: Path) -> None:
    tiny = Blip2QFormer.tiny()
    texts = {f"t{index}": "two people " * 50 + "x" * index for index in range(7)}
    write(tmp_path / "t/IR", texts | {"short": "Hot people."})
    write(tmp_path / "t/VI", dict.fromkeys([*texts, "short"], "A street."))
    arguments = ["--text-encoder", "blip2", "--text-encoder.name", tiny.name, "--text-encoder.dim=8"]
    code, _, err = encode("t", "-o", "features", *arguments, "--batch-size", "3")
    assert code == 0
    assert err.count("cut to 64") == 3
    assert "7 texts were cut in all" in err
    expected = torch.cat([tiny([text]).tokens[0] for text in ("Hot people.", "A street.")])
    torch.testing.assert_close(
        tokens(tmp_path / "features/short.safetensors"), expected.half().float(), atol=2e-3, rtol=0
    )
    assert read_header(tmp_path / "features/short.safetensors")["revision"].startswith("sha256:")


def test_the_encoder_of_a_model(encode: Run, tmp_path: Path, model_file: Path) -> None:
    encoder = {"class_path": "film.text_encoders.hashing.HashedWords", "init_args": {"dim": 16}}
    config = {
        "class_path": "film.network.FusionNetwork",
        "init_args": {
            "image_encoder": {"class_path": "film.image_encoders.conv.ConvEncoder", "init_args": {"channels": 4}},
            "text_encoder": encoder,
            "fusion": {"class_path": "film.fusion.plain.PlainStage"},
            "decoder": {"class_path": "film.decoders.conv.BlendDecoder"},
            "stages": 1,
        },
    }
    save_model(Model("own", build_network(config).eval(), config), tmp_path / "own.safetensors")
    write(tmp_path / "texts", TEXTS)
    assert encode("texts", "-o", "features", "--text-encoder", "own.safetensors")[0] == 0
    assert tokens(tmp_path / "features/x.safetensors").shape == (4, 16)
    code, _, err = encode("texts", "-o", "others", "--text-encoder", str(model_file))
    assert code == 2
    assert "brings no text encoder that reads words" in err


def test_help_answers(film: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        film("encode", "--help")
    assert done.value.code == 0
    assert "film encode --data data --set IVF/MSRS" in capsys.readouterr().out
