"""Files of text features: ours and the release's, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from film.errors import FilmError
from film.layers.text_files import made_by, read_header, read_text_features


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_features_of_the_release(tmp_path: Path, dtype: type) -> None:
    array = np.random.default_rng(0).random((1, 5, 8)).astype(dtype)
    np.save(tmp_path / "x.npy", array)
    tokens, mask = read_text_features(tmp_path / "x.npy")[:2]
    np.testing.assert_array_equal(tokens.numpy(), array.astype(np.float32))
    assert mask.shape == (1, 5)
    assert mask.all()


def test_features_with_a_mask(tmp_path: Path) -> None:
    tokens, mask = torch.rand(5, 8).bfloat16(), torch.tensor([True, True, False, True, False])
    save_file({"tokens": tokens, "mask": mask}, tmp_path / "x.safetensors")
    features = read_text_features(tmp_path / "x.safetensors")
    assert torch.equal(features.tokens, tokens.float()[None])
    assert torch.equal(features.mask, mask[None])


@pytest.mark.parametrize(
    "array",
    [np.zeros((2, 5, 8)), np.zeros((5, 8)), np.zeros((1, 5, 8), np.int64), np.zeros((1, 0, 8)), np.array([{}])],
    ids=["two texts", "no batch", "integers", "no tokens", "pickled"],
)
def test_arrays_that_are_no_features(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(FilmError, match=r"x\.npy doesn't hold text features"):
        read_text_features(tmp_path / "x.npy")


@pytest.mark.parametrize(
    "content",
    [
        {"tokens": torch.rand(5, 8)},
        {"tokens": torch.rand(5, 8), "mask": torch.ones(4, dtype=torch.bool)},
        {"tokens": torch.rand(5, 8), "mask": torch.rand(5)},
        {"tokens": torch.rand(1, 5, 8), "mask": torch.ones(1, 5, dtype=torch.bool)},
        {"tokens": torch.full((5, 8), torch.nan), "mask": torch.ones(5, dtype=torch.bool)},
        {"tokens": torch.ones(5, 8, dtype=torch.int64), "mask": torch.ones(5, dtype=torch.bool)},
        {"tokens": torch.ones(0, 8), "mask": torch.ones(0, dtype=torch.bool)},
    ],
    ids=["no mask", "short mask", "float mask", "batch", "nan", "integers", "no tokens"],
)
def test_safetensors_that_are_no_features(tmp_path: Path, content: dict[str, torch.Tensor]) -> None:
    save_file(content, tmp_path / "x.safetensors")
    with pytest.raises(FilmError, match=r"x\.safetensors doesn't hold text features"):
        read_text_features(tmp_path / "x.safetensors")


def test_files_that_are_no_features(tmp_path: Path) -> None:
    for name, message in {
        "gone.npy": "No such file",
        "gone.safetensors": "No such file",
        "x.txt": "a .npy file",
    }.items():
        with pytest.raises(FilmError, match=message):
            read_text_features(tmp_path / name)
    for name in ("x.npy", "x.safetensors"):
        (tmp_path / name).write_bytes(b"garbage")
        with pytest.raises(FilmError, match="doesn't hold text features"):
            read_text_features(tmp_path / name)
    (tmp_path / "empty.npy").touch()
    with pytest.raises(FilmError, match="doesn't hold text features"):
        read_text_features(tmp_path / "empty.npy")


def test_another_width_names_both_and_the_encoder_where_it_is_known(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 5, 8), np.float32))
    with pytest.raises(FilmError, match=r"x\.npy has text features 8 wide, expected 768; .* text_dim .* to 8"):
        read_text_features(tmp_path / "x.npy", width=768)
    path = tmp_path / "x.safetensors"
    content = {"tokens": torch.rand(5, 8), "mask": torch.ones(5, dtype=torch.bool)}
    save_file(content, path, metadata={"encoder": "some.Encoder"})
    with pytest.raises(FilmError, match=r"8 wide, made by some\.Encoder, expected 768"):
        read_text_features(path, width=768)
    assert read_text_features(path, width=8).tokens.shape == (1, 5, 8)


def test_headers_of_other_files_say_nothing(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 5, 8), np.float32))
    (tmp_path / "broken.safetensors").write_bytes(b"garbage")
    save_file({"tokens": torch.rand(5, 8)}, tmp_path / "plain.safetensors")
    for name in ("x.npy", "broken.safetensors", "plain.safetensors", "gone.safetensors"):
        assert read_header(tmp_path / name) == {}
        assert made_by(tmp_path / name) == ""
