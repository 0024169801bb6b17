"""What happens to a copy on its way into the open."""

from __future__ import annotations

import numpy as np
from PIL import Image

from service.demo.photographs import Rgb, jpeg, pixels

TRIM = (0.01, 0.01, 0.99, 0.99)
"""Left, top, right, bottom of what a site's layout keeps, as shares of the picture: a perceptual hash survives it."""

CROP = (0.06, 0.10, 0.86, 0.92)
"""What a poster keeps who wants it to look different: two thirds of the area, out of reach for such a hash."""

RECOMPRESSED = 70
REPOSTED = 50
TINY_PX, TINY_QUALITY = 64, 20


def cropped(rgb: Rgb, box: tuple[float, float, float, float]) -> Rgb:
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
