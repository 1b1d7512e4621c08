"""Make what film-small is trained on besides the data sets: sharp photos, and described pairs simulated from photos.

    FILM_DATA=… python experiments/guided/simulate.py --output outputs/guided

`photos/` gets the colour photos that scikit-image brings (most of them CC0); `Image/MFF/Simulated` and
`Image/MEF/Simulated` get focus and exposure pairs of the visible images of RoadScene's train list, from which
`film describe` makes texts in the words of these tasks. Training itself simulates its pairs anew in every epoch.
Of the validation photos, `Image/MFF/Big` to `Image/MFF/Clean` are six kinds of focus pairs, and `Image/MEF/Bracket`
exposure pairs, to choose weights by.
"""

import argparse
import os
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from skimage import data as photos
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from film.data.photos import photos_of
from film.data.reading import luminance, read_pixels, unit
from film.data.sets import find_root
from film.data.simulate import exposure_pair, focus_pair
from film.imaging.files import write_image
from film.imaging.picture import Picture
from film.tasks import SOURCES

NAMES = ("astronaut", "chelsea", "coffee", "hubble_deep_field", "immunohistochemistry", "rocket")
KINDS: dict[str, tuple[float, dict[str, Any]]] = {  # enlargement of the photo, and what focus_pair is told
    "Big": (1.0, {"radius": (3.0, 7.0), "slanted": 0.0}),
    "Slanted": (0.6, {"radius": (0.5, 6.0), "slanted": 0.6}),
    "Noisy": (0.6, {"radius": (0.8, 4.0), "noise": (0.004, 0.01)}),
    "Small": (0.6, {"radius": (0.3, 1.2)}),
    "Soft": (1.6, {"radius": (1.0, 6.0)}),
    "Clean": (1.6, {"radius": (1.0, 6.0), "noise": (0.0, 0.0)}),
}


def main() -> None:
    """Write photos and pairs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("FILM_DATA", "data"), help="folder that holds VLFDataset")
    parser.add_argument("--output", type=Path, default=Path("outputs/guided"))
    args = parser.parse_args()
    folder = args.output / "photos"
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        try:
            photo = getattr(photos, name)()
        except (OSError, ConnectionError, ModuleNotFoundError) as error:  # some are downloaded on first use
            tqdm.write(f"left out: {name} ({error})")
            continue
        Image.fromarray(photo[..., :3]).save(folder / f"{name}.png")
    visible = find_root(args.data) / "Image/IVF/RoadScene/VI"
    for path in tqdm(photos_of(visible, "train", seed=0, val_share=0.05), desc="train"):
        photo, generator = _photo(path)
        _write(args.output / "Image/MFF/Simulated", path.stem, focus_pair(photo, generator=generator))
        _write(args.output / "Image/MEF/Simulated", path.stem, exposure_pair(photo, generator=generator))
    for path in tqdm(photos_of(visible, "val", seed=0, val_share=0.05), desc="validation"):
        photo, generator = _photo(path)
        for kind, (zoom, drawn) in KINDS.items():
            scene = functional.interpolate(photo, scale_factor=zoom, mode="bicubic", antialias=True).clamp(0, 1)
            _write(args.output / "Image/MFF" / kind, path.stem, focus_pair(scene, generator=generator, **drawn))
        _write(args.output / "Image/MEF/Bracket", path.stem, exposure_pair(photo, generator=generator))


def _photo(path: Path) -> tuple[Tensor, torch.Generator]:
    """Luminance (1, 1, H, W) in [0, 1], and randomness of its own."""
    photo = torch.from_numpy(unit(luminance(read_pixels(path))))[None, None]
    return photo, torch.Generator().manual_seed(len(path.stem) + int.from_bytes(path.stem.encode()[-6:]))


def _write(folder: Path, name: str, images: tuple[Tensor, ...]) -> None:
    """Write the two sources of a pair."""
    for side, image in zip(SOURCES[folder.parent.name], images[:2], strict=True):
        target = folder / side / f"{name}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        write_image(target, Picture((image[0, 0] * 255).round().byte().numpy()))


if __name__ == "__main__":
    main()
