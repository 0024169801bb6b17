"""Lossy compression, as every messenger, site and phone applies it: JPEG, WebP, AVIF, palettes."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from benchmarks.attacks.attack import Attack, Rgb, Transform, chain, in_place


def through(rgb: Rgb, fmt: str, **options: object) -> Rgb:
    """Encode and decode with Pillow; returns (H, W, 3) uint8."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, fmt, **options)
    with Image.open(buffer) as picture:
        return np.asarray(picture.convert("RGB"))


def jpeg(quality: int) -> Transform:
    """JPEG with 4:2:0 chroma, as phones and sites write it."""
    return in_place(lambda rgb, _: through(rgb, "JPEG", quality=quality))


def webp(quality: int) -> Transform:
    """Lossy WebP."""
    return in_place(lambda rgb, _: through(rgb, "WEBP", quality=quality, method=2))


def avif(quality: int) -> Transform:
    """AVIF, one thread, the fast half of the encoder's settings."""
    return in_place(lambda rgb, _: through(rgb, "AVIF", quality=quality, speed=8, max_threads=1))


def palette(colours: int) -> Transform:
    """Indexed colours with error diffusion, as in a GIF or an 8-bit PNG."""

    def change(rgb: Rgb, _: np.random.Generator) -> Rgb:
        indexed = Image.fromarray(rgb).quantize(colours, method=Image.Quantize.MEDIANCUT)
        return np.asarray(indexed.convert("RGB"))

    return in_place(change)


def _series(make: Callable[[int], Transform], stem: str, family: str, qualities: dict[int, bool]) -> list[Attack]:
    return [Attack(f"{stem}_q{quality}", family, make(quality), core) for quality, core in qualities.items()]


ATTACKS = (
    Attack("identity", "identity", in_place(lambda rgb, _: rgb.copy()), core=True),
    *_series(jpeg, "jpeg", "jpeg", {90: False, 75: True, 50: True, 30: True, 15: True, 10: False, 8: False, 5: False}),
    Attack("jpeg_double", "jpeg", chain(jpeg(85), jpeg(60))),
    *_series(webp, "webp", "codec", {80: False, 50: True, 30: False, 10: False}),
    *_series(avif, "avif", "codec", {60: False, 40: True, 20: False}),
    Attack("palette_256", "codec", palette(256)),
    Attack("palette_64", "codec", palette(64)),
)
