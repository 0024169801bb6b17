"""Pictures in which any mark would show first: flat areas, gradients, a sky, and graphics with clean edges.

Drawn here, so that nothing needs to be downloaded and every run sees the same.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image, ImageDraw

from benchmarks.attacks.drawing import font, paragraph, sentence
from benchmarks.photographs import Rgb

WIDTH, HEIGHT = 960, 640


def plain(level: int) -> Rgb:
    """One grey all over."""
    return np.full((HEIGHT, WIDTH, 3), level, np.uint8)


def gradient() -> Rgb:
    """Slanted gradients, one hue a quarter, dithered as a careful renderer would."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    ramp = 20 + 215 * (0.8 * x / WIDTH + 0.2 * y / HEIGHT)
    tint = np.array([[1.0, 1.0, 1.0], [0.6, 0.75, 1.0], [1.0, 0.8, 0.6], [0.7, 1.0, 0.8]], np.float32)
    quarter = (y > HEIGHT / 2).astype(int) * 2 + (x > WIDTH / 2)
    dither = np.random.default_rng(1).random((HEIGHT, WIDTH, 1), np.float32)
    return np.clip(np.floor(ramp[..., None] * tint[quarter] + dither), 0, 255).astype(np.uint8)


def sky() -> Rgb:
    """A clear sky with thin clouds and a camera's faint grain."""
    rng = np.random.default_rng(2)
    height = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None, None]
    air = (1 - height) * np.array([88, 138, 205], np.float32) + height * np.array([176, 205, 232], np.float32)
    coarse = rng.normal(0, 1, (6, 9)).astype(np.float32)
    cloud = np.clip(cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), 0, 2)[..., None]
    grain = rng.normal(0, 0.7, (HEIGHT, WIDTH, 1)).astype(np.float32)
    return np.clip(np.rint(air + cloud * (245 - air) * 0.25 + grain), 0, 255).astype(np.uint8)


def page() -> Rgb:
    """Black text on white, with a rule and a button."""
    image, rng = Image.new("RGB", (WIDTH, HEIGHT), (255, 255, 255)), np.random.default_rng(3)
    pen = ImageDraw.Draw(image)
    pen.text((40, 30), sentence(rng, 4), (20, 20, 24), font(40))
    pen.line((40, 96, WIDTH - 40, 96), (200, 200, 204), 2)
    paragraph(pen, rng, (40, 110, 560, HEIGHT - 30), 17, (30, 30, 34))
    pen.rounded_rectangle((640, 140, 880, 200), 12, (26, 86, 219))
    pen.text((690, 154), sentence(rng, 2), (255, 255, 255), font(24))
    return np.array(image)


def poster() -> Rgb:
    """Large flat shapes of saturated colours, as vector art has them."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (18, 62, 54))
    pen = ImageDraw.Draw(image)
    pen.ellipse((480, 60, 900, 480), (240, 196, 72))
    pen.polygon([(0, HEIGHT), (300, 220), (620, HEIGHT)], (202, 64, 58))
    pen.polygon([(380, HEIGHT), (700, 330), (WIDTH, HEIGHT)], (36, 108, 160))
    pen.text((50, 50), "Quiet", (236, 236, 224), font(120))
    return np.array(image)


FLAT: dict[str, Callable[[], Rgb]] = {
    "white": lambda: plain(255),
    "black": lambda: plain(0),
    "grey": lambda: plain(118),
    "gradient": gradient,
    "sky": sky,
}
GRAPHICS: dict[str, Callable[[], Rgb]] = {"page": page, "poster": poster}
