"""What part of a pair is shown, at what size: the same for both images."""

import numpy as np

from film.data.reading import luminance, unit
from film.data.source import Images

Size = tuple[int, int]


def whole(images: Images) -> Images:
    """Take the luminance of whole images."""
    return Images(luminance(images.a), luminance(images.b))


def random_window(images: Images, crop: int, *, zoom: tuple[float, float], random: np.random.Generator) -> Images:
    """Cut the same random square out of both, and take its luminance.

    Args:
        images: At least as large as the crop, or enlarged to it.
        crop: Side of the result.
        zoom: By how much what is cut is enlarged, from and to; drawn evenly in its logarithm.
        random: Where all randomness comes from.

    Returns:
        Two (crop, crop) luminances.
    """
    height, width = images.a.shape[:2]
    factor = np.exp(random.uniform(*np.log(zoom)))
    side = int(min(max(1, round(crop / factor)), height, width))
    top, left = random.integers(height - side + 1), random.integers(width - side + 1)
    window = slice(top, top + side), slice(left, left + side)
    parts = Images(luminance(images.a[window]), luminance(images.b[window]))
    return parts if side == crop else Images(*(_resize(part, (crop, crop)) for part in parts))


def resized(images: Images, size: Size) -> Images:
    """Bring both to one size (height, width), portrait images turned over their diagonal first, as FILM trains."""
    landscape = size[1] >= size[0]
    parts = [luminance(image) for image in images]
    turned = [part.T if (part.shape[1] >= part.shape[0]) != landscape else part for part in parts]
    return Images(*(_resize(part, size) for part in turned))


def _resize(image: np.ndarray, size: Size) -> np.ndarray:
    import cv2

    if image.shape == size:
        return image
    shrinks = image.shape[0] > size[0] or image.shape[1] > size[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(unit(np.ascontiguousarray(image)), size[::-1], interpolation=method)
