"""Pictures side by side with captions, for the eye to compare."""

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from film.imaging.picture import Picture

_SMALLEST_PANEL, _LARGEST_PANEL = 256, 1280  # longest side
_GAP = 8
_BACKGROUND, _INK = (24, 24, 24), (240, 240, 240)


def side_by_side(pictures: Sequence[Picture], captions: Sequence[str], *, columns: int | None = None) -> Image.Image:
    """Put pictures of one size beside each other, wide ones below each other, each under its caption.

    Args:
        pictures: At least one; large ones are shrunk, and tiny ones magnified without smoothing.
        captions: One for each picture; cut where it gets wider than the picture.
        columns: How many to put beside each other; None for all, or one if they are wide.

    Returns:
        An RGB image.
    """
    panels = [_panel(picture) for picture in pictures]
    width, height = panels[0].size
    font = ImageFont.load_default(size=max(12, min(24, max(width, height) // 26)))
    _, top, _, bottom = font.getbbox("Ág")
    bar = round(bottom - top) + 2 * _GAP
    columns = min(len(panels), columns or (1 if width > 2 * height else len(panels)))
    rows = -(-len(panels) // columns)
    step_x, step_y = width + _GAP, height + bar + _GAP
    sheet = Image.new("RGB", (columns * step_x - _GAP, rows * step_y - _GAP), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for index, (panel, caption) in enumerate(zip(panels, captions, strict=True)):
        x, y = index % columns * step_x, index // columns * step_y
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


def overlay(picture: Picture, heat: np.ndarray) -> Picture:
    """Colour a picture by a map of weights, from blue (least) through green to red (most of this map).

    Args:
        picture: Shown in grey below the colours.
        heat: (h, w) weights on a grid of any size.

    Returns:
        An 8-bit colour picture of the same size.
    """
    width, height = picture.size
    grey = picture.as_depth(8).pixels
    grey = grey if grey.ndim == 2 else cv2.cvtColor(grey, cv2.COLOR_RGB2GRAY)
    spread = np.ptp(heat) or 1.0
    levels = np.rint(255 * (heat - heat.min()) / spread).astype(np.uint8)
    large = cv2.resize(levels, (width, height), interpolation=cv2.INTER_CUBIC)
    colours = cv2.cvtColor(cv2.applyColorMap(large, cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB)
    return Picture(cv2.addWeighted(np.repeat(grey[..., None], 3, -1), 0.5, colours, 0.5, 0))
