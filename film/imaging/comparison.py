"""Pictures side by side with captions, for the eye to compare."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from film.imaging.picture import Picture

_SMALLEST_PANEL, _LARGEST_PANEL = 256, 1280  # longest side
_GAP = 8
_BACKGROUND, _INK = (24, 24, 24), (240, 240, 240)


def side_by_side(pictures: Sequence[Picture], captions: Sequence[str]) -> Image.Image:
    """Put pictures of one size beside each other, wide ones below each other, each under its caption.

    Args:
        pictures: At least one; large ones are shrunk, and tiny ones magnified without smoothing.
        captions: One for each picture; cut where it gets wider than the picture.

    Returns:
        An RGB image.
    """
    panels = [_panel(picture) for picture in pictures]
    width, height = panels[0].size
    font = ImageFont.load_default(size=max(12, min(24, max(width, height) // 26)))
    _, top, _, bottom = font.getbbox("Ág")
    bar = round(bottom - top) + 2 * _GAP
    stacked = width > 2 * height
    step_x, step_y = (0, height + bar + _GAP) if stacked else (width + _GAP, 0)
    last = len(panels) - 1
    sheet = Image.new("RGB", (width + last * step_x, height + bar + last * step_y), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for index, (panel, caption) in enumerate(zip(panels, captions, strict=True)):
        x, y = index * step_x, index * step_y
        sheet.paste(panel, (x, y + bar))
        draw.text((x + _GAP, y + bar // 2), _fit(caption, width - 2 * _GAP, font), _INK, font, anchor="lm")
    return sheet


def _panel(picture: Picture) -> Image.Image:
    image = picture.as_depth(8).to_pil().convert("RGB")
    longest = max(image.size)
    if longest > _LARGEST_PANEL:
        image.thumbnail((_LARGEST_PANEL, _LARGEST_PANEL), Image.Resampling.LANCZOS)
    elif longest < _SMALLEST_PANEL:
        factor = -(-_SMALLEST_PANEL // longest)
        image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    return image


def _fit(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"
