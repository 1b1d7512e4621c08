"""Untrained models of a few thousand weights and of real architectures, for tests: folders as the hub has them.

They say nothing sensible, but load, read images and generate exactly as their large siblings do.
"""

import atexit
import functools
import shutil
import string
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

IMAGE = 32  # px a side that the vision parts read
WORDS = (
    "a street at night with two people walking past parked cars under warm lamps",
    "the infrared image shows a bright person beside dark trees and a grey road",
    "describe this image in one paragraph . name objects , colours and places !",
    "over under exposed near far focus visible soft tissue bone sky wall window left right centre",
)
CHAT = (
    "{% for message in messages %}{{ message.role }} : {% if message.content is string %}{{ message.content }}"
    "{% else %}{% for part in message.content %}{% if part.type == 'image' %}<image>{% else %}{{ part.text }}"
    "{% endif %}{% endfor %}{% endif %} {% endfor %}{% if add_generation_prompt %}assistant : {% endif %}"
)
_LAYERS: dict[str, Any] = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 32, "intermediate_size": 64}
_SEED = 1
_SILENT = ("<pad>", "<s>", "<unk>", "<image>")  # never said: an answer has words


@functools.cache
def llava() -> Path:
    """LLaVA, a chat model that sees: a CLIP vision tower before a Llama."""
    import transformers as hf

    words = tokenizer(chat=True)
    text = hf.LlamaConfig(**_LAYERS, vocab_size=len(words), max_position_embeddings=4096)
    config = hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(**_LAYERS, image_size=IMAGE, patch_size=8, projection_dim=32),
        text_config=text,
        image_token_index=words.convert_tokens_to_ids("<image>"),
    )
    processor = hf.LlavaProcessor(
        hf.CLIPImageProcessor(size={"shortest_edge": IMAGE}, crop_size=IMAGE),
        words,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT,
    )
    return save(hf.LlavaForConditionalGeneration, config, processor)


@functools.cache
def llama() -> Path:
    """Llama, a chat model that only reads."""
    import transformers as hf

    words = tokenizer(chat=True)
    config = hf.LlamaConfig(**_LAYERS, vocab_size=len(words), max_position_embeddings=4096)
    return save(hf.LlamaForCausalLM, config, words)


