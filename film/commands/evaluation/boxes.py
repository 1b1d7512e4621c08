"""Box plots as SVG, drawn by hand: the report needs no plotting library and no network."""

import html
from collections.abc import Mapping, Sequence

import numpy as np

_LABEL, _WIDTH, _ROW, _TOP = 110, 300, 20, 24


def box_plot(title: str, values: Mapping[str, Sequence[float]]) -> str:
    """Draw one box a method: quartiles, median, whiskers to the last value within 1.5 box lengths, others as dots.

    Args:
        title: Written above.
        values: By method, in the order from top to bottom.
    """
    present = [value for part in values.values() for value in part]
    if not present:
        return ""
    low, high = min(present), max(present)
    scale = _WIDTH / (high - low) if high > low else 0.0
    height = _TOP + _ROW * len(values) + 18
    parts = [f'<text x="0" y="14" class="title">{html.escape(title)}</text>']
    for index, (method, part) in enumerate(values.items()):
        middle = _TOP + _ROW * index + _ROW / 2
        parts.append(f'<text x="{_LABEL - 6}" y="{middle + 4:.1f}" text-anchor="end">{html.escape(method[:16])}</text>')
        if part:
            parts.append(_box(np.sort(part), middle, low, scale))
    for value, anchor in ((low, "start"), (high, "end")):
        x = _LABEL + (value - low) * scale
        parts.append(f'<text x="{x:.1f}" y="{height - 4}" text-anchor="{anchor}" class="axis">{value:.4g}</text>')
    return f'<svg class="box" viewBox="0 0 {_LABEL + _WIDTH + 8} {height}">{"".join(parts)}</svg>'


def _box(values: np.ndarray, middle: float, low: float, scale: float) -> str:
    first, median, third = np.percentile(values, [25, 50, 75])
    reach = 1.5 * (third - first)
    inside = values[(values >= first - reach) & (values <= third + reach)]
    outside = values[(values < first - reach) | (values > third + reach)]
    left, right, start, end, centre = (
        _LABEL + (value - low) * scale for value in (inside[0], inside[-1], first, third, median)
    )
    top, tall = middle - _ROW * 0.3, _ROW * 0.6
    dots = "".join(f'<circle cx="{_LABEL + (value - low) * scale:.1f}" cy="{middle}" r="1.5"/>' for value in outside)
    return (
        f'<line x1="{left:.1f}" x2="{right:.1f}" y1="{middle}" y2="{middle}"/>'
        f'<rect x="{start:.1f}" y="{top}" width="{max(end - start, 0.5):.1f}" height="{tall}"/>'
        f'<line class="median" x1="{centre:.1f}" x2="{centre:.1f}" y1="{top}" y2="{top + tall}"/>{dots}'
    )
