"""Arrays that are filled again once nobody looks at them any more.

The kernel hands out a large fresh array page by page, which takes longer than to fill it. A tensor made by
`torch.from_numpy` refers to its array, so the reference count tells whether a batch is still in use.
"""

import sys
from typing import Any

import numpy as np

_FLOAT = np.dtype(np.float32)
_KEPT = 8  # arrays at rest: a few batches in flight, of images and of text features
_UNUSED = 3  # references to an array that is at rest: the list, the loop and the question


class Buffers:
    """A few arrays, given out one at a time; copies for workers start empty."""

    def __init__(self) -> None:
        self._arrays: list[np.ndarray] = []

    def take(self, shape: tuple[int, ...], dtype: np.dtype[Any] = _FLOAT) -> np.ndarray:
        """Give an array of this shape and number format with any content, which nobody else holds."""
        for array in self._arrays:
            if array.shape == shape and array.dtype == dtype and sys.getrefcount(array) <= _UNUSED:
                return array
        self._arrays = [*self._arrays[1 - _KEPT :], array := np.empty(shape, dtype)]
        return array

    def __getstate__(self) -> dict[str, list[np.ndarray]]:
        return {"_arrays": []}
