"""Make the sample pairs of `film/samples` from images with a free licence inside Debian packages (bookworm).

    apt-get download blender-data insighttoolkit5-examples r-cran-stars python3-scipy
    for package in *.deb; do dpkg -x "$package" sources; done
    pip install openexr tifffile
    python scripts/make_samples.py sources film/samples

`film/samples/README.md` names the files, their authors and licences.
"""

import argparse
import bz2
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import OpenEXR
import tifffile
import torch

from film.data.scenes.canvas import Field, srgb
from film.data.scenes.head import false_colours
from film.data.simulate import lens_pair, point_spread
from film.data.synthetic import draw_pair
from film.tasks import SOURCES

Pair = tuple[Field, Field]

WORLDS = "usr/share/blender/datafiles/studiolights/world"
BRAINS = "usr/share/doc/insighttoolkit5-examples/examples/Data"
LANDSAT = "usr/lib/R/site-library/stars/tif/L7_ETMs.tif"
RACCOON = "usr/lib/python3/dist-packages/scipy/misc/face.dat"

# The clump of leaves in front of the raccoon, corner by corner.
LEAVES = ((0, 270), (70, 280), (180, 360), (330, 480), (420, 540), (560, 570), (650, 700), (700, 768), (0, 768))


def street(_: Path) -> Pair:
    """Draw a thermal and a colour image of one street at night."""
    infrared, visible, _ = draw_pair("IVF", (336, 448), seed=13)
    return infrared, visible


def coast(sources: Path) -> Pair:
    """Take near infrared (band 4) and natural colour (bands 3, 2, 1) of Landsat 7, stretched alike in all bands."""
    bands = tifffile.imread(sources / LANDSAT).astype(np.float32)
    if bands.shape[0] == 6:
        bands = bands.transpose(1, 2, 0)
    bands = bands[32:352, 29:349]
    low, high = np.percentile(bands, (0.5, 99.5), axis=(0, 1))
    stretched = np.clip((bands - low) / (high - low), 0, 1) ** 0.9
    return stretched[..., 3], stretched[..., [2, 1, 0]]


def brain(sources: Path) -> Pair:
    """Take a T1-weighted and a proton-density slice of one head."""
    return _slice(sources, "BrainT1Slice"), _slice(sources, "BrainProtonDensitySlice")


