"""A street at night as a thermal and as a colour camera see it.

The colour camera sees what the lamps reach: facades, windows, signs, lane marks. The thermal one sees warmth, whatever
the light: people and engines above all, walls a little, no writing and no colour.
"""

import numpy as np

from film.data.scenes.actors import car, person
from film.data.scenes.canvas import Canvas, Colour, Field
from film.data.scenes.night import NightScene

LAMP_LIGHT: Colour = (1.0, 0.72, 0.42)


def street(canvas: Canvas) -> tuple[Field, Field, str]:
    """Draw a street at night.

    Args:
        canvas: Size and randomness.

    Returns:
        Thermal image (H, W), colour image (H, W, 3), both in [0, 1], and what is in it in words.
    """
    scene = NightScene(canvas)
    curb = canvas.pick(0.60, 0.66)
    _sky(scene)
    _facades(scene, curb - 0.05)
    _ground(scene, curb)
    _trees(scene, curb)
    _lamps(scene, curb)
    people, cars = int(canvas.rng.integers(1, 5)), int(canvas.rng.integers(0, 3))
    actors: list[tuple[float, float, bool]] = [
        *(
            (canvas.pick(curb - 0.03, 0.97), canvas.aspect * (i + canvas.pick(0.15, 0.85)) / people, True)
            for i in range(people)
        ),
        *(
            (canvas.pick(curb + 0.08, 0.85), canvas.aspect * (i + canvas.pick(0.25, 0.75)) / cars, False)
            for i in range(cars)
        ),
    ]
    for y, x, walks in sorted(actors):  # who is nearer stands lower, is painted later, and looks larger
        size = 1 + 1.5 * (y - curb)
        if walks:
            person(scene, (x, y), height=0.2 * size * canvas.pick(0.9, 1.05))
        else:
            car(scene, (x, y), length=0.36 * size)
    words = f"a street at night with lit windows and street lamps; people: {people}, cars: {cars}"
    return scene.thermal(), scene.colour(curb), words


def _sky(scene: NightScene) -> None:
    canvas = scene.canvas
    clouds = np.clip(0.5 + 0.3 * canvas.noise(2, stretch=2.5), 0, 1)
    dusk = np.clip(canvas.y / 0.6, 0, 1) ** 2
    top, bottom = np.array((0.008, 0.014, 0.045)), np.array((0.10, 0.055, 0.07))
    glow = (top + dusk[..., None] * (bottom - top)) * (0.5 + clouds[..., None])
    scene.paint(np.ones_like(clouds), (0.0, 0.0, 0.0), 0.04 + 0.08 * dusk + 0.07 * clouds, glow=glow.astype(np.float32))
    scene.shine(np.full_like(clouds, canvas.pick(0.2, 1.2)), (0.010, 0.013, 0.022))


def _facades(scene: NightScene, ground: float) -> None:
    canvas = scene.canvas
    left = -canvas.pick(0.0, 0.2)
    while left < canvas.aspect:
        right = left + canvas.pick(0.28, 0.5)
        _house(scene, left, ground - canvas.pick(0.3, 0.58), right, ground)
        left = right + (canvas.pick(0.02, 0.12) if canvas.rng.random() < 0.3 else 0.0)


def _house(scene: NightScene, left: float, top: float, right: float, bottom: float) -> None:
    scene = scene.window(left - 0.01, top - 0.01, right + 0.01, bottom + 0.01)
    canvas, rng = scene.canvas, scene.canvas.rng
    wall = canvas.cover(canvas.box(left, top, right, bottom))
    colour = np.array(((0.42, 0.22, 0.15), (0.40, 0.36, 0.28), (0.25, 0.27, 0.30), (0.36, 0.30, 0.18))[rng.integers(4)])
    course = np.floor(canvas.y / 0.012)
    mortar = ((canvas.y / 0.012) % 1 < 0.18) | ((canvas.x / 0.03 + 0.5 * course) % 1 < 0.08)
    stains = 1 + 0.12 * canvas.noise(5)
    albedo = (colour * (np.where(mortar, 0.75, 1.0) * stains)[..., None]).astype(np.float32)
    warmth = canvas.pick(0.26, 0.36) + 0.02 * canvas.noise(4)
    scene.paint(wall, albedo, warmth)
    scene.paint(canvas.cover(canvas.box(left, top, right, top + 0.015)), colour * 0.5, 0.22)

    columns, rows = max(2, round((right - left) / 0.11)), max(2, round((bottom - top - 0.16) / 0.13))
    u = (canvas.x - left) / (right - left) * columns
    v = (canvas.y - top - 0.03) / (bottom - top - 0.17) * rows
    inside = (u >= 0) & (u < columns) & (v >= 0) & (v < rows)
    column, row = np.clip(u, 0, columns - 1).astype(int), np.clip(v, 0, rows - 1).astype(int)
    half_width, half_height = (right - left) / columns, (bottom - top - 0.17) / rows
    pane = np.maximum(np.abs(u % 1 - 0.5) - 0.26, np.abs(v % 1 - 0.5) - 0.32) * min(half_width, half_height)
    frame = canvas.cover(pane - 0.006) * inside
    scene.paint(frame, (0.55, 0.53, 0.48), warmth + 0.04)
    bars = (np.abs(u % 1 - 0.5) < 0.02) | (np.abs(v % 1 - 0.42) < 0.015)
    lit = (rng.random((rows, columns)) < 0.4)[row, column]
    tone = rng.uniform(0.25, 1.0, (rows, columns))[row, column] * (1.15 - 0.7 * (v % 1))
    glass = canvas.cover(pane) * inside * np.where(bars, 0.25, 1.0)
    light = np.where(lit, tone, 0.012)[..., None] * np.array((1.0, 0.70, 0.34))
    scene.paint(glass, (0.03, 0.035, 0.05), np.where(lit, 0.34, 0.17), glow=light.astype(np.float32))
    _shop(scene, left, right, bottom)


