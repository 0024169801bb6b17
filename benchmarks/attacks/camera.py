"""A photograph of a screen: sub-pixels, a tilted view, optics, light, sensor noise, JPEG.

The display is drawn at three camera-side samples a pixel with red, green and blue stripes and dark gaps, in linear
light; the view resamples that grid, and moiré follows by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.attacks.attack import Attack, Attacked, Homography, Rgb, Scene, Transform, chain, in_strips
from benchmarks.attacks.codecs import jpeg
from benchmarks.attacks.drawing import blank, paste
from benchmarks.attacks.geometry import fit_inside, warp

STRIPES = 3
"""Samples across one display pixel."""


@dataclass(frozen=True, slots=True)
class Shot:
    """How the photograph is taken; angles in degrees, blur in camera px, noise in levels."""

    tilt: float
    roll: float
    density: float  # camera px per display px
    grid: float  # contrast of the pixel grid, 0..1
    blur: float
    noise: float
    gamma: float
    glare: float
    quality: int


MILD = Shot(tilt=7, roll=1.5, density=1.25, grid=0.25, blur=0.7, noise=3, gamma=1.1, glare=0.05, quality=88)
HARD = Shot(tilt=16, roll=5, density=0.95, grid=0.5, blur=1.1, noise=8, gamma=1.25, glare=0.15, quality=65)
TILTED = Shot(tilt=30, roll=8, density=1.1, grid=0.35, blur=0.9, noise=5, gamma=1.15, glare=0.1, quality=80)
FAR = Shot(tilt=12, roll=3, density=0.5, grid=0.3, blur=0.8, noise=6, gamma=1.15, glare=0.08, quality=75)


def photograph_of_screen(shot: Shot) -> Transform:
    """Photograph the picture on a display that shows it with at most 1,600 px on the long side."""
    return chain(fit_inside(1600), _bezel, _subpixels(shot), _view(shot), _sensor(shot), jpeg(shot.quality))


def _bezel(rgb: Rgb, scene: Scene) -> Attacked:
    h, w = rgb.shape[:2]
    edge = max(8, max(h, w) // 14)
    canvas = blank(w + 2 * edge, h + 2 * edge, (14, 14, 16))
    return Attacked(canvas, paste(canvas, rgb, (edge, edge, w, h)))


def _subpixels(shot: Shot) -> Transform:
    def run(rgb: Rgb, scene: Scene) -> Attacked:
        w = rgb.shape[1]
        big = np.repeat(np.repeat(rgb, STRIPES, axis=0), STRIPES, axis=1)
        tile = np.full((STRIPES, STRIPES, 3), 1 - shot.grid, np.float32)
        for channel in range(3):
            tile[:, channel, channel] = 1 + 2 * shot.grid  # a stripe shines for its two dark neighbours
        tile[-1] *= 1 - shot.grid
        tile *= np.float32(0.9 / tile.max())
        mask = np.tile(tile, (1, w, 1))
        lit = in_strips(
            big,
            lambda s: 255 * ((s / 255) ** 2.2 * np.tile(mask, (s.shape[0] // STRIPES, 1, 1))) ** (1 / 2.2),
            rows=64 * STRIPES,
        )
        k = STRIPES
        return Attacked(lit, np.array([[k, 0, (k - 1) / 2], [0, k, (k - 1) / 2], [0, 0, 1.0]]))

    return run


def _view(shot: Shot) -> Transform:
    def run(rgb: Rgb, scene: Scene) -> Attacked:
        rng = scene.rng
        h, w = rgb.shape[:2]
        scale = shot.density / STRIPES
        pose = _pinhole(w, h, shot.tilt, float(rng.uniform(0, 2 * np.pi)), shot.roll * float(rng.uniform(-1, 1)), scale)
        corners = cv2.perspectiveTransform(np.array([[[0.0, 0], [w, 0], [w, h], [0, h]]]), pose)[0]
        margin = 0.04 * max(w, h) * scale
        low, high = corners.min(axis=0) - margin, corners.max(axis=0) + margin
        frame = np.ceil(high - low).astype(int)
        homography = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]]) @ pose
        # the optics: without this low pass the resampling would alias far more than a lens lets through
        soft = cv2.GaussianBlur(rgb, (0, 0), 0.4 / scale)
        return warp(soft, homography, int(frame[0]), int(frame[1]), (92, 84, 76))

    return run


def _pinhole(width: int, height: int, tilt: float, axis: float, roll: float, scale: float) -> Homography:
    """Return the view of a plane turned by `tilt` degrees about an in-plane axis, by a lens of 1.3 × its long side."""
    focal = 1.3 * max(width, height)
    turn, _ = cv2.Rodrigues(np.radians(tilt) * np.array([np.cos(axis), np.sin(axis), 0.0]))
    spin, _ = cv2.Rodrigues(np.radians(roll) * np.array([0.0, 0.0, 1.0]))
    centre = np.array([[1.0, 0, -(width - 1) / 2], [0, 1, -(height - 1) / 2], [0, 0, 1]])
    plane = (spin @ turn) @ np.diag([1.0, 1.0, 0.0])
    plane[:, 2] = [0, 0, focal]
    camera = np.diag([focal * scale, focal * scale, 1.0])
    return np.asarray(camera @ plane @ centre)


def _sensor(shot: Shot) -> Transform:
    def run(rgb: Rgb, scene: Scene) -> Attacked:
        rng = scene.rng
        h, w = rgb.shape[:2]
        gx, gy = rng.uniform(-0.15, 0.15, 2)
        hot = rng.uniform(0.1, 0.9, 2)
        white = rng.uniform(0.93, 1.05, 3).astype(np.float32)
        small_y, small_x = np.mgrid[0:1:32j, 0:1:32j]
        light = 1 + gx * (small_x - 0.5) + gy * (small_y - 0.5)
        glow = 255 * shot.glare * np.exp(-((small_x - hot[0]) ** 2 + (small_y - hot[1]) ** 2) / 0.06)
        soft = cv2.GaussianBlur(rgb, (0, 0), shot.blur)
        thumb = cv2.resize(soft, (64, 64), interpolation=cv2.INTER_AREA) / 255
        exposure = np.float32(min(4.0, 0.85 / max(0.05, float(np.percentile(thumb, 97)) ** shot.gamma)))
        out = np.empty_like(soft)
        light, glow = (cv2.resize(f.astype(np.float32), (w, h))[..., None] for f in (light, glow))
        for top in range(0, h, 256):
            rows = slice(top, top + 256)
            v = (soft[rows].astype(np.float32) / 255) ** np.float32(shot.gamma) * exposure
            v = v * white * light[rows] * 255 + glow[rows]
            v += np.float32(shot.noise) * rng.standard_normal(v.shape, np.float32)
            out[rows] = np.clip(np.rint(v), 0, 255).astype(np.uint8)
        return Attacked(out, np.eye(3))

    return run


ATTACKS = (
    Attack("screencam_mild", "screencam", photograph_of_screen(MILD), core=True),
    Attack("screencam_hard", "screencam", photograph_of_screen(HARD), core=True),
    Attack("screencam_tilt_30", "screencam", photograph_of_screen(TILTED)),
    Attack("screencam_far", "screencam", photograph_of_screen(FAR)),
)
