"""Names of the released FILM checkpoint (github.com/Zhaozixiang1228/IF-FILM) in our network of `network/film.yaml`."""

from collections.abc import Iterator, Mapping

from torch import Tensor

_RESTORMER = {
    "norm1.body": "0.norm",
    "attn": "0",
    "attn.qkv": "0.qkv",
    "attn.qkv_dwconv": "0.qkv_depthwise",
    "attn.project_out": "0.project_out",
    "norm2.body": "1.norm",
    "ffn.project_in": "1.project_in",
    "ffn.dwconv": "1.depthwise",
    "ffn.project_out": "1.project_out",
}


def is_released(state: Mapping[str, Tensor]) -> bool:
    """Whether the names are those of a released checkpoint."""
    return any(str(name).endswith("text_process.conv.weight") for name in state)


def translate(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the weights of a released checkpoint; unknown names stay, so that a strict load reports them.

    Args:
        state: Its `model`, with or without the prefix `module.` of data-parallel training.
    """
    modules = dict(_modules())
    weights: dict[str, Tensor] = {}
    for name, tensor in state.items():
        module, _, parameter = str(name).removeprefix("module.").rpartition(".")
        module = modules.get(module, module)
        if parameter.startswith("in_proj_"):  # query, key and value in one tensor
            parts = zip(("query", "key", "value"), tensor.chunk(3), strict=True)
            weights |= {f"{module}.{part}.{parameter.removeprefix('in_proj_')}": third for part, third in parts}
        elif module == "text_projection" and parameter == "weight":
            weights[f"{module}.{parameter}"] = tensor.squeeze(-1)  # a convolution over tokens, one wide
        else:
            weights[f"{module}.{parameter}"] = tensor
    return weights


def _modules() -> Iterator[tuple[str, str]]:
    """Every module with parameters: its released name and ours."""
    yield "text_process.conv", "text_projection"
    for level in range(3):
        for source, letter in enumerate("AB"):
            yield from _source_of_level(f"restormerca{level + 1}.", level, source, letter)
    for number, position in enumerate((0, 2, 3), start=1):
        yield from _restormer(f"restormer{number}", f"decoder.body.{position}")
    yield "conv1", "decoder.body.1"
    yield "conv2", "decoder.body.4"


def _source_of_level(level_name: str, level: int, source: int, letter: str) -> Iterator[tuple[str, str]]:
    """One source of one level: level 1 begins with the image encoder, the others refine within their stage."""
    refine = f"stages.{level}.refine_{letter.lower()}" if level else f"image_encoders.{source}.body"
    gate = f"stages.{level}.gate_{letter.lower()}"
    attention = f"{level_name}cross_attentionA{source + 1}.multihead_attn"  # A1 and A2: the A is no source
    yield f"{level_name}conv{letter}1", f"{refine}.0"
    yield f"{level_name}prelu{letter}1", f"{refine}.1"
    yield from _restormer(f"{level_name}restormer{letter}1", f"{refine}.2")
    yield f"{level_name}imagef2textf{letter}1.conv", f"{gate}.to_tokens"
    yield attention, f"{gate}.attention"
    yield f"{attention}.out_proj", f"{gate}.attention.out"
    yield f"{level_name}conv{letter}2", f"{gate}.from_tokens"
    yield f"{level_name}prelu{letter}2", f"{gate}.from_tokens_activation"
    yield f"{level_name}conv{letter}3", f"{gate}.merge"
    yield f"{level_name}prelu{letter}3", f"{gate}.activation"


def _restormer(name: str, ours: str) -> Iterator[tuple[str, str]]:
    return ((f"{name}.{part}", f"{ours}.{our_part}") for part, our_part in _RESTORMER.items())
