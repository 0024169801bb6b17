"""Photographs to measure on: those that travel inside the scikit-image wheel, or a folder of the caller's own.

Nothing is downloaded. The wheel's photographs are in the public domain or under CC0 (`skimage/data/README.txt`).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import skimage.data
from PIL import Image, ImageOps

Rgb = npt.NDArray[np.uint8]

WHEEL = {
    "astronaut": "astronaut.png",
    "camera": "camera.png",
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "hubble": "hubble_deep_field.jpg",
    "motorcycle": "motorcycle_left.png",
    "rocket": "rocket.jpg",
}


def open_rgb(path: Path) -> Rgb:
    """Decode a file to (H, W, 3) uint8, turned upright as its orientation tag says."""
    with Image.open(path) as picture:
        return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))


def wheel_paths() -> dict[str, Path]:
    """Return where the wheel's photographs lie, by name."""
    folder = Path(skimage.data.__file__).parent
    return {name: folder / file for name, file in WHEEL.items()}


@lru_cache(maxsize=1)
def from_wheel() -> dict[str, Rgb]:
    """Return the photographs of the scikit-image wheel, name to (H, W, 3) uint8, read-only."""
    pictures = {name: open_rgb(path) for name, path in wheel_paths().items()}
    for rgb in pictures.values():
        rgb.setflags(write=False)  # shared by every caller of this process
    return pictures


def paths_in(folder: Path) -> list[Path]:
    """Return the files of `folder` that carry the name of a picture format Pillow can open, sorted by name."""
    Image.init()
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in Image.EXTENSION)


def at_megapixels(rgb: Rgb, megapixels: float) -> Rgb:
    """Bring a photograph to a size: shrunk over area, or enlarged and given grain of its own.

    An enlarged picture is smoother than a camera's; the grain, 3 levels of it, makes its JPEG as heavy.
    """
    factor = (megapixels * 1e6 / (rgb.shape[0] * rgb.shape[1])) ** 0.5
    if factor <= 1:
        return rgb if factor > 0.99 else cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    big = cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(0).normal(0, 3, big.shape[:2]).astype(np.float32)[..., None]
    return np.clip(big + grain, 0, 255).astype(np.uint8)
