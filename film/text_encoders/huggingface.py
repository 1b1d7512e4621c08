"""Any text encoder of the Hugging Face hub: BERT and its kin, the text towers of CLIP and SigLIP, T5's encoder."""

from typing import Any

from film.layers.language import Load
from film.layers.tiny_models import tiny_folder
from film.text_encoders.base import PretrainedTextEncoder


class HuggingFaceText(PretrainedTextEncoder):
    """A frozen text encoder of transformers: the last hidden state of each token.

    Of a model with two towers it takes the text tower, of one with encoder and decoder the encoder. Texts are cut where
    the model ends, with a warning: BERT takes 512 tokens, CLIP 77 and SigLIP 64.
    """

    @staticmethod
    def build(config: Any, load: Load) -> Any:
        """Pick the part that reads text by the kind of the model."""
        import transformers
        from transformers.models.auto.modeling_auto import MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES as ENCODERS

        text = getattr(config, "text_config", config)
        tower = getattr(transformers, type(text).__name__.replace("TextConfig", "TextModel"), None)
        if text is not config and tower is not None:
            return load(tower, text)  # such as SiglipTextModel, which the automatic classes don't know
        automatic = transformers.AutoModelForTextEncoding if text.model_type in ENCODERS else transformers.AutoModel
        model = load(automatic, text)
        return model.get_encoder() if model.config.is_encoder_decoder else model

    @classmethod
    def tiny(cls) -> "HuggingFaceText":
        """A BERT of random weights, eight wide."""
        return cls(tiny_folder(_tiny_bert), dim=8)


def _tiny_bert(words: int) -> Any:
    import transformers

    config = transformers.BertConfig(
        vocab_size=words,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
    )
    return transformers.BertModel(config)
