"""Make what film-small is trained on besides the data sets: sharp photos, and described pairs simulated from photos.

    FILM_DATA=… python experiments/guided/simulate.py --output outputs/guided

`photos/` gets the colour photos that scikit-image brings (most of them CC0); `Image/MFF/Simulated` and
`Image/MEF/Simulated` get focus and exposure pairs of the visible images of RoadScene's train list, from which
`film describe` makes texts in the words of these tasks. Training itself simulates its pairs anew in every epoch.
"""

import argparse
import os
from pathlib import Path

import torch
from PIL import Image
from skimage import data as photos
from tqdm import tqdm

from film.data.photos import photos_of
from film.data.reading import luminance, read_pixels, unit
from film.data.sets import find_root
from film.data.simulate import exposure_pair, focus_pair
from film.imaging.files import write_image
from film.imaging.picture import Picture
from film.tasks import SOURCES

NAMES = ("astronaut", "chelsea", "coffee", "hubble_deep_field", "immunohistochemistry", "rocket")


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
    for path in tqdm(photos_of(find_root(args.data) / "Image/IVF/RoadScene/VI", "train", seed=0, val_share=0.05)):
        photo = torch.from_numpy(unit(luminance(read_pixels(path))))[None, None]
        generator = torch.Generator().manual_seed(len(path.stem) + int.from_bytes(path.stem.encode()[-6:]))
        for task, simulate in (("MFF", focus_pair), ("MEF", exposure_pair)):
            for side, image in zip(SOURCES[task], simulate(photo, generator=generator)[:2], strict=True):
                target = args.output / "Image" / task / "Simulated" / side / f"{path.stem}.png"
                target.parent.mkdir(parents=True, exist_ok=True)
                write_image(target, Picture((image[0, 0] * 255).round().byte().numpy()))


if __name__ == "__main__":
    main()
