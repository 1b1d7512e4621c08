"""A room with a window as light: what an over- and an under-exposed photo of it hold."""

import numpy as np

from film.data.scenes.canvas import Canvas, Field, over, srgb


def exposed_room(canvas: Canvas) -> tuple[Field, Field, str]:
    """Draw a room with a bright view and photograph it twice.

    Args:
        canvas: Size and randomness.

    Returns:
        Over- and under-exposed photo, both (H, W, 3) in [0, 1], and what is in it in words.
    """
    light = room(canvas)
    over_stops, under_stops = canvas.pick(0.5, 1.8), canvas.pick(3.0, 4.5)
    shots = []
    for stops in (over_stops, -under_stops):
        photons = light * 2.0**stops
        grain = np.stack([canvas.grain() for _ in range(3)], -1)
        shots.append(srgb(photons + np.sqrt(1.5e-4 * np.clip(photons, 0, 1) + 5e-7) * grain))
    return shots[0], shots[1], "a room with furniture in the shadow and a sunlit view through the window"


def room(canvas: Canvas) -> Field:
    """Draw the linear light (H, W, 3) of a room; the wall is around 0.1, the view outside around 10."""
    floor = canvas.pick(0.68, 0.78)
    light = _walls(canvas, floor)
    left = canvas.aspect * canvas.pick(0.12, 0.45)
    window = (left, canvas.pick(0.1, 0.16), left + canvas.aspect * canvas.pick(0.35, 0.5), canvas.pick(0.5, 0.6))
    light = _window(canvas, light, window)
    light = _furniture(canvas, light, floor)
    return _lamp(canvas, light, canvas.aspect * canvas.pick(0.03, 0.1), floor)


def _walls(canvas: Canvas, floor: float) -> Field:
    hue = np.array(
        ((0.55, 0.50, 0.42), (0.42, 0.52, 0.50), (0.55, 0.42, 0.36), (0.45, 0.46, 0.55))[canvas.rng.integers(4)]
    )
    stripes = 1 + 0.12 * (canvas.x / 0.06 % 1 < 0.5) + 0.04 * canvas.noise(6)
    ornament = 1 + 0.15 * ((np.sin(105 * canvas.x) * np.sin(105 * canvas.y)) > 0.6)
    wall = 0.2 * hue * (stripes * ornament)[..., None]
    depth = np.clip((canvas.y - floor) / (1 - floor), 1e-3, 1)
    across = (canvas.x - canvas.aspect / 2) / (0.35 + 0.65 * depth) / 0.09
    planks = np.where((across % 1 < 0.06) | ((3 / (0.4 + depth) + 0.37 * np.floor(across)) % 1 < 0.03), 0.5, 1.0)
    grain = 1 + 0.15 * np.sin(9 * np.floor(across)) + 0.08 * canvas.noise(30, stretch=0.3)
    wood = 0.14 * np.array((0.5, 0.3, 0.16)) * (planks * grain)[..., None]
    light = over(wall.astype(np.float32), canvas.cover(floor - canvas.y + 0 * canvas.x), wood)
    skirting = canvas.cover(canvas.box(-1, floor - 0.03, canvas.aspect + 1, floor))
    return over(light, skirting, (0.11, 0.105, 0.1))


def _window(canvas: Canvas, light: Field, place: tuple[float, float, float, float]) -> Field:
    left, top, right, bottom = place
    opening = canvas.box(left, top, right, bottom)
    spill = np.exp(-np.maximum(opening, 0) / 0.25)[..., None]
    light = (light * (0.35 + 0.9 * spill)).astype(np.float32)
    light = over(light, canvas.cover(opening - 0.018), (0.35, 0.34, 0.32))
    light = over(light, canvas.cover(opening), _view(canvas, top, bottom))
    bars = np.minimum(np.abs(canvas.x - (left + right) / 2), np.abs(canvas.y - top - 0.35 * (bottom - top))) - 0.006
    light = over(light, canvas.cover(np.maximum(bars, opening)), (0.22, 0.21, 0.2))
    for edge in (left, right):
        curtain = canvas.box(edge - 0.06, top - 0.05, edge + 0.05, bottom + 0.12)
        folds = (0.6 + 0.4 * np.sin(canvas.x * 260 + 3 * canvas.y)) * (1 + 0.08 * canvas.noise(10))
        light = over(light, canvas.cover(curtain), 0.28 * folds[..., None] * np.array((0.75, 0.5, 0.4)))
    shade = np.exp(-np.maximum(canvas.box(left, bottom + 0.2, right, 1.4), 0) / 0.1) * canvas.cover(0.66 - canvas.y)
    return (light * (1 + 0.6 * shade[..., None])).astype(np.float32)