def brain_tracer(sources: Path) -> Pair:
    """Simulate what a sugar tracer would show in the T1-weighted slice: grey matter takes up four times as much."""
    mri = _slice(sources, "BrainT1Slice")
    inside = cv2.erode((mri > 0.2).astype(np.uint8), np.ones((3, 3)), iterations=2)
    labels = cv2.connectedComponents(inside)[1]
    parts = cv2.dilate(
        (labels == labels[mri.shape[0] // 2, mri.shape[1] // 3]).astype(np.uint8), np.ones((3, 3)), iterations=3
    )
    level = cv2.GaussianBlur(mri, (0, 0), 0.8)
    grey = np.exp(-(((level - 0.50) / 0.09) ** 2))
    white = np.clip((level - 0.58) / 0.1, 0, 1)
    uptake = parts * (0.8 * grey + 0.2 * white)
    y, x = np.mgrid[: mri.shape[0], : mri.shape[1]]
    lesion = np.exp(-(((x - 0.66 * mri.shape[1]) / 6) ** 2) - ((y - 0.62 * mri.shape[0]) / 7) ** 2)
    blurred = cv2.GaussianBlur((uptake + 0.9 * lesion).astype(np.float32), (0, 0), 2.2)
    return mri, false_colours(blurred / blurred.max() * 1.05)


def hotel_room(sources: Path) -> Pair:
    """Expose a room for its corners and for the view through the curtains."""
    return _expose(sources / WORLDS / "interior.exr", (slice(116, 416), slice(395, 845)), (0.6, -3.6))


def courtyard(sources: Path) -> Pair:
    """Expose a courtyard for the shade under its roof and for the sunlit street."""
    return _expose(sources / WORLDS / "courtyard.exr", (slice(130, 410), slice(604, 1024)), (2.5, -2.6))


def raccoon(sources: Path) -> Pair:
    """Focus on the leaves before a raccoon and on the raccoon; the photo itself is sharp everywhere."""
    pixels = np.frombuffer(bz2.decompress((sources / RACCOON).read_bytes()), np.uint8).reshape(768, 1024, 3)
    mask = _leaf_mask(pixels)
    behind = cv2.inpaint(pixels, cv2.dilate(mask, np.ones((9, 9))), 5, cv2.INPAINT_TELEA)
    small = [
        cv2.resize(plane.astype(np.float32) / scale, (416, 312), interpolation=cv2.INTER_AREA)
        for plane, scale in ((pixels, 255), (cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1), 1), (behind, 255))
    ]
    photo, cover, back = (torch.from_numpy(np.atleast_3d(plane)).permute(2, 0, 1)[None] for plane in small)
    # Behind the border of the leaves nothing was photographed: there the inpainted picture stands in.
    back = torch.where(cover > 0, back, photo)
    lens = point_spread(torch.tensor([4.0]), gaussian=torch.tensor([False]))
    near, far = (image[0].permute(1, 2, 0).numpy() for image in lens_pair(photo, cover, back, spreads=(lens, lens)))
    return near, far


SAMPLES: dict[tuple[str, str], Callable[[Path], Pair]] = {
    ("IVF", "street_synthetic"): street,
    ("IVF", "coast"): coast,
    ("MIF", "brain"): brain,
    ("MIF", "brain_tracer_synthetic"): brain_tracer,
    ("MEF", "hotel_room"): hotel_room,
    ("MEF", "courtyard"): courtyard,
    ("MFF", "raccoon"): raccoon,
}


def _slice(sources: Path, name: str) -> Field:
    picture = cv2.imread(str(sources / BRAINS / f"{name}.png"), cv2.IMREAD_GRAYSCALE).astype(np.float32)
    return np.clip(picture / np.percentile(picture, 99.8), 0, 1)


def _expose(path: Path, crop: tuple[slice, slice], stops: tuple[float, float]) -> Pair:
    with OpenEXR.File(str(path)) as file:
        light = file.channels()["RGB"].pixels.astype(np.float32)
    # Resampling has left dark rings around lamps; close them.
    brightness, window = light.mean(2), np.ones((5, 5))
    closed = cv2.morphologyEx(brightness, cv2.MORPH_CLOSE, window)
    ring = (brightness < 0.3 * closed) & (cv2.dilate(brightness, window) > 4)
    light = np.where(ring[..., None], cv2.morphologyEx(light, cv2.MORPH_CLOSE, window), light)[crop]
    over, under = (srgb(light * 2.0**stop) for stop in stops)
    return over, under


def _leaf_mask(pixels: np.ndarray) -> np.ndarray:
    mask = np.full(pixels.shape[:2], cv2.GC_BGD, np.uint8)
    cv2.fillPoly(mask, [np.array(LEAVES)], cv2.GC_PR_FGD)
    hue, saturation, _ = cv2.split(cv2.cvtColor(cv2.GaussianBlur(pixels, (0, 0), 1.5), cv2.COLOR_RGB2HSV))
    green = (hue > 22) & (hue < 75) & (saturation > 70)
    mask[(mask == cv2.GC_PR_FGD) & green] = cv2.GC_FGD
    cv2.setRNGSeed(0)
    cv2.grabCut(pixels[..., ::-1].copy(), mask, None, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    return ((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)).astype(np.uint8)


def _write(path: Path, image: Field) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = (np.clip(image, 0, 1) * 255).round().astype(np.uint8)
    cv2.imwrite(str(path), pixels if pixels.ndim == 2 else pixels[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])


def main() -> None:
    """Write every pair."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, help="folder into which the packages were unpacked")
    parser.add_argument("output", type=Path, help="folder of the samples")
    arguments = parser.parse_args()
    for (task, name), make in SAMPLES.items():
        for folder, image in zip(SOURCES[task], make(arguments.sources), strict=True):
            _write(arguments.output / task / folder / f"{name}.png", image)


if __name__ == "__main__":
    main()
