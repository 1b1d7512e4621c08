"""The whole way: two images and a few words in, one fused image in colour out."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from film.checkpoint import Model, load_model
from film.describers.base import Describer, Subject
from film.devices import autocast, choose_device
from film.errors import FilmError
from film.imaging.colour import luminance, luminance_of, paint, recolour, to_levels
from film.imaging.files import read_image
from film.imaging.picture import (
    Picture,
    check_pair,
    check_size,
    check_unit_range,
    picture_from_array,
    picture_from_pil,
)
from film.imaging.tiles import check_tiling, fuse_in_tiles
from film.layers.text import TextFeatures
from film.layers.text_files import read_text_features
from film.words import add_words, check_task, encode_words, fit_features, load_describer

Source = str | Path | Image.Image | np.ndarray | Tensor


class FusionPipeline:
    """Fuses pairs of images with one model.

    Args:
        model: The model; `FusionPipeline.load` takes its name or file.
        device: `auto` (CUDA, then MPS, then CPU), `cpu`, `cuda` or `mps`.
        precision: `32`, or autocast to `bf16` or `16`.
        tile: Largest side of the tiles that an image is fused in; 0 never cuts it, None only where it is large.
        overlap: Pixels that neighbouring tiles share and are blended over; None for 64, or less in small tiles.
        describer: Says what each source shows where nobody else does: a describer, or the name or file of one; None
            for words that are given only.

    Raises:
        FilmError: The device isn't there, or a value isn't one of those allowed.
    """

    def __init__(
        self,
        model: Model,
        *,
        device: str = "auto",
        precision: str = "32",
        tile: int | None = None,
        overlap: int | None = None,
        describer: Describer | str | Path | None = None,
    ) -> None:
        check_tiling(tile, overlap)
        self.device = choose_device(device)
        autocast(self.device, precision)  # refuses an unknown one
        self.model = model
        self.network = model.network.to(self.device)
        self.precision = precision
        self.tile = tile
        self.overlap = overlap
        self.describer = load_describer(describer) if isinstance(describer, str | Path) else describer

    @classmethod
    def load(
        cls,
        source: str | Path = "film-small",
        *,
        device: str = "auto",
        precision: str = "32",
        tile: int | None = None,
        overlap: int | None = None,
        describer: Describer | str | Path | None = None,
    ) -> "FusionPipeline":
        """Load a model and make a pipeline of it.

        Args:
            source: Name of a shipped model, or a `.safetensors` or released `.pth` file.
            device: See the class.
            precision: See the class.
            tile: See the class.
            overlap: See the class.
            describer: See the class.

        Raises:
            FilmError: There is no such model, or one of the other values is wrong.
        """
        check_tiling(tile, overlap)  # all before the work of loading
        autocast(choose_device(device), precision)
        model = load_model(source)
        return cls(model, device=device, precision=precision, tile=tile, overlap=overlap, describer=describer)

    def __call__(
        self,
        a: Source,
        b: Source,
        *,
        task: str | None = None,
        text: str | None = None,
        text_a: str | None = None,
        text_b: str | None = None,
        text_features: str | Path | TextFeatures | Tensor | None = None,
        grey: bool = False,
    ) -> Any:
        """Fuse a pair.

        Args:
            a: Source A: a path, a PIL image, an array (H, W) or (H, W, 3) of uint8, uint16 or floats in [0, 1], or
                a tensor (B, C, H, W) of uint8 or floats in [0, 1] with C = 1 or 3.
            b: Source B, of the same kind and size.
            task: IVF, MIF, MEF or MFF; None says nothing about it.
            text: What to tell the model about the pair.
            text_a: What image A shows; None leaves that to the describer, if there is one.
            text_b: What image B shows; None likewise.
            text_features: Features in place of all words: a file, see `read_text_features`, or tokens (1, L, D),
                for tensors also (B, L, D).
            grey: Leave the colour out.

        Returns:
            The fused image, of the same size and kind: a PIL image for PIL images and paths; an array or tensor of
            the same number format, with three channels if one of the sources has them and `grey` isn't set.

        Raises:
            FilmError: The two can't be fused with each other, or the model can't take this text.
        """
        kinds = _kind(a), _kind(b)
        if kinds[0] != kinds[1]:
            raise FilmError(f"a is {kinds[0]} and b is {kinds[1]}; give two of one kind")
        given = {"task": task, "text": text, "text_a": text_a, "text_b": text_b, "text_features": text_features}
        if isinstance(a, Tensor) and isinstance(b, Tensor):
            return self._fuse_tensors(a, b, given, grey)
        names = (str(a), str(b)) if isinstance(a, str | Path) else ("a", "b")
        pictures = _picture(a, "a"), _picture(b, "b")
        check_pair(*pictures, names=names)
        fused = self.fuse(*pictures, words=self._words(*pictures, given), grey=grey, names=names)
        if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
            return fused.to_pil()
        three = not grey and 3 in (a.ndim, b.ndim) and not fused.is_colour
        return (np.repeat(fused.pixels[..., None], 3, -1) if three else fused.pixels).astype(a.dtype)

    @property
    def describes(self) -> bool:
        """Whether there is a describer, and a model that reads what it says."""
        return self.describer is not None and self.model.reads_words

    def describe(
        self,
        a: Picture,
        b: Picture,
        *,
        task: str | None = None,
        text_a: str | None = None,
        text_b: str | None = None,
        names: tuple[str, str] = ("a", "b"),
    ) -> tuple[str, str]:
        """Say what each source shows, by the describer.

        Args:
            a: Source A.
            b: Source B, of the same size.
            task: IVF, MIF, MEF or MFF; None for two plain images.
            text_a: What A shows, if that is known already.
            text_b: What B shows, likewise.
            names: What to call the two in an error.

        Returns:
            The texts of A and B.

        Raises:
            FilmError: There is no describer, or it failed.
        """
        check_task(task)
        check_pair(a, b, names=names)
        if self.describer is None:
            raise FilmError('the pipeline has no describer; make it with describer="statistics", or give the texts')
        asked = []
        if not text_a:
            asked.append(Subject("a", a, task=task, side=task and "a", partner=b))
        if not text_b:
            asked.append(Subject("b", b, task=task, side=task and "b", partner=a))
        texts = {"a": text_a or "", "b": text_b or ""}
        for subject, outcome in self.describer.describe(iter(asked)):
            if isinstance(outcome, FilmError):
                raise FilmError(f"{names['ab'.index(subject.name)]}: {outcome}") from outcome
            texts[subject.name] = outcome.text
        return texts["a"], texts["b"]

    def add_texts(self, words: TextFeatures | None, *texts: str) -> TextFeatures:
        """Put texts behind what `encode` gave; for a model that reads words."""
        return add_words(self.model, words, texts)

    def encode(
        self,
        *,
        task: str | None = None,
        text: str | None = None,
        text_a: str | None = None,
        text_b: str | None = None,
        text_features: str | Path | TextFeatures | Tensor | None = None,
    ) -> TextFeatures | None:
        """Turn words into what `fuse` takes, once for any number of pairs; arguments as of a call.

        Returns:
            Tokens (1, L, D), the task's sentence first; None for a model that can't read words.

        Raises:
            FilmError: The model can't take this text, or there are words beside the features.
        """
        check_task(task)
        if text_features is None:
            return encode_words(self.model, task=task, text=text, text_a=text_a, text_b=text_b)
        if text or text_a or text_b:
            raise FilmError("text features take the place of all words; give one or the other")
        if isinstance(text_features, Tensor):
            text_features = TextFeatures.unpadded(text_features)
        elif not isinstance(text_features, TextFeatures):
            path = Path(text_features)
            return fit_features(read_text_features(path), self.model, path=path)
        return fit_features(text_features, self.model)

    def fuse(
        self,
        a: Picture,
        b: Picture,
        *,
        words: TextFeatures | None = None,
        grey: bool = False,
        names: tuple[str, str] = ("a", "b"),
    ) -> Picture:
        """Fuse two pictures; of a large one, only the luminance is ever float as a whole.

        Args:
            a: Source A.
            b: Source B, of the same size.
            words: What `encode` made of the texts; None for no words.
            grey: Leave the colour out.
            names: What to call the two in an error.

        Returns:
            The fused picture: in colour if a source has colour, as deep as the deeper source.

        Raises:
            FilmError: The sizes differ or are too small, or the memory doesn't suffice.
        """
        check_pair(a, b, names=names)
        fused = self._fuse_luminance(luminance_of(a), luminance_of(b), words)
        return paint(fused, a, b, grey=grey)

    def _words(self, a: Picture, b: Picture, given: Mapping[str, Any]) -> TextFeatures | None:
        """Encode what is given, the arguments of `encode`, and what the describer says of the rest."""
        texts = {side: given[side] for side in ("text_a", "text_b")}
        if self.describes and given["text_features"] is None and not all(texts.values()):
            texts = dict(zip(texts, self.describe(a, b, task=given["task"], **texts), strict=True))
        return self.encode(**{**given, **texts})

    def _fuse_tensors(self, a: Tensor, b: Tensor, given: Mapping[str, Any], grey: bool) -> Tensor:
        unit_a, unit_b = _unit(a, "a"), _unit(b, "b")
        if (a.shape[0], a.shape[2:], a.dtype, a.device) != (b.shape[0], b.shape[2:], b.dtype, b.device):
            raise FilmError(
                f"a is {tuple(a.shape)} {a.dtype} on {a.device}, b is {tuple(b.shape)} {b.dtype} on {b.device}; "
                "only the channels may differ"
            )
        check_size(a.shape[-1], a.shape[-2], name="a")
        words = self._words_of_tensors(a, b, given)
        plane_a, plane_b = luminance(unit_a), luminance(unit_b)
        if not a.is_floating_point():
            plane_a, plane_b = to_levels(plane_a, 255), to_levels(plane_b, 255)
        fused = self._fuse_luminance(plane_a, plane_b, words)
        result = fused if grey else recolour(fused, unit_a, unit_b)
        return result.to(a.dtype) if a.is_floating_point() else (result * 255).round().to(a.dtype)

    def _words_of_tensors(self, a: Tensor, b: Tensor, given: Mapping[str, Any]) -> TextFeatures | None:
        if not self.describes:
            return self.encode(**given)
        pairs = ((_of_tensor(x), _of_tensor(y)) for x, y in zip(a, b, strict=True))
        encoded = [words for words in (self._words(*pair, given) for pair in pairs) if words]
        return TextFeatures.stack(encoded)

    @torch.no_grad()
    def _fuse_luminance(self, a: Tensor, b: Tensor, words: TextFeatures | None) -> Tensor:
        """Fuse (B, 1, H, W) luminances; the result is on their device, float32 in [0, 1]."""
        if words is not None and len(words.tokens) not in (1, len(a)):
            raise FilmError(f"{len(words.tokens)} texts for {len(a)} pairs; give one, or one a pair")
        text = None if words is None else words.expand(len(a))

        def fuse(a: Tensor, b: Tensor) -> Tensor:
            with autocast(self.device, self.precision):
                return self.network(a.to(self.device), b.to(self.device), text)

        try:
            fused = fuse_in_tiles(fuse, a, b, tile=self.tile, overlap=self.overlap)
        except (MemoryError, RuntimeError) as error:
            if not re.search("out of memory|allocate memory", str(error)):
                raise
            raise FilmError(
                f"not enough memory on {self.device} for {a.shape[-1]}x{a.shape[-2]}; cut it into smaller tiles, "
                "for example with --tile 512"
            ) from error
        if not fused.isfinite().all():
            raise FilmError(f"the model returns NaN in precision {self.precision}; take --precision 32")
        return fused


def _kind(source: Any) -> str:
    if isinstance(source, np.ndarray):
        return f"an array of {source.dtype}"
    if isinstance(source, Tensor):
        return "a tensor"
    if isinstance(source, Image.Image):
        return "a PIL image"
    if isinstance(source, str | Path):
        return "a path"
    raise FilmError(f"can't fuse a {type(source).__name__}; give paths, PIL images, arrays or tensors")


def _picture(source: Any, name: str) -> Picture:
    if isinstance(source, np.ndarray):
        return picture_from_array(source, name=name)
    if isinstance(source, Image.Image):
        return picture_from_pil(source, name=name)
    return read_image(Path(source))


def _of_tensor(image: Tensor) -> Picture:
    """Take a picture from a tensor (C, H, W)."""
    array = image.detach().cpu().movedim(0, -1).numpy()
    return picture_from_array(array if array.shape[-1] == 3 else array[..., 0], name="image")


def _unit(image: Tensor, name: str) -> Tensor:
    if image.ndim != 4 or image.shape[1] not in (1, 3) or image.numel() == 0:
        raise FilmError(f"{name} has the shape {tuple(image.shape)}; a tensor must be (B, C, H, W) with C = 1 or 3")
    if image.dtype == torch.uint8:
        return image.float() / 255
    if not image.is_floating_point():
        raise FilmError(f"{name} holds {image.dtype}; a tensor must be uint8 or a float in [0, 1]")
    check_unit_range(image.detach(), name)
    return image.detach().float().clamp(0, 1)
