"""Those who are warm in a street at night: people and cars."""

import numpy as np

from film.data.scenes.canvas import Colour
from film.data.scenes.night import NightScene

SKIN: Colour = (0.36, 0.22, 0.15)
PAINTS: tuple[Colour, ...] = ((0.25, 0.03, 0.03), (0.04, 0.07, 0.22), (0.30, 0.30, 0.32), (0.05, 0.05, 0.06))


def car(scene: NightScene, wheels: tuple[float, float], *, length: float) -> None:
    """Paint a car from its side, with warm engine and tyres and its lights on.

    Args:
        scene: What to paint on.
        wheels: Where the middle of the car meets the ground.
        length: From bumper to bumper, in heights of the picture.
    """
    (x, y), s = wheels, length / 0.4
    street, scene = scene, scene.window(x - 0.22 * s, y - 0.15 * s, x + 0.22 * s, y + 0.04 * s)
    canvas = scene.canvas
    facing = s if canvas.rng.random() < 0.5 else -s
    paint = PAINTS[canvas.rng.integers(len(PAINTS))]
    shadow = canvas.ellipse((x, y + 0.006 * s), (0.21 * s, 0.014 * s))
    scene.paint(0.85 * canvas.cover(shadow, soft=0.02), (0.01, 0.01, 0.01), 0.42)

    roof = canvas.capsule((x - 0.075 * facing, y - 0.118 * s), (x + 0.025 * facing, y - 0.118 * s), 0.014 * s)
    slopes = np.abs(canvas.x - x + 0.025 * facing) - 0.062 * s - 0.85 * (canvas.y - y + 0.132 * s)
    cabin = np.maximum(np.maximum(slopes * 0.76, y - 0.126 * s - canvas.y), canvas.y - y + 0.06 * s)
    scene.paint(canvas.cover(np.minimum(roof, cabin)), paint, 0.34)
    pillar = np.abs(canvas.x - x + 0.02 * facing) < 0.005 * s
    glass = canvas.cover(np.maximum(cabin + 0.011 * s, canvas.y - y + 0.071 * s)) * np.where(pillar, 0, 1)
    scene.paint(glass, (0.02, 0.025, 0.03), 0.20, glow=(0.006, 0.007, 0.01))

    body = canvas.box(x - 0.2 * s, y - 0.075 * s, x + 0.2 * s, y - 0.012 * s, round_by=0.024 * s)
    shade = np.clip(1.3 - (canvas.y - y + 0.075 * s) / (0.09 * s), 0.5, 1.3)
    hood = canvas.cover(canvas.ellipse((x + 0.15 * facing, y - 0.055 * s), (0.06 * s, 0.03 * s)), soft=0.05 * s)
    scene.paint(canvas.cover(body), shade[..., None] * np.asarray(paint), 0.37 + 0.36 * hood)
    for offset in (-0.122, 0.122):
        hub = (x + offset * s, y - 0.012 * s)
        scene.paint(canvas.cover(canvas.ellipse(hub, (0.038 * s, 0.038 * s))), (0.008, 0.008, 0.008), 0.36)
        scene.paint(canvas.cover(canvas.ellipse(hub, (0.032 * s, 0.032 * s))), (0.02, 0.02, 0.02), 0.62)
        scene.paint(canvas.cover(canvas.ellipse(hub, (0.017 * s, 0.017 * s))), (0.30, 0.30, 0.31), 0.72)

    lamp = (x + 0.189 * facing, y - 0.05 * s)
    scene.paint(canvas.cover(canvas.ellipse(lamp, (0.011 * s, 0.009 * s))), (0.5, 0.5, 0.5), 0.55, glow=(3.0, 2.8, 2.4))
    tail = canvas.ellipse((x - 0.194 * facing, y - 0.052 * s), (0.006 * s, 0.012 * s))
    scene.paint(canvas.cover(tail), (0.3, 0.02, 0.02), 0.45, glow=(1.2, 0.05, 0.03))
    canvas = street.canvas
    ahead = np.clip((canvas.x - lamp[0]) / (1.1 * facing), 0, 1)
    width = s * (0.02 + 0.06 * ahead)
    beam = np.where(ahead > 0, (1 - ahead) ** 2 * np.exp(-(((canvas.y - y - 0.01) / width) ** 2)), 0)
    street.shine(1.2 * beam, (1.0, 0.93, 0.8))


def person(scene: NightScene, feet: tuple[float, float], *, height: float) -> None:
    """Paint someone walking: bare skin is the hottest, clothes are a little cooler.

    Args:
        scene: What to paint on.
        feet: Where the person stands.
        height: Size of the person, in heights of the picture.
    """
    (x, y), h = feet, height
    scene = scene.window(x - 0.3 * h, y - 1.05 * h, x + 0.3 * h, y + 0.05 * h)
    canvas = scene.canvas
    stride, swing = h * canvas.pick(0.05, 0.13), h * canvas.pick(0.05, 0.12)
    jacket, trousers = canvas.rng.uniform(0.02, 0.12, 3), canvas.rng.uniform(0.015, 0.05, 3)
    hip, shoulder = (x, y - 0.48 * h), (x + 0.01 * h, y - 0.79 * h)
    warm = 0.03 * canvas.noise(40, octaves=2)
    for foot in (-stride, stride):
        knee = (x + 0.6 * foot + 0.02 * h, y - 0.25 * h)
        leg = np.minimum(canvas.capsule(hip, knee, 0.055 * h), canvas.capsule(knee, (x + foot, y), 0.038 * h))
        scene.paint(canvas.cover(leg), trousers, 0.70 + warm)
        shoe = canvas.capsule((x + foot, y), (x + foot + 0.06 * h, y + 0.005), 0.028 * h)
        scene.paint(canvas.cover(shoe), (0.02, 0.02, 0.02), 0.55)
    for arm in (-swing, swing):
        hand = (x + 1.4 * arm, y - 0.46 * h)
        scene.paint(canvas.cover(canvas.capsule(shoulder, hand, 0.036 * h)), jacket * 0.8, 0.76 + warm)
        scene.paint(canvas.cover(canvas.ellipse(hand, (0.028 * h, 0.03 * h))), SKIN, 0.93)
    scene.paint(canvas.cover(canvas.capsule(hip, shoulder, 0.088 * h)), jacket, 0.80 + warm)
    neck = canvas.capsule(shoulder, (x + 0.01 * h, y - 0.9 * h), 0.03 * h)
    head = canvas.ellipse((x + 0.012 * h, y - 0.925 * h), (0.058 * h, 0.072 * h))
    scene.paint(canvas.cover(np.minimum(neck, head)), SKIN, 0.96)
    scene.paint(canvas.cover(np.maximum(head, canvas.y - y + 0.945 * h)), (0.03, 0.02, 0.015), 0.88)
