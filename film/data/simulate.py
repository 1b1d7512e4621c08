"""Training pairs out of single photos: defocus, exposure and misalignment, batched and seeded.

Every function draws from the `torch.Generator` it is given, which may live on the CPU while the images live elsewhere,
and every image of a batch gets its own draw.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from film.errors import FilmError

Range = tuple[float, float]
_SLOW: Range = (16.0, 96.0)  # pixels over which the depth of a slanted scene changes


def focus_pair(
    sharp: Tensor,
    *,
    generator: torch.Generator,
    radius: Range = (0.3, 8.0),
    softness: Range = (0.4, 6.0),
    spread: float = 0.5,
    slanted: float = 0.35,
    noise: Range = (0.0, 0.003),
) -> tuple[Tensor, Tensor, Tensor]:
    """Blur two complementary parts of a sharp photo.

    A random mask (blobs, a half-plane or ellipses) is the near layer. With defocus spread, the layers are composited
    as a lens does it: the blurred near layer bleeds over the border, the blurred far layer stays behind it. In a
    slanted scene the mask is depth itself, which changes over many pixels, and so does the blur of both: in between
    nothing is quite sharp. Behind the lens the sensor adds noise to both, in and out of focus, and a file keeps 8 bits.

    Args:
        sharp: (B, C, H, W) photos in [0, 1].
        generator: Where all randomness comes from.
        radius: Pixels of the circle of confusion, from and to; each source has its own.
        softness: Pixels over which focus fades from one layer to the other, from and to.
        spread: Share of the images with defocus spread.
        slanted: Share of the images whose depth changes slowly.
        noise: Standard deviation of the sensor noise, from and to.

    Returns:
        Near-focused and far-focused images, and the ideal fusion: the photo, in slanted scenes whichever is the less
        blurred, with the noise of that; all (B, C, H, W), multiples of 1/255 in [0, 1].
    """
    _check(sharp)
    shape = (sharp.shape[0],)
    each = (*shape, 1, 1, 1)
    mask = layer_mask(sharp, generator=generator, softness=softness)
    lenses = [
        (_log_uniform(shape, radius, generator, sharp), _uniform(shape, (0.0, 1.0), generator, sharp) < 0.5)
        for _ in range(2)
    ]
    far_spread, near_spread = (point_spread(size, gaussian=gaussian) for size, gaussian in lenses)
    near, bleeding = lens_pair(sharp, mask, sharp, spreads=(far_spread, near_spread))
    plain = mask * _blur(sharp, near_spread) + (1 - mask) * sharp
    bleeds = _uniform(each, (0.0, 1.0), generator, sharp) < spread
    far, ideal, nearer = torch.where(bleeds, bleeding, plain), sharp, mask > 0.5
    slants = _uniform(each, (0.0, 1.0), generator, sharp) < slanted
    if slants.any():
        depth = layer_mask(sharp, generator=generator, softness=_SLOW)
        far_blur, near_blur = ((1 - depth) * lenses[0][0].view(each), depth * lenses[1][0].view(each))
        in_front, behind = _blur_by(sharp, far_blur, *lenses[0]), _blur_by(sharp, near_blur, *lenses[1])
        closer = far_blur < near_blur
        near, far = torch.where(slants, in_front, near), torch.where(slants, behind, far)
        ideal = torch.where(slants, torch.where(closer, in_front, behind), sharp)
        nearer = torch.where(slants, closer, nearer)
    deviation = _uniform(each, noise, generator, sharp)
    grain_near, grain_far = (deviation * _normal(sharp.shape, generator, sharp) for _ in range(2))
    exposures = (near, grain_near), (far, grain_far), (ideal, torch.where(nearer, grain_near, grain_far))
    near, far, ideal = (_eight_bits((image + noise).clamp(0, 1)) for image, noise in exposures)
    return near, far, ideal


def lens_pair(front: Tensor, mask: Tensor, back: Tensor, *, spreads: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Photograph two layers, once focused on the near one and once on the far one.

    Args:
        front: (B, C, H, W) near layer in [0, 1], read where `mask` is above 0.
        mask: (B, 1, H, W) opacity of the near layer.
        back: (B, C, H, W) far layer in [0, 1], also behind the near one.
        spreads: How a point of the far layer is blurred in the near-focused photo, and one of the near layer in the
            far-focused photo: (B, K, K) kernels of `point_spread`.

    Returns:
        Near-focused and far-focused images, both (B, C, H, W) in [0, 1].
    """
    near = mask * front + (1 - mask) * _blur(back, spreads[0])
    veil = _blur(torch.cat([mask * front, mask], 1), spreads[1])
    far = veil[:, :-1] + (1 - veil[:, -1:]) * back
    return near.clamp(0, 1), far.clamp(0, 1)


