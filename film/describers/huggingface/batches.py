"""Many images at once, as far as the memory reaches, and as models see them."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from film.describers.huggingface.failures import is_lack_of_memory, reason
from film.errors import FilmError
from film.imaging.picture import Picture

if TYPE_CHECKING:
    from PIL import Image

T = TypeVar("T")
R = TypeVar("R")

_log = logging.getLogger("film")


class Batches:
    """Runs a model over many inputs at once; where the memory doesn't suffice, over fewer from then on.

    Args:
        size: Number of inputs to begin with.

    Raises:
        FilmError: It isn't positive.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise FilmError(f"batch_size is {size}; it must be at least 1")
        self.size = size

    def run(self, function: Callable[[list[T]], Sequence[R | FilmError]], items: Sequence[T]) -> "list[R | FilmError]":
        """Apply a function, and find the inputs that it fails on by halving the batch.

        Args:
            function: Inputs to as many results. A FilmError that it raises concerns all and is passed on.
            items: The inputs.

        Returns:
            For each input its result, or what went wrong with it.
        """
        results: list[R | FilmError] = []
        waiting = [list(items)] if items else []
        while waiting:
            batch = waiting.pop(0)
            if len(batch) > self.size:
                waiting[:0] = [batch[: self.size], batch[self.size :]]
                continue
            try:
                results += function(batch)
                continue
            except FilmError:
                raise
            except Exception as error:
                failure = _failure(error)
                exhausted = is_lack_of_memory(error)
            # Only here is the traceback gone, and with it what the failed batch held of the memory.
            if exhausted:
                self._shrink(len(batch) // 2)
            if len(batch) == 1:
                results.append(failure)
            else:
                waiting[:0] = [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
        return results

    def _shrink(self, size: int) -> None:
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if size >= 1:
            _log.warning("not enough memory for %d images at once; going on with %d", 2 * size, size)
            self.size = size


def rgb(picture: Picture, max_side: int) -> "Image.Image":
    """Give 8 bits of RGB, as models read them, not larger than `max_side` px a side."""
    from PIL import Image

    image = picture.as_depth(8).to_pil().convert("RGB")
    image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    return image


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut an iterable into lists of `size`, the last one shorter, drawing no more than it hands out."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _failure(error: Exception) -> FilmError:
    if is_lack_of_memory(error):
        return FilmError("not enough memory for this image; lower max_side, or take precision bf16 or a smaller model")
    return FilmError(f"the model fails on it: {type(error).__name__}: {reason(error)}")