@functools.cache
def blip() -> Path:
    """BLIP, a captioner."""
    import transformers as hf

    words = tokenizer()
    text = hf.BlipTextConfig(
        **_LAYERS,
        vocab_size=len(words),
        encoder_hidden_size=32,
        projection_dim=32,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        sep_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    vision = hf.BlipVisionConfig(**_LAYERS, image_size=IMAGE, patch_size=8)
    config = hf.BlipConfig(vision_config=vision.to_dict(), text_config=text.to_dict(), projection_dim=32)
    processor = hf.BlipProcessor(hf.BlipImageProcessor(size=_square()), words)
    return save(hf.BlipForConditionalGeneration, config, processor)


@functools.cache
def florence() -> Path:
    """Florence-2, which writes captions with boxes: a DaViT before a BART."""
    import transformers as hf

    words = tokenizer([f"<loc_{i}>" for i in range(1000)], named={"image_token": "<image>"})
    text = hf.BartConfig(
        vocab_size=len(words),
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
        decoder_start_token_id=words.eos_token_id,
        forced_eos_token_id=words.eos_token_id,
    )
    vision = {
        "embed_dim": [8, 8, 16, 32],
        "num_heads": [1, 1, 2, 2],
        "num_groups": [1, 1, 2, 2],
        "depths": [1, 1, 1, 1],
        "window_size": 2,
        "projection_dim": 32,
    }
    image_id = words.convert_tokens_to_ids("<image>")
    config = hf.Florence2Config(text_config=text.to_dict(), vision_config=vision, image_token_id=image_id)
    images: Any = hf.CLIPImageProcessor(size=_square(), do_center_crop=False)
    images.image_seq_length = 2  # the whole, and the one place that is left of 32 px
    parsing: dict[str, Any] = {kind: {} for kind in ("pure_text", "description_with_bboxes", "bboxes")}
    return save(
        hf.Florence2ForConditionalGeneration,
        config,
        hf.Florence2Processor(images, words, post_processor_config=parsing),
    )


@functools.cache
def yolos() -> Path:
    """YOLOS, a detector: a plain vision transformer with eight queries and two classes."""
    import transformers as hf

    config = hf.YolosConfig(
        **_LAYERS, image_size=[IMAGE, IMAGE], patch_size=8, num_detection_tokens=8, id2label={0: "person", 1: "car"}
    )
    processor = hf.YolosImageProcessor(size={"shortest_edge": IMAGE, "longest_edge": 32 * IMAGE})
    return save(hf.YolosForObjectDetection, config, processor)


@functools.cache
def owl() -> Path:
    """OWL-ViT, a detector of what words name."""
    import transformers as hf

    words = tokenizer()
    text = _clip_text(hf.OwlViTTextConfig, words)
    vision = hf.OwlViTVisionConfig(**_LAYERS, image_size=IMAGE, patch_size=8).to_dict()
    config = hf.OwlViTConfig(text_config=text, vision_config=vision, projection_dim=32)
    processor = hf.OwlViTProcessor(hf.OwlViTImageProcessor(size=_square()), words)
    return save(hf.OwlViTForObjectDetection, config, processor, loudness=0.1)  # louder ones see boxes without area


@functools.cache
def clip() -> Path:
    """CLIP, which says how well words fit an image."""
    import transformers as hf

    words = tokenizer()
    text = _clip_text(hf.CLIPTextConfig, words)
    vision = hf.CLIPVisionConfig(**_LAYERS, image_size=IMAGE, patch_size=8).to_dict()
    config = hf.CLIPConfig(text_config=text, vision_config=vision, projection_dim=32)
    images = hf.CLIPImageProcessor(size={"shortest_edge": IMAGE}, crop_size=IMAGE)
    return save(hf.CLIPModel, config, hf.CLIPProcessor(images, words))


@functools.cache
def sam() -> Path:
    """Segment Anything."""
    import transformers as hf

    vision = hf.SamVisionConfig(
        hidden_size=32,
        output_channels=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=64,
        patch_size=8,
        global_attn_indexes=[1],
        window_size=4,
        mlp_dim=64,
        num_pos_feats=8,
    )
    prompts = hf.SamPromptEncoderConfig(hidden_size=16, image_size=64, patch_size=8, mask_input_channels=4)
    masks = hf.SamMaskDecoderConfig(
        hidden_size=16, mlp_dim=32, num_hidden_layers=1, num_attention_heads=2, iou_head_hidden_dim=16
    )
    config = hf.SamConfig(
        vision_config=vision.to_dict(), prompt_encoder_config=prompts.to_dict(), mask_decoder_config=masks.to_dict()
    )
    processor = hf.SamProcessor(
        hf.SamImageProcessor(
            size={"longest_edge": 64},
            mask_size={"longest_edge": 16},
            pad_size={"height": 64, "width": 64},
            mask_pad_size={"height": 16, "width": 16},
        )
    )
    return save(hf.SamModel, config, processor)


@functools.cache
def segformer() -> Path:
    """SegFormer, which names every pixel one of three things."""
    import transformers as hf

    config = hf.SegformerConfig(
        hidden_sizes=[8, 8, 16, 16],
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=16,
        id2label={0: "sky", 1: "road", 2: "tree"},
    )
    return save(hf.SegformerForSemanticSegmentation, config, hf.SegformerImageProcessor(size=_square()))


def tokenizer(extra: Sequence[str] = (), *, named: Mapping[str, str] | None = None, chat: bool = False) -> Any:
    """Make a tokenizer of a few words that can spell every other.

    Args:
        extra: Further special tokens.
        named: Special tokens that it shall know by a name of their own, such as `image_token`.
        chat: Give it a chat template.
    """
    import tokenizers as tk
    from transformers import PreTrainedTokenizerFast

    raw = tk.Tokenizer(tk.models.BPE(unk_token="<unk>"))
    raw.pre_tokenizer = tk.pre_tokenizers.Metaspace()
    raw.decoder = tk.decoders.Metaspace()
    specials = ["<pad>", "<s>", "</s>", "<unk>", "<image>", *extra]
    trainer = tk.trainers.BpeTrainer(
        vocab_size=len(specials) + 300,
        special_tokens=specials,
        initial_alphabet=list(string.ascii_letters + string.digits + string.punctuation),
        show_progress=False,
    )
    raw.train_from_iterator(WORDS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=4096,
        chat_template=CHAT if chat else None,
        extra_special_tokens=dict(named) if named else None,
    )


def save(model_class: Any, config: Any, processor: Any, *, loudness: float = 8.0) -> Path:
    """Make the model with its own random weights, always the same, and put it into a folder that ends with the process.

    Args:
        model_class: Class of transformers.
        config: Its configuration.
        processor: The processor or tokenizer that is stored beside it.
        loudness: How much larger its weights are than fresh ones: what is said shall depend on what is seen.
    """
    import torch
    from transformers.utils import logging

    place = Path(tempfile.mkdtemp(prefix="film-tiny-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    folder = place / config.model_type
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(_SEED)
        model = model_class(config)
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(loudness)
    words = getattr(processor, "tokenizer", processor)
    if model.can_generate():
        ids = words.convert_tokens_to_ids([token for token in _SILENT if token in words.get_vocab()])
        model.generation_config.update(
            suppress_tokens=ids, pad_token_id=words.pad_token_id, eos_token_id=words.eos_token_id
        )
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
    finally:
        if bars:
            logging.enable_progress_bar()
    return folder


def _clip_text(config_class: Any, words: Any) -> dict[str, Any]:
    return config_class(
        **_LAYERS,
        vocab_size=len(words),
        max_position_embeddings=64,
        projection_dim=32,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    ).to_dict()


def _square() -> dict[str, int]:
    return {"height": IMAGE, "width": IMAGE}
