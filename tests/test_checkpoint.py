"""Model files: what comes back, and what is refused before it can do harm."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from plain_film import PlainFilm
from safetensors.torch import load_file, save_file

from film.checkpoint import Model, build_network, load_model, load_network, save_model
from film.errors import FilmError
from film.weights import shipped_models

TINY = {
    "class_path": "film.network.FusionNetwork",
    "init_args": {
        "image_encoder": {"class_path": "film.image_encoders.conv.ConvEncoder", "init_args": {"channels": 4}},
        "text_encoder": {"class_path": "film.text_encoders.precomputed.PrecomputedText", "init_args": {"dim": 8}},
        "fusion": {"class_path": "film.fusion.modulation.ModulationStage", "init_args": {"hidden": 4}},
        "decoder": {"class_path": "film.decoders.conv.BlendDecoder"},
        "stages": 2,
    },
}


@pytest.fixture
def model() -> Model:
    return Model("tiny", build_network(TINY).eval(), TINY, {"neutral": "Fuse.", "IVF": "Fuse infrared and visible."})


@pytest.fixture
def file(model: Model, tmp_path: Path) -> Path:
    save_model(model, tmp_path / "tiny.safetensors")
    return tmp_path / "tiny.safetensors"


def rewrite_header(file: Path, change) -> Path:
    """Write the file again with another config."""
    from safetensors import safe_open

    with safe_open(file, "pt") as old:
        header = json.loads(old.metadata()["film"])
    change(header)
    save_file(load_file(file), file, metadata={"film": json.dumps(header)})
    return file


def test_a_model_comes_back_whole(model, file):
    again = load_model(file)
    assert (again.name, again.config, again.sentences) == ("tiny", model.config, model.sentences)
    a, b, text = torch.rand(1, 1, 17, 23), torch.rand(1, 1, 17, 23), torch.randn(1, 3, 8)
    assert torch.equal(again.network(a, b, text), model.network(a, b, text))
    assert not again.network.training
    assert [path.name for path in file.parent.iterdir()] == ["tiny.safetensors"]


def test_an_unwritable_place_is_named(model, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FilmError, match=r"cannot write .*file/m\.safetensors"):
        save_model(model, tmp_path / "file" / "m.safetensors")


def test_the_frozen_text_encoder_stays_out():
    shipped = load_model("film-small")
    assert shipped.reads_words
    shipped.network.encode_text(["a word"])
    names = [name for name in shipped.network.state_dict() if name.startswith("text_encoder.")]
    assert all(name.startswith("text_encoder.adapter.") for name in names)


@pytest.mark.parametrize("name", shipped_models())
def test_shipped_models_are_small_and_fuse(name):
    assert shipped_models()[name].stat().st_size < 3_000_000
    fused = load_network(name)(torch.rand(1, 1, 17, 23), torch.rand(1, 1, 17, 23), ["two images"])
    assert fused.shape == (1, 1, 17, 23)
    assert 0 <= fused.min() <= fused.max() <= 1


def test_released_checkpoint_of_a_training_run(tmp_path):
    state = {f"module.{name}": tensor for name, tensor in PlainFilm().state_dict().items()}
    torch.save({"model": state, "optimizer1": {"lr": 1e-5}, "epoch": 3, "step": 9}, tmp_path / "IVF.pth")
    torch.save(PlainFilm().state_dict(), tmp_path / "bare.pth")
    for name in ("IVF", "bare"):
        model = load_model(tmp_path / f"{name}.pth")
        assert model.name == name
        assert not model.reads_words
        assert sum(p.numel() for p in model.network.parameters()) == 2_070_235


class Malice:
    def __reduce__(self):
        return (Path.touch, (Path("harm"),))


def pickled(path: Path) -> None:
    torch.save({"model": Malice()}, path)


def plain_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps(Malice()))


def other_network(path: Path) -> None:
    torch.save({"model": {"conv.weight": torch.zeros(1)}}, path)


def incomplete(path: Path) -> None:
    state = PlainFilm().state_dict()
    del state["conv2.bias"]
    torch.save({"model": state}, path)


def misshapen(path: Path) -> None:
    torch.save({"model": PlainFilm().state_dict() | {"conv2.bias": torch.zeros(2)}}, path)


def picture(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))


def empty(path: Path) -> None:
    path.touch()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (pickled, "pickled code"),
        (plain_pickle, "pickled code"),
        (other_network, "not a released FILM checkpoint"),
        (incomplete, r"lacks decoder\.body\.4\.bias"),
        (misshapen, r"decoder\.body\.4\.bias of shape \(2,\) instead of \(1,\)"),
        (picture, "no checkpoint"),
        (empty, "checkpoint"),
    ],
)
def test_bad_released_files(tmp_path, monkeypatch, make, message):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "bad.pth")
    with pytest.raises(FilmError, match=message):
        load_model(tmp_path / "bad.pth")
    assert not (tmp_path / "harm").exists()


def test_bad_safetensors_files(tmp_path):
    (tmp_path / "no.safetensors").write_bytes(b"nothing")
    save_file({"x": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    for name in ("no", "foreign"):
        with pytest.raises(FilmError, match="not a film model file"):
            load_model(tmp_path / f"{name}.safetensors")


@pytest.mark.parametrize(
    ("slot", "value"),
    [
        ("decoder", {"class_path": "subprocess.Popen", "init_args": {"args": ["touch", "harm"]}}),
        ("decoder", {"class_path": "os.system"}),
        ("decoder", "os.system"),
        ("decoder", {"class_path": "film.image_encoders.conv.ConvEncoder"}),
        ("decoder", {"class_path": "film.decoders.nowhere.Decoder"}),
        ("decoder", {"class_path": 3}),
        ("decoder", None),
        ("text_encoder", {"class_path": "antigravity.Flight"}),
        ("stages", {"class_path": "subprocess.Popen"}),
        ("wings", 2),
    ],
)
def test_a_config_can_only_name_components(file, tmp_path, monkeypatch, slot, value):
    monkeypatch.chdir(tmp_path)
    rewrite_header(file, lambda header: header["network"]["init_args"].update({slot: value}))
    with pytest.raises(FilmError):
        load_model(file)
    assert not (tmp_path / "harm").exists()


def test_arguments_cannot_be_components_either(file):
    arguments = {"channels": {"class_path": "subprocess.Popen"}}
    rewrite_header(file, lambda h: h["network"]["init_args"]["image_encoder"].update(init_args=arguments))
    with pytest.raises(FilmError, match="cannot be a component"):
        load_model(file)


def test_weights_of_another_network(file):
    rewrite_header(file, lambda h: h["network"]["init_args"].update(stages=3))
    with pytest.raises(FilmError, match=r"lacks stages\.2"):
        load_model(file)


def test_unknown_model_lists_the_shipped():
    with pytest.raises(FilmError, match=r"no model 'film-huge'.*film-small"):
        load_model("film-huge")


def test_unknown_ending(tmp_path):
    (tmp_path / "model.onnx").touch()
    with pytest.raises(FilmError, match=r"\.safetensors .* or \.pth"):
        load_model(tmp_path / "model.onnx")
