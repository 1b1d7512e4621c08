"""Leaves and pebbles in front of a shelf: two depths, of which a lens holds one in focus."""

import numpy as np
import torch

from film.data.scenes.canvas import Canvas, Field, over
from film.data.simulate import lens_pair, point_spread


def focused_layers(canvas: Canvas) -> tuple[Field, Field, str]:
    """Draw a near and a far layer and focus on each in turn.

    Args:
        canvas: Size and randomness.

    Returns:
        Near-focused and far-focused photo, both (H, W, 3) in [0, 1], and what is in it in words.
    """
    front, mask = _leaves(canvas)
    back = _shelf(canvas)
    radius = torch.tensor([canvas.pick(0.008, 0.018) * canvas.unit])
    lens = point_spread(radius, gaussian=torch.tensor([False]))
    planes = [
        torch.from_numpy(np.ascontiguousarray(np.atleast_3d(plane).transpose(2, 0, 1)))[None]
        for plane in (front, mask, back)
    ]
    near, far = (image[0].permute(1, 2, 0).numpy() for image in lens_pair(*planes, spreads=(lens, lens)))
    return near, far, "leaves close to the camera in front of a distant shelf of books"


def _shelf(canvas: Canvas) -> Field:
    wall = 0.35 + 0.03 * canvas.noise(5)
    picture = (wall[..., None] * np.array((1.0, 0.85, 0.65))).astype(np.float32)
    rows = int(canvas.rng.integers(2, 4))
    for row in range(rows):
        board = (row + 1) / rows - 0.02
        picture = over(
            picture, canvas.cover(canvas.box(-1, board, canvas.aspect + 1, board + 0.02)), (0.30, 0.18, 0.09)
        )
        x = -canvas.pick(0, 0.03)
        while x < canvas.aspect:
            thick, high = canvas.pick(0.025, 0.06), canvas.pick(0.6, 0.92) * (1 / rows - 0.03)
            part, where = canvas.window(x - 0.01, board - high - 0.01, x + thick + 0.01, board + 0.01)
            picture[where] = _book(part, picture[where], (x, board - high, x + thick, board))
            x += thick + (canvas.pick(0.02, 0.1) if canvas.rng.random() < 0.1 else 0.002)
    return np.clip(picture * (1 + 0.02 * canvas.noise(80, octaves=2)[..., None]), 0, 1).astype(np.float32)


def _book(canvas: Canvas, picture: Field, place: tuple[float, float, float, float]) -> Field:
    left, top, right, bottom = place
    colour = canvas.rng.uniform(0.08, 0.75, 3)
    shade = 1 - 0.5 * np.abs((canvas.x - (left + right) / 2) / (right - left)) ** 2
    picture = over(
        picture, canvas.cover(canvas.box(*place, round_by=0.003)), shade[..., None] * colour + 0 * canvas.y[..., None]
    )
    for line in canvas.rng.uniform(0.1, 0.9, 3):
        y = top + line * (bottom - top)
        band = canvas.box(left + 0.003, y, right - 0.003, y + 0.006)
        picture = over(picture, canvas.cover(band), (0.9, 0.8, 0.45))
    letters = ((canvas.y / 0.012) % 1 < 0.6) & (np.abs(canvas.x - (left + right) / 2) < 0.2 * (right - left))
    title = canvas.box(left, top + 0.3 * (bottom - top), right, top + 0.6 * (bottom - top))
    return over(picture, canvas.cover(title) * letters * 0.8, (0.95, 0.93, 0.85))


def _leaves(canvas: Canvas) -> tuple[Field, Field]:
    picture = np.full((*canvas.shape, 3), (0.25, 0.5, 0.15), np.float32)
    mask = np.zeros(canvas.shape, np.float32)
    side = -1 if canvas.rng.random() < 0.5 else 1
    root = (canvas.aspect / 2 + side * canvas.pick(0.2, 0.45) * canvas.aspect, canvas.pick(0.9, 1.2))
    for angle in np.linspace(-1.3, 1.3, int(canvas.rng.integers(5, 9))) + canvas.pick(-0.2, 0.2):
        reach = canvas.pick(0.35, 0.6)
        centre = (root[0] + reach * np.sin(angle), root[1] - reach * np.cos(angle))
        leaf = canvas.ellipse(centre, (reach * canvas.pick(0.13, 0.2), 0.62 * reach), angle=angle)
        along = np.cos(angle) * (canvas.x - centre[0]) + np.sin(angle) * (canvas.y - centre[1])
        across = np.cos(angle) * (canvas.y - centre[1]) - np.sin(angle) * (canvas.x - centre[0])
        veins = np.abs((across + 0.9 * np.abs(along)) / 0.035 % 1 - 0.5) < 0.07
        rib = np.abs(along) < 0.004
        tone = (0.75 + 0.3 * np.tanh(30 * along)) * (1 + 0.08 * canvas.noise(30, octaves=2))
        hue = np.array((canvas.pick(0.12, 0.4), canvas.pick(0.42, 0.65), canvas.pick(0.08, 0.2)))
        colour = np.clip(hue * np.where(rib | veins, 1.35, tone)[..., None], 0, 1)
        cover = canvas.cover(leaf)
        picture, mask = over(picture, cover, colour), over(mask, cover, 1.0)
    return picture, mask