def point_spread(radius: Tensor, *, gaussian: Tensor) -> Tensor:
    """Build the blur of an unfocused lens.

    Args:
        radius: (B,) pixels.
        gaussian: (B,) bool, True for a Gaussian and False for a disc with a soft rim, of the same variance.

    Returns:
        (B, K, K) kernels that sum to one; K is odd and fits the largest radius.
    """
    reach = math.ceil(float(radius.max())) + 1
    steps = torch.arange(-reach, reach + 1, device=radius.device, dtype=radius.dtype)
    distance = torch.hypot(steps.view(1, -1, 1), steps.view(1, 1, -1))
    size = radius.view(-1, 1, 1)
    disc = (size + 0.5 - distance).clamp(0, 1)
    kernel = torch.where(gaussian.view(-1, 1, 1), torch.exp(-2 * (distance / size).square()), disc)
    return kernel / kernel.sum((1, 2), keepdim=True)


def exposure_pair(
    photo: Tensor,
    *,
    generator: torch.Generator,
    stops: Range = (1.0, 3.5),
    highlights: Range = (0.0, 1.0),
    noise: Range = (0.0, 0.002),
) -> tuple[Tensor, Tensor]:
    """Take a photo again, once too long and once too short; the photo itself is the exposure between the two.

    The photo is brought to linear light and its highlights, which its own tone curve had compressed, are opened up;
    then it is scaled, gets shot and read noise, clips, and passes a camera curve into 8 bits.

    Args:
        photo: (B, C, H, W) sRGB or luminance in [0, 1].
        generator: Where all randomness comes from.
        stops: Distance of each exposure from the photo in powers of two, from and to.
        highlights: By how much the brightest light exceeded what the photo shows, as a share of it, from and to.
        noise: Standard deviation of the read noise in linear light, from and to.

    Returns:
        Over- and under-exposed images, both (B, C, H, W), multiples of 1/255 in [0, 1].
    """
    _check(photo)
    shape = (photo.shape[0], 1, 1, 1)
    light = to_linear(photo)
    light = light * (1 + _uniform(shape, highlights, generator, photo) * light.square())
    contrast = _uniform(shape, (0.0, 0.4), generator, photo)
    read_noise = _uniform(shape, noise, generator, photo)

    def expose(direction: int) -> Tensor:
        exposed = light * torch.exp2(direction * _uniform(shape, stops, generator, photo))
        # Photons count in multiples of themselves: the variance of shot noise grows with the light.
        deviation = (read_noise.square() + 0.05 * read_noise * exposed.clamp(0, 1)).sqrt()
        exposed = exposed + deviation * _normal(photo.shape, generator, photo)
        encoded = to_srgb(exposed.clamp(0, 1))
        curved = encoded + contrast * (encoded.square() * (3 - 2 * encoded) - encoded)
        return _eight_bits(curved)

    return expose(1), expose(-1)


def misalign(image: Tensor, *, generator: torch.Generator, pixels: float = 1.0) -> Tensor:
    """Move an image a little, as a second camera or a second moment does.

    A shift, a turn and a change of scale, each of at most `pixels` / 3 at the corners, add up to at most `pixels`
    along either axis; what comes in from outside is mirrored.

    Args:
        image: (B, C, H, W), any range.
        generator: Where all randomness comes from.
        pixels: The furthest that any pixel moves along an axis.

    Returns:
        (B, C, H, W).
    """
    _check(image)
    batch, _, height, width = image.shape
    limit = pixels / 3
    corner = max(height, width) / 2
    draws = _uniform((batch, 4), (-limit, limit), generator, image)
    turn, scale = draws[:, 0] / corner, 1 + draws[:, 1] / corner
    # grid_sample measures in half images, so a turn of a wide image needs its aspect.
    rows = [
        torch.stack([scale, -turn * height / width, draws[:, 2] * 2 / width], 1),
        torch.stack([turn * width / height, scale, draws[:, 3] * 2 / height], 1),
    ]
    grid = functional.affine_grid(torch.stack(rows, 1), list(image.shape), align_corners=False)
    return functional.grid_sample(image, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def layer_mask(image: Tensor, *, generator: torch.Generator, softness: Range = (0.4, 6.0)) -> Tensor:
    """Draw a soft mask of random shape for every image: blobs, a half-plane or ellipses.

    Args:
        image: (B, C, H, W), read for its shape, device and number format only.
        generator: Where all randomness comes from.
        softness: Pixels over which the mask fades, from and to.

    Returns:
        (B, 1, H, W) in [0, 1]; between a fifth and four fifths of every mask are above 0.5.
    """
    _check(image)
    batch = image.shape[0]
    shapes = torch.cat([draw(image, generator) for draw in (_blobs, _half_plane, _ellipses)], 1)
    kind = torch.randint(3, (batch, 1, 1, 1), generator=generator, device=generator.device).to(image.device)
    field = shapes.gather(1, kind.expand(-1, -1, *image.shape[2:]))
    slope = (field.diff(dim=-1).abs().mean((1, 2, 3)) + field.diff(dim=-2).abs().mean((1, 2, 3))).view(-1, 1, 1, 1)
    # A threshold between quantiles keeps both layers present; every fourth pixel is enough to find it.
    ordered = field[..., ::4, ::4].flatten(1).sort(1).values
    rank = (_uniform((batch, 1), (0.2, 0.8), generator, image) * ordered.shape[1]).long()
    threshold = ordered.gather(1, rank).view(-1, 1, 1, 1)
    fade = _log_uniform((batch, 1, 1, 1), softness, generator, image)
    return torch.sigmoid(4 * (field - threshold) / (slope.clamp_min(1e-6) * fade))


def to_linear(srgb: Tensor) -> Tensor:
    """Undo the sRGB curve (IEC 61966-2-1): values in [0, 1] to linear light in [0, 1], any shape."""
    return torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4)


