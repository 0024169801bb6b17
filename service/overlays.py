"""Maps of a picture, where its mark is or was read: kept as a small grey PNG, painted for people when asked for."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image


def packed(grid: np.ndarray) -> bytes:
    """Store a map in [-1, 1] as an 8-bit grey PNG, 127.5 being zero."""
    out = io.BytesIO()
    Image.fromarray(np.round((np.clip(grid, -1, 1) + 1) * 127.5).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def paint(grid_png: bytes, side: int) -> bytes:
    """Colour a stored map: transparent where there is nothing, warmer where the mark speaks louder.

    Cool colours (blue) are places that speak against the named copy.
    """
    grid = np.asarray(Image.open(io.BytesIO(grid_png), formats=("PNG",))).astype(np.float32) / 127.5 - 1
    scale = side / max(grid.shape)
    size = (max(1, round(grid.shape[1] * scale)), max(1, round(grid.shape[0] * scale)))
    value = np.clip(cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC), -1, 1)
    warm, cool = np.clip(value, 0, 1), np.clip(-value, 0, 1)
    colour = np.zeros((*value.shape, 4), np.uint8)
    colour[..., 0] = np.where(value > 0, 255, 40)
    colour[..., 1] = np.where(value > 0, 200 - 140 * warm, 110)
    colour[..., 2] = np.where(value > 0, 40, 255)
    colour[..., 3] = 215 * np.sqrt(np.maximum(warm, cool))
    out = io.BytesIO()
    Image.fromarray(colour).save(out, "PNG")
    return out.getvalue()
