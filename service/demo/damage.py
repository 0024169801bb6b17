"""What happens to a copy on its way into the open."""

from __future__ import annotations

import numpy as np
from PIL import Image

from service.demo.photographs import Rgb, jpeg, pixels

CROP = (0.06, 0.10, 0.86, 0.92)
"""Left, top, right, bottom of what a poster keeps, as shares of the picture: two thirds of its area."""

RECOMPRESSED = 70
REPOSTED = 60
TINY_PX, TINY_QUALITY = 64, 20


def cropped(rgb: Rgb, box: tuple[float, float, float, float] = CROP) -> Rgb:
    """Cut off the edges."""
    height, width = rgb.shape[:2]
    left, top, right, bottom = box
    return rgb[round(top * height) : round(bottom * height), round(left * width) : round(right * width)].copy()


def recompressed(rgb: Rgb, quality: int = RECOMPRESSED) -> Rgb:
    """Save as JPEG and open again."""
    return pixels(jpeg(rgb, quality))


def too_damaged(rgb: Rgb) -> bytes:
    """Make a thumbnail of a contact sheet: recognisable to anybody, with no room left for a mark."""
    picture = Image.fromarray(rgb)
    picture.thumbnail((TINY_PX, TINY_PX), Image.Resampling.BICUBIC)
    return jpeg(np.asarray(picture, np.uint8), TINY_QUALITY)
