"""The text encoder of FILM (Zhao et al., ICML 2024): BLIP-2's Q-Former (Li et al., ICML 2023, arXiv 2301.12597)."""

from typing import Any

from film.layers.language import Load
from film.layers.tiny_models import tiny_folder
from film.text_encoders.base import PretrainedTextEncoder


class Blip2QFormer(PretrainedTextEncoder):
    """Frozen Q-Former of BLIP-2 reading text: the last hidden state of each token, 768 numbers in the published model.

    As the paper has it, each paragraph is encoded by itself and those of A and B are joined along tokens, A first.

    Args:
        name: Name on the Hugging Face hub, or a folder that `save_pretrained` wrote, of a BLIP-2 whose Q-Former was
            trained with text.
        dim: Width D of its states.
        max_tokens: Tokens kept of a text; null as many as the model takes, 512 in the published one.
        revision: Branch, tag or commit on the hub; null takes the newest.
        dtype: Number format that it computes in: `float32`, `bfloat16` or `float16`.
        cached: Number of texts whose features are kept.
    """

    def __init__(
        self,
        name: str = "Salesforce/blip2-itm-vit-g",
        *,
        dim: int = 768,
        max_tokens: int | None = None,
        revision: str | None = None,
        dtype: str = "float32",
        cached: int = 256,
    ) -> None:
        super().__init__(name, dim=dim, max_tokens=max_tokens, revision=revision, dtype=dtype, cached=cached)

    @staticmethod
    def build(config: Any, load: Load) -> Any:
        """Take the Q-Former with its word embeddings."""
        import transformers

        if not getattr(getattr(config, "qformer_config", None), "use_qformer_text_input", False):
            raise ValueError(
                "it has no Q-Former that was trained with text (use_qformer_text_input); Salesforce/blip2-itm-vit-g has"
            )
        return load(transformers.Blip2TextModelWithProjection, config)

    @classmethod
    def tiny(cls) -> "Blip2QFormer":
        """A Q-Former of random weights, eight wide."""
        return cls(tiny_folder(_tiny_blip2), dim=8)


def _tiny_blip2(words: int) -> Any:
    import transformers

    sizes = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    config = transformers.Blip2Config(
        qformer_config={
            **sizes,
            "vocab_size": words,
            "max_position_embeddings": 64,
            "use_qformer_text_input": True,
        },
        vision_config={**sizes, "image_size": 8, "patch_size": 4},
        text_config={"model_type": "opt", "vocab_size": 8, "hidden_size": 8, "num_attention_heads": 2, "ffn_dim": 8},
        image_text_hidden_size=8,
    )
    return transformers.Blip2ForImageTextRetrieval(config)