def _shop(scene: NightScene, left: float, right: float, bottom: float) -> None:
    canvas, rng = scene.canvas, scene.canvas.rng
    width = right - left
    door = left + width * canvas.pick(0.12, 0.8)
    scene.paint(canvas.cover(canvas.box(door, bottom - 0.115, door + 0.05, bottom)), (0.10, 0.06, 0.04), 0.30)
    if rng.random() < 0.45:
        return
    hue = np.array(((0.9, 0.12, 0.10), (0.1, 0.65, 0.95), (0.15, 0.85, 0.35), (0.95, 0.75, 0.15))[rng.integers(4)])
    window = canvas.box(left + 0.1 * width, bottom - 0.105, right - 0.1 * width, bottom - 0.02)
    shelves = 0.5 + 0.5 * canvas.noise(14, octaves=2)
    light = np.clip(shelves, 0.1, 1.2)[..., None] * np.array((0.85, 0.75, 0.55))
    scene.paint(canvas.cover(window), (0.05, 0.05, 0.05), 0.27, glow=light.astype(np.float32))
    sign = canvas.box(left + 0.2 * width, bottom - 0.145, right - 0.2 * width, bottom - 0.115, round_by=0.005)
    letters = canvas.noise(34, octaves=1, stretch=0.5) > 0.1
    scene.paint(canvas.cover(sign), hue * 0.3, 0.33, glow=(hue * np.where(letters, 1.0, 0.16)[..., None]))


def _ground(scene: NightScene, curb: float) -> None:
    canvas = scene.canvas
    depth = np.clip((canvas.y - curb) / (1 - curb), 0, 1)
    pavement = canvas.cover(canvas.box(-1, curb - 0.05, canvas.aspect + 1, curb))
    slabs = ((canvas.x + 0.4 * canvas.y) / 0.05 % 1 < 0.06) | ((canvas.y - curb) / 0.025 % 1 < 0.12)
    grey = 0.26 * np.where(slabs, 0.7, 1.0) * (1 + 0.1 * canvas.noise(20))
    scene.paint(pavement, grey[..., None] * np.array((1.0, 0.97, 0.9)), 0.30 + 0.015 * canvas.noise(6))
    road = canvas.cover(canvas.box(-1, curb, canvas.aspect + 1, 2))
    asphalt = 0.10 * (1 + 0.16 * canvas.noise(60, octaves=2) + 0.12 * canvas.noise(5, stretch=3))
    puddles = np.clip(0.16 + 0.09 * canvas.noise(7, stretch=3), 0.02, 1) * np.clip(depth * 12, 0, 1)
    warmth = 0.36 + 0.05 * depth + 0.015 * canvas.noise(4)
    scene.paint(road, asphalt[..., None] * np.array((1.0, 1.0, 1.05)), warmth, wet=puddles)
    scene.paint(canvas.cover(canvas.box(-1, curb - 0.008, canvas.aspect + 1, curb + 0.004)), (0.4, 0.39, 0.36), 0.27)
    middle = (curb + 1) / 2 + 0.03
    dashes = ((canvas.x + 0.25 * canvas.y) / 0.28 % 1 < 0.55) & (np.abs(canvas.y - middle) < 0.011)
    scene.paint(dashes.astype(np.float32), (0.62, 0.60, 0.55), 0.38)


def _trees(scene: NightScene, curb: float) -> None:
    canvas = scene.canvas
    for _ in range(int(canvas.rng.integers(0, 3))):
        x, top = canvas.pick(0, canvas.aspect), curb - canvas.pick(0.38, 0.5)
        trunk = canvas.capsule((x, top + 0.1), (x, curb - 0.02), 0.009)
        scene.paint(canvas.cover(trunk), (0.10, 0.07, 0.05), 0.29)
        crown = canvas.ellipse((x, top + 0.1), (0.12, 0.14)) + 0.028 * canvas.noise(14)
        leaves = (0.6 + 0.4 * np.clip(canvas.noise(45, octaves=2), -1, 1))[..., None] * np.array((0.07, 0.15, 0.04))
        scene.paint(
            canvas.cover(crown, soft=0.01), leaves.astype(np.float32), 0.23 + 0.02 * canvas.noise(30, octaves=2)
        )


def _lamps(scene: NightScene, curb: float) -> None:
    canvas = scene.canvas
    x = canvas.pick(0.05, 0.35)
    while x < canvas.aspect:
        top = curb - 0.42
        post = np.minimum(
            canvas.capsule((x, top), (x, curb - 0.012), 0.0045), canvas.capsule((x, top), (x + 0.05, top - 0.01), 0.004)
        )
        scene.paint(canvas.cover(post), (0.08, 0.09, 0.09), 0.24)
        head = canvas.ellipse((x + 0.055, top - 0.005), (0.022, 0.008))
        scene.paint(canvas.cover(head), (0.3, 0.3, 0.3), 0.55, glow=np.array(LAMP_LIGHT) * 3)
        distance = np.hypot(canvas.x - x - 0.055, canvas.y - top)
        below = np.clip((canvas.y - top + 0.06) / 0.12, 0.1, 1)
        pool = np.exp(-(((canvas.x - x - 0.055) / 0.2) ** 2) - ((canvas.y - curb) / 0.10) ** 2)
        scene.shine(0.8 * below * 0.02 / (0.03 + distance**2) + 0.5 * pool, LAMP_LIGHT)
        x += canvas.pick(0.8, 1.4)
