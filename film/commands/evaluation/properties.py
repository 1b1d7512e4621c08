"""What an instruction asks for, measured: one number of the fused image that is to rise."""

from collections.abc import Callable

import cv2
import numpy as np

Image = np.ndarray
Property = Callable[[Image, Image, Image], float]

_BRIGHTEST = 95  # percentile above which a region counts as hot, or as uptake or bone
_COARSE = 16.0  # pixels: what is larger is brightness, what is smaller is detail


def mean_level(fused: Image, a: Image, b: Image) -> float:
    """Mean luminance, 0 to 255."""
    return float(fused.mean())


def contrast(fused: Image, a: Image, b: Image) -> float:
    """RMS contrast: standard deviation of the luminance, 0 to 255."""
    return float(fused.std())


def gradient_energy(fused: Image, a: Image, b: Image) -> float:
    """Mean squared difference of horizontal and vertical neighbours, 0 to 2 · 255²."""
    return float(np.square(np.diff(fused, axis=0)).mean() + np.square(np.diff(fused, axis=1)).mean())


def noise(fused: Image, a: Image, b: Image) -> float:
    """Standard deviation of the noise in levels (Immerkær, 1996, https://doi.org/10.1006/cviu.1996.0060).

    A mask that is blind to brightness and slopes answers to noise; the strongest fifth of its answers, which are
    edges, is left out.
    """
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    answers = np.abs(cv2.filter2D(fused, cv2.CV_32F, mask, borderType=cv2.BORDER_REFLECT))
    return float(np.sqrt(np.pi / 2) / 6 * answers[answers <= np.quantile(answers, 0.8)].mean())


def closeness_to_a(fused: Image, a: Image, b: Image) -> float:
    """Mean |F - B| - mean |F - A|, -255 to 255."""
    return float(np.abs(fused - b).mean() - np.abs(fused - a).mean())


def light_of_a(fused: Image, a: Image, b: Image) -> float:
    """The same of the images blurred by 16 pixels: whose large-scale brightness F has."""
    return closeness_to_a(*(cv2.GaussianBlur(x, (0, 0), _COARSE) for x in (fused, a, b)))


def prominence_of_a(fused: Image, a: Image, b: Image) -> float:
    """Mean of F in the brightest twentieth of A less the mean elsewhere, -255 to 255."""
    bright = a >= np.percentile(a, _BRIGHTEST)
    return float(fused[bright].mean() - fused[~bright].mean()) if not bright.all() else 0.0


def likeness_in_bright_a(fused: Image, a: Image, b: Image) -> float:
    """Correlation of F with A in the brightest twentieth of A, -1 to 1; 0 where either is constant there."""
    bright = a >= np.percentile(a, _BRIGHTEST)
    x, y = a[bright] - a[bright].mean(), fused[bright] - fused[bright].mean()
    scale = np.sqrt((x * x).sum() * (y * y).sum())
    return float((x * y).sum() / scale) if scale > 0 else 0.0


def _less(rises: Property) -> Property:
    return lambda fused, a, b: -rises(fused, a, b)


def _other(of_a: Property) -> Property:
    return lambda fused, a, b: of_a(fused, b, a)


PROPERTIES: dict[str, Property] = {
    "brighter": mean_level,
    "darker": _less(mean_level),
    "more_contrast": contrast,
    "less_contrast": _less(contrast),
    "sharper": gradient_energy,
    "softer": _less(gradient_energy),
    "denoise": _less(noise),
    "keep_grain": noise,
    "emphasise_a": closeness_to_a,
    "emphasise_b": _other(closeness_to_a),
    "soft_tissue": closeness_to_a,
    "heat": prominence_of_a,
    "less_heat": _less(prominence_of_a),
    "uptake": _other(prominence_of_a),
    "bone": _other(prominence_of_a),
    "less_uptake": _less(_other(prominence_of_a)),
    "thermal_brightness": light_of_a,
    "natural_brightness": _other(light_of_a),
}
"""What rises where an instruction of `film.data.wordings` is obeyed."""
