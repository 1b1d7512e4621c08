"""Further untrained models of real architectures beside those that film brings, and a real server for any of them."""

import importlib.util
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import transformers as hf

from film.describers.huggingface import tiny

_VISION = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
_TEXT = {**_VISION, "num_key_value_heads": 2, "max_position_embeddings": 4096}


@pytest.fixture(scope="session")
def smolvlm() -> Path:
    """SmolVLM, which cuts large images into tiles and pads the number of tiles in a batch."""
    if importlib.util.find_spec("num2words") is None:
        pytest.skip("SmolVLM's processor needs the package num2words")
    marks = {"fake_image_token": "<fake>", "global_image_token": "<global-img>", "end_of_utterance_token": "<end>"}
    words = tiny.tokenizer(list(marks.values()), chat=True, named={"image_token": "<image>", **marks})
    config = hf.SmolVLMConfig(
        vision_config={"model_type": "smolvlm_vision", **_VISION, "image_size": 32, "patch_size": 8},
        text_config={"model_type": "llama", **_TEXT, "vocab_size": len(words), "pad_token_id": words.pad_token_id},
        image_token_id=words.convert_tokens_to_ids("<image>"),
        scale_factor=2,
    )
    processor = hf.SmolVLMProcessor(
        hf.SmolVLMImageProcessor(size={"longest_edge": 64}, max_image_size={"longest_edge": 32}),
        words,
        hf.SmolVLMVideoProcessor(
            size={"longest_edge": 32}, max_image_size={"longest_edge": 32}, video_sampling={"fps": 1, "max_frames": 1}
        ),
        image_seq_len=4,
        chat_template=tiny.CHAT,
    )
    return tiny.save(hf.SmolVLMForConditionalGeneration, config, processor)


@pytest.fixture(scope="session")
def qwen2_vl() -> Path:
    """Qwen2-VL, which takes images as large as they are; none more than two hundred times as long as wide."""
    names = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
    words = tiny.tokenizer(names, chat=True, named={"image_token": "<|image_pad|>", "video_token": "<|video_pad|>"})
    start, end, image, video = words.convert_tokens_to_ids(names)
    config = hf.Qwen2VLConfig(
        text_config={
            **_TEXT,
            "vocab_size": len(words),
            "bos_token_id": words.bos_token_id,
            "eos_token_id": words.eos_token_id,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
        },
        vision_config={"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 2, "mlp_ratio": 2, "patch_size": 8},
        image_token_id=image,
        video_token_id=video,
        vision_start_token_id=start,
        vision_end_token_id=end,
    )
    processor = hf.Qwen2VLProcessor(
        hf.Qwen2VLImageProcessor(size={"shortest_edge": 16 * 16, "longest_edge": 96 * 96}, patch_size=8),
        words,
        hf.Qwen2VLVideoProcessor(patch_size=8),
        chat_template=tiny.CHAT.replace("<image>", "<|vision_start|><|image_pad|><|vision_end|>"),
    )
    return tiny.save(hf.Qwen2VLForConditionalGeneration, config, processor)


@pytest.fixture(scope="session")
def served() -> Callable[[Path], AbstractContextManager[str]]:
    """Serves a model by `transformers serve` while its context lasts, and gives the address up to `/v1`."""
    return _served


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    from transformers.cli.serve import Serve

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Serve(force_model=str(folder), host="127.0.0.1", port=port, device="cpu", non_blocking=True)
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.kill_server()