def to_srgb(linear: Tensor) -> Tensor:
    """Apply the sRGB curve (IEC 61966-2-1): linear light in [0, 1] to values in [0, 1], any shape."""
    return torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055)


def _eight_bits(image: Tensor) -> Tensor:
    return (image * 255).round() / 255


def _check(image: Tensor) -> None:
    if image.ndim != 4 or not image.is_floating_point():
        raise FilmError(f"images must be (B, C, H, W) of floats in [0, 1], got {tuple(image.shape)} of {image.dtype}")


def _uniform(shape: tuple[int, ...], limits: Range, generator: torch.Generator, like: Tensor) -> Tensor:
    low, high = limits
    return (low + (high - low) * torch.rand(shape, generator=generator, device=generator.device)).to(like)


def _log_uniform(shape: tuple[int, ...], limits: Range, generator: torch.Generator, like: Tensor) -> Tensor:
    return _uniform(shape, (math.log(limits[0]), math.log(limits[1])), generator, like).exp()


def _normal(shape: tuple[int, ...], generator: torch.Generator, like: Tensor) -> Tensor:
    return torch.randn(shape, generator=generator, device=generator.device).to(like)


def _positions(image: Tensor) -> tuple[Tensor, Tensor]:
    """Column and row numbers, (1, 1, 1, W) and (1, 1, H, 1), from -0.5 to 0.5."""
    height, width = image.shape[2:]
    x = torch.linspace(-0.5, 0.5, width, device=image.device, dtype=image.dtype)
    y = torch.linspace(-0.5, 0.5, height, device=image.device, dtype=image.dtype)
    return x.view(1, 1, 1, -1), y.view(1, 1, -1, 1)


def _blobs(image: Tensor, generator: torch.Generator) -> Tensor:
    """Smooth noise: a mixture of three scales that differs from image to image."""
    batch = image.shape[0]
    weights = _uniform((batch, 3, 1, 1), (0.0, 1.0), generator, image) ** 3
    octaves = [_enlarge(_normal((batch, 1, cells, cells), generator, image), (8, 8)) for cells in (2, 4, 8)]
    return _enlarge((weights * torch.cat(octaves, 1)).sum(1, keepdim=True), image.shape[2:])


def _enlarge(grid: Tensor, size: Sequence[int]) -> Tensor:
    return functional.interpolate(grid, tuple(size), mode="bicubic", align_corners=False)


def _half_plane(image: Tensor, generator: torch.Generator) -> Tensor:
    """A ramp in a random direction."""
    angle = _uniform((image.shape[0], 1, 1, 1), (0.0, 2 * math.pi), generator, image)
    x, y = _positions(image)
    return angle.cos() * x + angle.sin() * y


def _ellipses(image: Tensor, generator: torch.Generator) -> Tensor:
    """Hills of three ellipses; where they overlap, the higher one stands."""
    shape = (image.shape[0], 3, 1, 1)
    x, y = _positions(image)
    x = x - _uniform(shape, (-0.4, 0.4), generator, image)
    y = y - _uniform(shape, (-0.4, 0.4), generator, image)
    angle = _uniform(shape, (0.0, math.pi), generator, image)
    across = (angle.cos() * x + angle.sin() * y) / _uniform(shape, (0.1, 0.4), generator, image)
    along = (angle.cos() * y - angle.sin() * x) / _uniform(shape, (0.1, 0.4), generator, image)
    return -(across.square() + along.square()).amin(1, keepdim=True).sqrt()


def _blur_by(image: Tensor, radii: Tensor, largest: Tensor, gaussian: Tensor) -> Tensor:
    """Blur each pixel by its own radius (B, 1, H, W), between four steps from 0 to the largest (B,)."""
    steps = [image, *(_blur(image, point_spread(largest * step / 3, gaussian=gaussian)) for step in (1, 2, 3))]
    weights = [(1 - (3 * radii / largest.view(-1, 1, 1, 1) - step).abs()).clamp_min(0) for step in range(4)]
    return torch.stack([weight * blurred for weight, blurred in zip(weights, steps, strict=True)]).sum(0)


def _blur(image: Tensor, kernel: Tensor) -> Tensor:
    """Convolve every (C, H, W) of a batch with its own (K, K) kernel; the border is mirrored."""
    batch, channels, height, width = image.shape
    reach = kernel.shape[-1] // 2
    padded = functional.pad(image, (reach,) * 4, mode="reflect").view(1, batch * channels, height + 2 * reach, -1)
    weight = kernel.repeat_interleave(channels, 0).unsqueeze(1)
    return functional.conv2d(padded, weight, groups=batch * channels).view(batch, channels, height, width)
