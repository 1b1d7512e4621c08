"""Draw docs/images/text_guidance.jpg: one sample pair under different words.

python scripts/draw_text_guidance.py
"""

from pathlib import Path

from film.imaging.comparison import side_by_side
from film.imaging.files import read_image
from film.pipeline import FusionPipeline
from film.samples import pairs

OUTPUT = Path(__file__).parent.parent / "docs" / "images" / "text_guidance.jpg"
WORDS = (
    None,
    "Make the result darker.",
    "Make the result brighter.",
    "Less contrast, please.",
    "Keep the infrared image.",
    "Keep the visible image.",
    "Make the people stand out.",
    "Darken the left half.",
    "Sharpen the details.",
    "Blur the details.",
)


def main() -> None:
    """Fuse and draw."""
    pipeline = FusionPipeline.load("film-small", device="cpu", describer="statistics")
    pair = next(pair for pair in pairs() if pair.a.stem == "street_synthetic")
    a, b = read_image(pair.a), read_image(pair.b)
    text_a, text_b = pipeline.describe(a, b, task="IVF")
    fused = [
        pipeline.fuse(a, b, words=pipeline.encode(task="IVF", text=text, text_a=text_a, text_b=text_b))
        for text in WORDS
    ]
    captions = ["A: infrared", "B: visible", *(text or "no instruction" for text in WORDS)]
    side_by_side((a, b, *fused), captions, columns=4).save(OUTPUT, quality=85)


if __name__ == "__main__":
    main()
