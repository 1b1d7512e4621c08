"""What a colour camera and a thermal camera see of one scene at night."""

import copy

import numpy as np

from film.data.scenes.canvas import Canvas, Colour, Field, over, srgb


class NightScene:
    """What is painted so far: reflectance and own light for the colour camera, warmth for the thermal one.

    Attributes:
        canvas: Where shapes come from.
        albedo: (H, W, 3) reflectance in [0, 1].
        glow: (H, W, 3) light that leaves the surface by itself, linear.
        light: (H, W, 3) light that falls on the surface, linear.
        heat: (H, W) in [0, 1].
        wet: (H, W) share of the light above that the surface mirrors.
    """

    def __init__(self, canvas: Canvas) -> None:
        shape = canvas.shape
        self.canvas = canvas
        self.albedo = np.zeros((*shape, 3), np.float32)
        self.glow = np.zeros((*shape, 3), np.float32)
        self.light = np.zeros((*shape, 3), np.float32)
        self.heat = np.zeros(shape, np.float32)
        self.wet = np.zeros(shape, np.float32)

    def paint(
        self,
        cover: Field,
        albedo: Field | Colour,
        heat: Field | float,
        *,
        glow: Field | Colour = (0.0, 0.0, 0.0),
        wet: Field | float = 0.0,
    ) -> None:
        """Put a surface in front of what is there; the arguments are those of the attributes."""
        for layer, value in ((self.albedo, albedo), (self.glow, glow), (self.heat, heat), (self.wet, wet)):
            layer[:] = over(layer, cover, value)

    def window(self, left: float, top: float, right: float, bottom: float) -> "NightScene":
        """View a part of the scene; what is painted there is painted here."""
        view = copy.copy(self)
        view.canvas, place = self.canvas.window(left, top, right, bottom)
        for name in ("albedo", "glow", "light", "heat", "wet"):
            setattr(view, name, getattr(self, name)[place])
        return view

    def shine(self, strength: Field, colour: Colour) -> None:
        """Add the light of a lamp: (H, W) strength, linear."""
        self.light += strength[..., None].astype(np.float32) * np.asarray(colour, np.float32)

    def thermal(self) -> Field:
        """Look with a thermal camera: (H, W) in [0, 1], a little soft, with the noise of a microbolometer."""
        canvas = self.canvas
        columns = canvas.rng.standard_normal((1, canvas.shape[1])).astype(np.float32)
        return np.clip(canvas.blur(self.heat, 0.0028) + 0.006 * canvas.grain() + 0.003 * columns, 0, 1)

    def colour(self, horizon: float) -> Field:
        """Look with a colour camera.

        Args:
            horizon: Height at which wet ground begins to mirror what is above.

        Returns:
            (H, W, 3) sRGB in [0, 1], with glare around lamps and the noise of a small sensor.
        """
        canvas = self.canvas
        linear = self.albedo * self.light + self.glow + self.wet[..., None] * self._mirrored(horizon)
        linear = linear + 0.08 * canvas.blur(self.glow, 0.03) + 0.03 * canvas.blur(self.glow, 0.1)
        shot = np.sqrt(np.maximum(linear, 0) * 3e-4 + 2e-6)
        noisy = linear + shot * np.stack([canvas.grain() for _ in range(3)], -1)
        return srgb(1.5 * noisy / (1 + 0.5 * np.maximum(noisy, 0)))

    def _mirrored(self, horizon: float) -> Field:
        canvas = self.canvas
        above = np.round((horizon - 1.3 * (canvas.y[:, 0] - horizon)) * canvas.unit)
        streaks = canvas.blur(canvas.blur(self.glow, 0.008)[np.clip(above, 0, canvas.unit - 1).astype(int)], 0.01)
        # Rough asphalt smears a reflection towards the eye: average over some rows.
        shifted = [np.roll(streaks, round(step * 0.02 * canvas.unit), 0) for step in (-2, -1, 0, 1, 2)]
        return np.mean(shifted, 0, dtype=np.float32)
