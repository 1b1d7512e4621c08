"""Single sharp photos, of which focus or exposure pairs are made on the device."""

from collections.abc import Sequence
from pathlib import Path

from film.data.reading import images_of, read_pixels
from film.data.source import Images, PairSource, Simulation
from film.data.splits import Split, read_list, train_or_val
from film.errors import FilmError

_MADE = {"MFF": "focus", "MEF": "exposure"}


class PhotoPairs(PairSource):
    """Photos that stand in for both images until `film.data.augment` makes a pair of each.

    Args:
        photos: Files.
        task: MFF for focus pairs, MEF for exposure pairs.
    """

    def __init__(self, photos: Sequence[Path], task: str) -> None:
        super().__init__([path.stem for path in photos], task)
        if task not in _MADE:
            raise FilmError(f"pairs of {task} can't be made of single photos; those of {' and '.join(_MADE)} can")
        self.simulate: Simulation = "focus" if task == "MFF" else "exposure"
        self.photos = photos

    def read(self, index: int) -> Images:
        """Read the photo, and give it twice."""
        pixels = read_pixels(self.photos[index])
        return Images(pixels, pixels)


def photos_of(folder: Path, split: Split, *, seed: int, val_share: float) -> list[Path]:
    """List the photos of a folder that belong to training or validation.

    In the layout of the VLF data set, where `train.txt` lies beside the folder, no test image is taken.

    Args:
        folder: Images, as `Image/IVF/MSRS/VI`.
        split: `train` or `val`.
        seed: Of the part that validates.
        val_share: How large that is.

    Raises:
        FilmError: The folder is missing or has no image, or a listed photo is missing.
    """
    images = images_of(folder)
    train_list = folder.parent / "train.txt"
    names = read_list(train_list) if train_list.is_file() else sorted({path.name for path in images.values()})
    if missing := next((name for name in names if name not in images and Path(name).stem not in images), None):
        raise FilmError(f"{train_list} names {missing!r}, which is not in {folder}")
    if not names:
        raise FilmError(f"there are no images in {folder}")
    chosen = train_or_val(names, split, seed=seed, share=val_share)
    return [images.get(name) or images[Path(name).stem] for name in chosen]
