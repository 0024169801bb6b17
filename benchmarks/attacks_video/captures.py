"""Filming and recording a screen. All simulated: a window on a desktop, and a camera in front of a display."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.attacks_video.clips import Frame, Rgb
from benchmarks.attacks_video.edits import frame_rate


def screen_recording(frames: Iterator[Frame], rng: np.random.Generator) -> Iterator[Frame]:
    """A player's window at 80 % on a desktop, recorded at 30 frames a second."""
    desktop = cv2.resize(rng.integers(40, 200, (9, 16, 3), np.uint8), (1280, 720), interpolation=cv2.INTER_CUBIC)
    for frame in frame_rate(30)(frames, rng):
        canvas = desktop.copy()
        w = 1024
        h = round(w * frame.rgb.shape[0] / frame.rgb.shape[1])
        cv2.rectangle(canvas, (100, 40), (100 + w, 76 + h), (235, 235, 238), -1)
        canvas[70 : 70 + h, 100 : 100 + w] = cv2.resize(frame.rgb, (w, h), interpolation=cv2.INTER_AREA)
        yield Frame(frame.time_s, canvas)


@dataclass(frozen=True, slots=True)
class Camcorder:
    """A camera on a tripod in front of a display; angles in degrees, blur in px, noise in levels.

    Attributes
    ----------
    tilt, roll : of the view.
    grid : contrast of the display's rows and columns, which beat with the sensor's.
    light : share of the light that is left.
    shake : px of slow movement.
    """

    tilt: float = 7.0
    roll: float = 2.0
    grid: float = 0.12
    light: float = 0.55
    blur: float = 0.9
    noise: float = 6.0
    shake: float = 1.2

    def __call__(self, frames: Iterator[Frame], rng: np.random.Generator) -> Iterator[Frame]:
        """Film the clip at 30 frames a second, at 1280 × 720."""
        turn = np.radians(rng.uniform(0.5, 1.0, 2) * self.tilt * rng.choice([-1, 1], 2))
        roll = np.radians(self.roll * rng.uniform(-1, 1))
        moire = rng.uniform(0.31, 0.37, 2)
        gx, gy = rng.uniform(-0.15, 0.15, 2)
        for frame in frame_rate(30)(frames, rng):
            h, w = frame.rgb.shape[:2]
            sway = self.shake * np.array([np.sin(0.9 * frame.time_s), np.cos(0.7 * frame.time_s)])
            view = self._view(w, h, turn, roll, sway)
            ys, xs = np.mgrid[0:h, 0:w].astype(np.float32)
            grid = 1 + self.grid * (np.sin(2 * np.pi * moire[0] * xs) + np.sin(2 * np.pi * moire[1] * ys)) / 2
            light = (frame.rgb / np.float32(255)) ** np.float32(2.2) * grid[..., None].astype(np.float32)
            seen = cv2.warpPerspective(light, view, (1280, 720), flags=cv2.INTER_AREA, borderValue=(0.02, 0.02, 0.02))
            seen = cv2.GaussianBlur(seen, (0, 0), self.blur)
            fall = 1 + gx * np.linspace(-1, 1, 1280)[None, :, None] + gy * np.linspace(-1, 1, 720)[:, None, None]
            shown = (np.clip(seen * fall * self.light, 0, None) ** (1 / 2.2) * 255).astype(np.float32)
            shown += np.float32(self.noise) * rng.standard_normal(shown.shape, np.float32)
            yield Frame(frame.time_s, np.clip(shown, 0, 255).astype(np.uint8))

    @staticmethod
    def _view(w: int, h: int, turn: np.ndarray, roll: float, sway: np.ndarray) -> np.ndarray:
        rotation, _ = cv2.Rodrigues(np.array([turn[0], turn[1], roll]))
        focal = 1.4 * w
        plane = rotation @ np.diag([1.0, 1.0, 0.0])
        plane[:, 2] = [0, 0, focal]
        scale = 0.88 * 1280 / w
        camera = np.array([[focal * scale, 0, 640 + sway[0]], [0, focal * scale, 360 + sway[1]], [0, 0, 1]])
        centre = np.array([[1, 0, -(w - 1) / 2], [0, 1, -(h - 1) / 2], [0, 0, 1.0]])
        return np.asarray(camera @ plane @ centre)


def desktop_window(rgb: Rgb) -> Rgb:
    """A screenshot of a desktop with a player's window at 60 %."""
    canvas = np.full((1080, 1920, 3), (58, 92, 130), np.uint8)
    w = 1152
    h = round(w * rgb.shape[0] / rgb.shape[1])
    cv2.rectangle(canvas, (300, 150), (300 + w, 200 + h), (240, 240, 240), -1)
    cv2.putText(canvas, "player", (320, 185), cv2.FONT_HERSHEY_SIMPLEX, 1, (30, 30, 30), 2, cv2.LINE_AA)
    canvas[200 : 200 + h, 300 : 300 + w] = cv2.resize(rgb, (w, h), interpolation=cv2.INTER_AREA)
    return canvas
