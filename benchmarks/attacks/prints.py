"""Paper: the picture printed in four-colour halftone, scanned or photographed again."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.attacks.attack import Attack, Attacked, Rgb, Scene, Transform, chain, in_strips
from benchmarks.attacks.bend import wave
from benchmarks.attacks.codecs import jpeg
from benchmarks.attacks.geometry import fit_inside, rotate, to_size
from benchmarks.attacks.overlays import framed
from benchmarks.attacks.tone import greyscale

ANGLES = (15.0, 75.0, 0.0)
"""Screen angles of cyan, magenta and yellow, degrees, as offset printing uses them."""


def halftone(strength: float, pitch: float = 4.0, oversample: int = 2) -> Transform:
    """Print with clustered dots of `pitch` device px, `oversample` device px a picture px, dot gain included.

    A share `strength` of the ink is screened; the rest is continuous, as on a good ink-jet.
    """

    def run(rgb: Rgb, scene: Scene) -> Attacked:
        h, w = rgb.shape[:2]
        big = to_size(rgb, w * oversample, h * oversample)
        phase = scene.rng.uniform(0, 2 * np.pi, 3)
        out = np.empty_like(big.rgb)
        columns = np.arange(w * oversample, dtype=np.float32)[None]
        for top in range(0, big.rgb.shape[0], 256):
            ink = 1 - big.rgb[top : top + 256].astype(np.float32) / 255
            rows = np.arange(top, top + ink.shape[0], dtype=np.float32)[:, None]
            for channel, angle in enumerate(np.radians(ANGLES)):
                screen = _screen(columns, rows, angle, pitch, phase[channel])
                dots = np.clip((ink[..., channel] - screen) * 3 + 0.5, 0, 1)
                ink[..., channel] += np.float32(strength) * (dots - ink[..., channel])
            out[top : top + 256] = np.rint(255 * (1 - ink)).astype(np.uint8)
        spread = cv2.GaussianBlur(out, (0, 0), 0.35 * pitch)
        return chain(lambda a, _: big, lambda a, _: to_size(spread, w, h))(rgb, scene)

    return run


def _screen(
    x: npt.NDArray[np.float32], y: npt.NDArray[np.float32], angle: float, pitch: float, phase: float
) -> npt.NDArray[np.float32]:
    k = 2 * np.pi / pitch
    u = (k * (x * np.cos(angle) + y * np.sin(angle)) + phase).astype(np.float32)
    v = (k * (y * np.cos(angle) - x * np.sin(angle))).astype(np.float32)
    return (np.cos(u) + np.cos(v)) / 4 + np.float32(0.5)


def _paper(rgb: Rgb, scene: Scene) -> Attacked:
    tone = np.array([0.95, 0.94, 0.89], np.float32)
    rng = scene.rng

    def soak(strip: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        grain = 1 + np.float32(0.012) * rng.standard_normal((*strip.shape[:2], 1), np.float32)
        return (24 + strip * np.float32(0.9)) * tone * grain  # ink is never black, paper never white

    return Attacked(in_strips(rgb, soak), np.eye(3))


MARGIN = framed(0.06, 0.06, 0.06, 0.06, (255, 255, 255))
PRINT = chain(fit_inside(1600), halftone(0.5), MARGIN, _paper)

ATTACKS = (
    Attack("print_scan", "print", chain(PRINT, rotate(1.3), jpeg(85)), core=True),
    Attack("print_scan_coarse", "print", chain(fit_inside(1200), halftone(0.9), MARGIN, _paper, rotate(0.7), jpeg(80))),
    Attack("print_scan_grey", "print", chain(greyscale, PRINT, rotate(0.7), jpeg(80))),
    Attack("print_curled", "print", chain(PRINT, wave(0.006), rotate(2), jpeg(80))),
)
