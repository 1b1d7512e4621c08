"""What becomes of the colour of two sources: how far it is from that of the photo that they were made of.

    python benchmarks/colour.py --model film-small

Makes exposure and focus pairs of four colour photos of scikit-image, fuses their luminance, and colours it by
`film.imaging.colour.recolour` and, beside it, by the mean chroma of the sources, by that of the more saturated one
(max), and as is usual: by their mean, weighted by saturation. All are compared with the chroma of the photo, scaled to
the fused luminance, by CIEDE2000 and by the distance in a*b*.
"""

import argparse
from collections.abc import Callable

import numpy as np
import torch
from skimage import color, data
from torch import Tensor
from tqdm import tqdm

from film.data.simulate import exposure_pair, focus_pair
from film.imaging.colour import luminance, recolour, to_levels
from film.pipeline import FusionPipeline
from film.tasks import SENTENCES

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")
DRAWS = 5
Simulation = Callable[..., tuple[Tensor, Tensor, Tensor]]
Rule = Callable[[Tensor, Tensor, Tensor], Tensor]


def main() -> None:
    """Print one row for each task and rule."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="film-small", help="name or file; default: %(default)s")
    network = FusionPipeline.load(parser.parse_args().model, device="cpu").model.network
    print("| task | chroma | ΔE2000 | Δab | Δab, 95th percentile |\n|---|---|--:|--:|--:|")
    for task, simulate in SIMULATIONS.items():
        words = network.encode_text([SENTENCES[task]])
        found: dict[str, list[tuple[float, float, float]]] = {}
        for number, name in enumerate(tqdm(PHOTOS, desc=task, leave=False)):
            pixels = getattr(data, name)()[:512, :512].astype(np.float32) / 255
            photo = torch.from_numpy(pixels).movedim(-1, 0)[None]
            for draw in range(DRAWS):
                a, b, ideal = simulate(photo, generator=torch.Generator().manual_seed(DRAWS * number + draw))
                with torch.no_grad():
                    fused = network(luminance(a), luminance(b), words)
                wanted = recolour(fused, scaled(ideal, fused), fused)
                for rule, colour in RULES.items():
                    found.setdefault(rule, []).append(distance(colour(fused, a, b), wanted))
        for rule, values in found.items():
            print(f"| {task} | {rule} | {' | '.join(f'{value:.2f}' for value in np.mean(values, 0))} |")


def exposures(photo: Tensor, *, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Over- and under-exposed, and the photo."""
    return *exposure_pair(photo, generator=generator), photo


SIMULATIONS: dict[str, Simulation] = {"MEF": exposures, "MFF": focus_pair}


def scaled(image: Tensor, to: Tensor) -> Tensor:
    """An image (B, 3, H, W) whose chroma has grown with the luminance (B, 1, H, W) that it is to have."""
    own = luminance(image)
    return own + (image - own) * (to / own.clamp_min(1 / 255))


def weighted(weigh: Callable[[Tensor], Tensor]) -> Rule:
    """The mean of the chromas of both sources, with weights that follow from their saturations (2, B, 1, H, W)."""

    def colour(fused: Tensor, a: Tensor, b: Tensor) -> Tensor:
        chromas = torch.stack([image - luminance(image) for image in (a, b)])
        weights = weigh(0.713 * chromas[:, :, :1].abs() + 0.564 * chromas[:, :, 2:].abs())  # of |Cr| + |Cb|
        return recolour(fused, fused + (chromas * weights).sum(0) / weights.sum(0).clamp_min(1e-6), fused)

    return colour


RULES: dict[str, Rule] = {
    "mean": weighted(torch.ones_like),
    "max": weighted(lambda saturation: (saturation == saturation.amax(0)).float()),
    "by saturation": weighted(lambda saturation: saturation),
    "ours": recolour,
}


def distance(result: Tensor, wanted: Tensor) -> tuple[float, float, float]:
    """Mean CIEDE2000, and mean and 95th percentile of the distance in a*b*, of images in 8 bits."""
    first, second = (color.rgb2lab(to_levels(x, 255)[0].movedim(0, -1).double().numpy()) for x in (result, wanted))
    apart = np.hypot(*np.moveaxis((first - second)[..., 1:], -1, 0))
    return float(color.deltaE_ciede2000(first, second).mean()), float(apart.mean()), float(np.percentile(apart, 95))


if __name__ == "__main__":
    main()