def _view(canvas: Canvas, top: float, bottom: float) -> Field:
    down = np.clip((canvas.y - top) / (bottom - top), 0, 1)[..., None]
    sky = np.array((3.0, 5.5, 11.0)) + down * np.array((7.0, 6.0, 3.0))
    clouds = np.clip(canvas.noise(4, stretch=2), 0, 1.5)[..., None]
    view = sky + 6 * clouds
    for far, colour in ((0.62, (2.0, 2.8, 3.6)), (0.74, (1.3, 2.3, 0.8)), (0.88, (2.6, 3.0, 0.9))):
        ridge = top + far * (bottom - top) + 0.016 * canvas.noise(5, octaves=5)[:1]
        fields = np.array(colour) * (1 + 0.2 * canvas.noise(40, stretch=3, octaves=2))[..., None]
        view = over(view.astype(np.float32), canvas.cover(ridge - canvas.y), fields)
    return view.astype(np.float32)


def _furniture(canvas: Canvas, light: Field, floor: float) -> Field:
    width = canvas.pick(0.32, 0.45)
    left = canvas.pick(0.5, 0.9) * (canvas.aspect - width)
    top = floor - canvas.pick(0.08, 0.12)
    wood = 0.05 * (1 + 0.2 * canvas.noise(12, stretch=4))[..., None] * np.array((0.8, 0.42, 0.22))
    case = canvas.box(left, top, left + width, floor + 0.06, round_by=0.008)
    light = over(
        light, 0.7 * canvas.cover(canvas.box(left - 0.02, floor, left + width + 0.04, floor + 0.1), soft=0.05), 0
    )
    light = over(light, canvas.cover(case), wood)
    gaps = np.abs((canvas.x - left) / width * 3 % 1 - 0.5) - 0.47
    light = over(light, canvas.cover(-0.02 * gaps) * canvas.cover(case + 0.01), wood * 1.25)
    x = left + 0.02
    while x < left + 0.6 * width:
        thick, high = canvas.pick(0.012, 0.024), canvas.pick(0.07, 0.13)
        book = canvas.box(x, top - high, x + thick, top)
        light = over(light, canvas.cover(book), canvas.rng.uniform(0.008, 0.09, 3))
        label = canvas.box(x + 0.003, top - 0.75 * high, x + thick - 0.003, top - 0.6 * high)
        light = over(light, canvas.cover(label), (0.14, 0.13, 0.1))
        x += thick + 0.002
    pot = (left + 0.8 * width, top - 0.03)
    for turn in np.linspace(-1.2, 1.2, 9) + canvas.pick(-0.1, 0.1):
        tip = (pot[0] + 0.11 * np.sin(turn), pot[1] - 0.03 - 0.11 * np.cos(turn))
        light = over(
            light, canvas.cover(canvas.capsule(pot, tip, 0.007)), (0.02, 0.075 + 0.02 * np.cos(5 * turn), 0.02)
        )
    return over(
        light, canvas.cover(canvas.box(pot[0] - 0.035, pot[1], pot[0] + 0.035, top, round_by=0.01)), (0.12, 0.05, 0.03)
    )


def _lamp(canvas: Canvas, light: Field, x: float, floor: float) -> Field:
    near = np.hypot(canvas.x - x, canvas.y - 0.34)
    light = light * (1 + 1.5 * np.exp(-((near / 0.2) ** 2)))[..., None] * np.array((1.0, 0.95, 0.88))
    light = over(light.astype(np.float32), canvas.cover(canvas.capsule((x, 0.36), (x, floor + 0.06), 0.006)), 0.01)
    slope = np.abs(canvas.x - x) - 0.05 - 0.35 * (canvas.y - 0.29)
    shade = np.maximum(slope, np.abs(canvas.y - 0.34) - 0.05)
    glow = 1.6 * np.exp(-(((canvas.y - 0.35) / 0.05) ** 2))[..., None] * np.array((1.0, 0.72, 0.4))
    return over(light, canvas.cover(shade), np.broadcast_to(glow, light.shape))
