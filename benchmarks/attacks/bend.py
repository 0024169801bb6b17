"""Lenses and paper: smooth bends that no single homography describes; the best one is reported."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.attacks.attack import Attack, Attacked, Homography, Rgb, Scene, Transform

Field = npt.NDArray[np.float32]
Source = Callable[[Field, Field], tuple[Field, Field]]
"""Where an output pixel looks in the original: normalised (x, y), half the long side = 1, to the same."""


def pull(rgb: Rgb, source: Source) -> Attacked:
    """Sample `rgb` where `source` says, mirroring at the edges; sizes stay.

    The homography is the least-squares fit to the field on a 24 × 24 grid.
    """
    h, w = rgb.shape[:2]
    unit = max(h, w) / 2
    centre = np.array([(w - 1) / 2, (h - 1) / 2], np.float32)

    def look(x: Field, y: Field) -> tuple[Field, Field]:
        u, v = source((x - centre[0]) / np.float32(unit), (y - centre[1]) / np.float32(unit))
        return u * np.float32(unit) + centre[0], v * np.float32(unit) + centre[1]

    rows = np.broadcast_to(np.arange(h, dtype=np.float32)[:, None], (h, w))
    columns = np.broadcast_to(np.arange(w, dtype=np.float32)[None], (h, w))
    map_x, map_y = look(columns, rows)
    bent = cv2.remap(rgb, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return Attacked(bent, _best_homography(look, w, h))


def _best_homography(look: Source, width: int, height: int) -> Homography:
    y, x = np.meshgrid(np.linspace(0, height - 1, 24), np.linspace(0, width - 1, 24), indexing="ij")
    u, v = look(x.astype(np.float32), y.astype(np.float32))
    original, attacked = np.stack([u.ravel(), v.ravel()], 1), np.stack([x.ravel(), y.ravel()], 1)
    inside = (original >= 0).all(axis=1) & (original <= [width - 1, height - 1]).all(axis=1)
    fitted, _ = cv2.findHomography(original[inside], attacked[inside].astype(np.float32), 0)
    return np.asarray(fitted, np.float64)


def lens(strength: float) -> Transform:
    """Radial distortion r ↦ r (1 + strength · r²): barrel when positive, pincushion when negative."""

    def source(x: Field, y: Field) -> tuple[Field, Field]:
        gain = 1 + np.float32(strength) * (x * x + y * y)
        return x * gain, y * gain

    return lambda rgb, scene: pull(rgb, source)


def wave(amplitude: float) -> Transform:
    """Bend a sheet along two sines of random phase; `amplitude` in shares of the long side."""

    def run(rgb: Rgb, scene: Scene) -> Attacked:
        p, q = scene.rng.uniform(0, 2 * np.pi, 2).astype(np.float32)
        size = np.float32(2 * amplitude)
        return pull(rgb, lambda x, y: (x + size * np.sin(2.2 * y + p), y + size * np.sin(1.8 * x + q)))

    return run


def jitter(pixels: float, pitch: int = 48) -> Transform:
    """Move every neighbourhood of about `pitch` px by a random vector of `pixels` standard deviation."""

    def run(rgb: Rgb, scene: Scene) -> Attacked:
        h, w = rgb.shape[:2]
        knots = scene.rng.normal(0, pixels, (2, h // pitch + 2, w // pitch + 2)).astype(np.float32)
        map_x, map_y = (cv2.resize(k, (w, h), interpolation=cv2.INTER_CUBIC) for k in knots)
        map_x += np.arange(w, dtype=np.float32)[None]
        map_y += np.arange(h, dtype=np.float32)[:, None]
        moved = cv2.remap(rgb, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        return Attacked(moved, np.eye(3))  # the field has mean zero: identity is the best homography

    return run


ATTACKS = (
    Attack("lens_barrel", "bend", lens(0.08)),
    Attack("lens_pincushion", "bend", lens(-0.06)),
    Attack("bend_1", "bend", wave(0.004)),
    Attack("bend_3", "bend", wave(0.012), core=True),
    Attack("jitter_1px", "bend", jitter(1.0)),
)
