"""An axial slice of a head: T1-weighted MRI beside CT or a tracer in false colours.

A phantom, not anatomy: scalp, skull, folded cortex, white matter, ventricles, and a lesion that each sees differently.
"""

from typing import NamedTuple

import numpy as np

from film.data.scenes.canvas import Canvas, Field, over

# Stops of a tracer's colour scale from cold to hot.
HOT = np.array(((0, 0, 0), (0.15, 0.0, 0.4), (0.75, 0.1, 0.25), (1.0, 0.6, 0.05), (1.0, 1.0, 0.75)), np.float32)


class Tissue(NamedTuple):
    """Coverage (H, W) in [0, 1] of each tissue."""

    scalp: Field
    skull: Field
    fluid: Field
    grey: Field
    white: Field
    ventricles: Field
    lesion: Field


def head(canvas: Canvas) -> tuple[Field, Field, str]:
    """Draw a slice of a head.

    Args:
        canvas: Size and randomness.

    Returns:
        MRI (H, W); CT (H, W) or tracer image (H, W, 3); all in [0, 1]; and what is in it in words.
    """
    tissue = _slice(canvas)
    kind = ("CT", "PET", "SPECT")[canvas.rng.integers(3)]
    second = _ct(canvas, tissue) if kind == "CT" else _tracer(canvas, tissue, soft=0.012 if kind == "PET" else 0.022)
    seen = "skull and a dense lesion" if kind == "CT" else "tracer uptake of grey matter and a lesion"
    return _mri(canvas, tissue), second, f"a slice of a head: soft tissue in MRI, {seen} in {kind}"


def _slice(canvas: Canvas) -> Tissue:
    unit = min(1.0, canvas.aspect)
    middle = (canvas.aspect / 2 + 0.01 * canvas.noise(2, octaves=1)[0, 0], 0.5)
    radii = (unit * canvas.pick(0.34, 0.38), unit * canvas.pick(0.43, 0.46))
    outline = canvas.ellipse(middle, radii) + 0.006 * unit * canvas.noise(3, octaves=1)
    skull, inside = outline + 0.030 * unit, outline + 0.062 * unit
    brain = inside + 0.012 * unit
    folds = _distance_to_folds(canvas, middle, brain, unit)
    sulci = canvas.cover(folds - 0.005 * unit, soft=0.006)
    fissure = canvas.capsule((middle[0], middle[1] - radii[1]), (middle[0], middle[1] - 0.55 * radii[1]), 0.004 * unit)
    fissure = np.minimum(
        fissure,
        canvas.capsule((middle[0], middle[1] + 0.55 * radii[1]), (middle[0], middle[1] + radii[1]), 0.004 * unit),
    )
    cortex = canvas.cover(np.minimum(folds, -brain) - 0.016 * unit, soft=0.008)
    nuclei = [
        canvas.cover(canvas.ellipse((middle[0] + s * 0.085 * unit, middle[1]), (0.04 * unit, 0.07 * unit)), soft=0.02)
        for s in (-1, 1)
    ]
    grey = np.clip(np.maximum(cortex, np.maximum(*nuclei)), 0, 1)
    ventricles = canvas.cover(_ventricles(canvas, middle, unit), soft=0.008)
    angle = canvas.pick(0, 2 * np.pi)
    where = (middle[0] + 0.5 * radii[0] * np.cos(angle), middle[1] + 0.5 * radii[1] * np.sin(angle))
    size = unit * canvas.pick(0.025, 0.05)
    spot = canvas.ellipse(where, (size, size * canvas.pick(0.8, 1.3))) + 0.008 * unit * canvas.noise(12)
    in_brain = canvas.cover(brain)
    return Tissue(
        scalp=canvas.cover(outline) * (1 - canvas.cover(skull)),
        skull=canvas.cover(skull) * (1 - canvas.cover(inside)),
        fluid=canvas.cover(inside) * np.maximum(1 - in_brain, np.maximum(sulci, canvas.cover(fissure))),
        grey=in_brain * grey,
        white=in_brain * (1 - grey),
        ventricles=in_brain * ventricles,
        lesion=in_brain * canvas.cover(spot, soft=0.012),
    )


def _distance_to_folds(canvas: Canvas, middle: tuple[float, float], brain: Field, unit: float) -> Field:
    """Distance to the nearest sulcus; they run inwards from the rim at wavering angles and end at random depths."""
    dx, dy = canvas.x - middle[0], canvas.y - middle[1]
    phase = 8 * np.arctan2(dy, dx) + 2.2 * canvas.noise(5 / unit, octaves=2)
    sideways = np.abs(np.sin(phase)) * np.hypot(dx, dy) / 8
    depth = (0.075 + 0.03 * canvas.noise(6 / unit, octaves=1)) * unit
    return np.hypot(sideways, np.maximum(-brain - depth, 0)).astype(np.float32)


def _ventricles(canvas: Canvas, middle: tuple[float, float], unit: float) -> Field:
    wide = unit * canvas.pick(0.012, 0.024)
    x, y = middle
    horns = [
        canvas.capsule((x + s * 0.018 * unit, y + a * unit), (x + s * b * unit, y + c * unit), wide)
        for s in (-1, 1)
        for a, b, c in ((-0.03, 0.05, -0.12), (0.03, 0.06, 0.13))
    ]
    return np.minimum.reduce(horns)


def _mri(canvas: Canvas, tissue: Tissue) -> Field:
    level = 0.05 * tissue.skull + 0.82 * tissue.scalp + 0.46 * tissue.grey + 0.72 * tissue.white
    level = over(level, tissue.fluid, 0.14)
    level = over(level, tissue.ventricles, 0.12)
    level = over(level, 0.7 * tissue.lesion, 0.34)
    bias = 1 + 0.05 * canvas.noise(2, octaves=1)  # coils do not receive evenly
    return np.clip(canvas.blur(level, 0.002) * bias + 0.015 * canvas.grain(), 0, 1)


def _ct(canvas: Canvas, tissue: Tissue) -> Field:
    level = 0.30 * tissue.scalp + 0.97 * tissue.skull + 0.40 * tissue.grey + 0.37 * tissue.white
    level = over(level, tissue.fluid * (1 - tissue.skull), 0.27)
    level = over(level, tissue.ventricles, 0.24)
    level = over(level, tissue.lesion, 0.68)
    return np.clip(canvas.blur(level, 0.0025) + 0.02 * canvas.blur(canvas.grain(), 0.002), 0, 1)


def _tracer(canvas: Canvas, tissue: Tissue, *, soft: float) -> Field:
    uptake = 0.75 * tissue.grey + 0.22 * tissue.white + 0.06 * tissue.scalp
    uptake = over(uptake, np.maximum(tissue.fluid, tissue.ventricles), 0.05)
    uptake = over(uptake, tissue.lesion, 1.0 if canvas.rng.random() < 0.7 else 0.1)
    counts = canvas.blur(uptake * (1 + 0.1 * canvas.noise(4)) + 0.25 * uptake * canvas.grain(), soft)
    return false_colours(counts / max(float(np.percentile(counts, 99.7)), 1e-3))


def false_colours(uptake: Field) -> Field:
    """Paint an uptake (H, W) in [0, 1] in the colours usual for tracers, (H, W, 3); what lies outside is clipped."""
    stops = np.linspace(0, 1, len(HOT))
    return np.stack([np.interp(uptake, stops, HOT[:, channel]) for channel in range(3)], -1).astype(np.float32)
