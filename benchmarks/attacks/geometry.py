"""Resizing, cropping, turning, mirroring and perspective: everything a homography describes exactly."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from benchmarks.attacks.attack import Attack, Attacked, Homography, Rgb, Scene, Transform, chain


def translation(x: float, y: float) -> Homography:
    """Return the homography that adds (x, y)."""
    return np.array([[1.0, 0, x], [0, 1, y], [0, 0, 1]])


def scaling(width: int, height: int, new_width: int, new_height: int) -> Homography:
    """Return the homography of a resize, pixel centres at integers."""
    sx, sy = new_width / width, new_height / height
    return np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2], [0, 0, 1]])


def to_size(rgb: Rgb, width: int, height: int) -> Attacked:
    """Resize to exactly width × height, averaging when it shrinks."""
    h, w = rgb.shape[:2]
    method = cv2.INTER_AREA if width < w or height < h else cv2.INTER_CUBIC
    return Attacked(cv2.resize(rgb, (width, height), interpolation=method), scaling(w, h, width, height))


def resize(factor: float, across: float | None = None) -> Transform:
    """Resize by `factor`; by `across` down the picture if that differs."""

    def run(rgb: Rgb, scene: Scene) -> Attacked:
        h, w = rgb.shape[:2]
        return to_size(rgb, max(8, round(w * factor)), max(8, round(h * (across or factor))))

    return run


def fit_inside(side: int) -> Transform:
    """Shrink until the long side is at most `side` px; smaller pictures stay as they are."""

    def run(rgb: Rgb, scene: Scene) -> Attacked:
        h, w = rgb.shape[:2]
        factor = min(1.0, side / max(h, w))
        return to_size(rgb, max(8, round(w * factor)), max(8, round(h * factor)))

    return run


def and_back(transform: Transform) -> Transform:
    """Apply a transform, then stretch its result to the size the picture had before."""

    def run(rgb: Rgb, scene: Scene) -> Attacked:
        return chain(transform, lambda x, _: to_size(x, rgb.shape[1], rgb.shape[0]))(rgb, scene)

    return run


def cut(rgb: Rgb, x: int, y: int, width: int, height: int) -> Attacked:
    """Cut out a window."""
    return Attacked(rgb[y : y + height, x : x + width].copy(), translation(-x, -y))


def crop(area: float, aspect: float | None = None) -> Transform:
    """Keep `area` of the picture, at a random place; in the picture's own aspect, or in `aspect` (width/height)."""

    def run(rgb: Rgb, scene: Scene) -> Attacked:
        h, w = rgb.shape[:2]
        ratio = aspect or w / h
        width, height = (area * h * w * ratio) ** 0.5, (area * h * w / ratio) ** 0.5
        width, height = min(w, max(16, round(width))), min(h, max(16, round(height)))
        x, y = scene.rng.integers(w - width + 1), scene.rng.integers(h - height + 1)
        return cut(rgb, int(x), int(y), width, height)

    return run


def trim(left: float, top: float, right: float, bottom: float) -> Transform:
    """Cut off shares of the width and height."""

    def run(rgb: Rgb, scene: Scene) -> Attacked:
        h, w = rgb.shape[:2]
        x, y = round(left * w), round(top * h)
        return cut(rgb, x, y, w - x - round(right * w), h - y - round(bottom * h))

    return run


def warp(rgb: Rgb, homography: Homography, width: int, height: int, fill: Sequence[int] = (0, 0, 0)) -> Attacked:
    """Warp onto a canvas of width × height with cubic interpolation."""
    out = cv2.warpPerspective(
        rgb, homography, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=tuple(fill)
    )
    return Attacked(out, homography)


def warp_to_fit(rgb: Rgb, homography: Homography, fill: Sequence[int] = (0, 0, 0)) -> Attacked:
    """Warp onto the smallest canvas that holds the whole picture."""
    h, w = rgb.shape[:2]
    corners = np.array([[[-0.5, -0.5], [w - 0.5, -0.5], [w - 0.5, h - 0.5], [-0.5, h - 0.5]]])
    moved = cv2.perspectiveTransform(corners, homography)[0]
    low = moved.min(axis=0) + 0.5
    width, height = np.ceil(moved.max(axis=0) + 0.5 - low).astype(int)
    return warp(rgb, translation(*-low) @ homography, int(width), int(height), fill)


def turning(degrees: float) -> Homography:
    """Return a turn about the origin, clockwise on the screen."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


def rotate(degrees: float) -> Transform:
    """Turn by `degrees` to a random side, on a canvas that holds everything, corners filled with a random grey."""

    def run(rgb: Rgb, scene: Scene) -> Attacked:
        grey = int(scene.rng.choice([0, 128, 255]))
        return warp_to_fit(rgb, turning(degrees * scene.rng.choice([-1, 1])), (grey,) * 3)

    return run


def rotate_to_content(degrees: float) -> Transform:
    """Turn by `degrees` and cut the largest upright rectangle of the picture's aspect that shows no corner."""

    def run(rgb: Rgb, scene: Scene) -> Attacked:
        h, w = rgb.shape[:2]
        turned = warp_to_fit(rgb, turning(degrees * scene.rng.choice([-1, 1])))
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        share = min(w / (w * c + h * s), h / (w * s + h * c))
        width, height = int(w * share) - 2, int(h * share) - 2
        x, y = (turned.rgb.shape[1] - width) // 2, (turned.rgb.shape[0] - height) // 2
        return chain(lambda a, _: turned, lambda a, _: cut(a, x, y, width, height))(rgb, scene)

    return run


def quarter_turns(count: int) -> Transform:
    """Turn by `count` · 90 degrees clockwise, exactly."""

    def run(rgb: Rgb, scene: Scene) -> Attacked:
        total = np.eye(3)
        height, width = rgb.shape[:2]
        for _ in range(count):
            total = np.array([[0, -1.0, height - 1], [1, 0, 0], [0, 0, 1]]) @ total
            height, width = width, height
        return Attacked(np.ascontiguousarray(np.rot90(rgb, -count)), total)

    return run


def mirror(rgb: Rgb, scene: Scene) -> Attacked:
    """Swap left and right."""
    return Attacked(np.ascontiguousarray(rgb[:, ::-1]), np.array([[-1.0, 0, rgb.shape[1] - 1], [0, 1, 0], [0, 0, 1]]))


def perspective(strength: float) -> Transform:
    """Move each corner inwards by up to `strength` of the side."""

    def run(rgb: Rgb, scene: Scene) -> Attacked:
        h, w = rgb.shape[:2]
        corners = np.array([[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]], np.float32)
        inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], np.float32)
        moved = corners + inwards * scene.rng.uniform(0.2, 1, (4, 2)).astype(np.float32) * strength * np.array([w, h])
        return warp(rgb, cv2.getPerspectiveTransform(corners, moved.astype(np.float32)), w, h)

    return run


def shear(degrees: float) -> Transform:
    """Slant the picture sideways."""
    slant = np.array([[1.0, np.tan(np.radians(degrees)), 0], [0, 1, 0], [0, 0, 1]])
    return lambda rgb, scene: warp_to_fit(rgb, slant)


ATTACKS = (
    Attack("resize_75", "resize", resize(0.75)),
    Attack("resize_50", "resize", resize(0.5), core=True),
    Attack("resize_25", "resize", resize(0.25), core=True),
    Attack("resize_10", "resize", resize(0.1)),
    Attack("resize_150", "resize", resize(1.5)),
    Attack("px_1080", "resize", fit_inside(1080)),
    Attack("px_640", "resize", fit_inside(640)),
    Attack("px_320", "resize", fit_inside(320), core=True),
    Attack("px_240", "resize", fit_inside(240)),
    Attack("px_160", "resize", fit_inside(160)),
    Attack("resize_50_back", "resize", and_back(resize(0.5))),
    Attack("resize_25_back", "resize", and_back(resize(0.25))),
    Attack("aspect_120x90", "resize", resize(1.2, 0.9)),
    Attack("crop_90", "crop", crop(0.9)),
    Attack("crop_75", "crop", crop(0.75)),
    Attack("crop_50", "crop", crop(0.5), core=True),
    Attack("crop_25", "crop", crop(0.25), core=True),
    Attack("crop_10", "crop", crop(0.1), core=True),
    Attack("crop_5", "crop", crop(0.05)),
    Attack("crop_3", "crop", crop(0.03)),
    Attack("crop_story", "crop", crop(0.4, aspect=9 / 16)),
    Attack("crop_border_2pct", "crop", trim(0.02, 0.02, 0.02, 0.02)),
    Attack("crop_one_side_20pct", "crop", trim(0, 0, 0.2, 0)),
    Attack("crop_50_back", "crop_resize", and_back(crop(0.5)), core=True),
    Attack("crop_25_back", "crop_resize", and_back(crop(0.25))),
    Attack("crop_25_px_320", "crop_resize", chain(crop(0.25), fit_inside(320))),
    Attack("rotate_1", "rotate", rotate(1)),
    Attack("rotate_2", "rotate", rotate(2), core=True),
    Attack("rotate_5", "rotate", rotate(5)),
    Attack("rotate_15", "rotate", rotate(15), core=True),
    Attack("rotate_45", "rotate", rotate(45)),
    Attack("rotate_5_content", "rotate", rotate_to_content(5)),
    Attack("rotate_15_content", "rotate", rotate_to_content(15)),
    Attack("rotate_90", "rotate", quarter_turns(1), core=True),
    Attack("rotate_180", "rotate", quarter_turns(2)),
    Attack("rotate_270", "rotate", quarter_turns(3)),
    Attack("flip_h", "flip", mirror, core=True),
    Attack("flip_v", "flip", chain(mirror, quarter_turns(2))),
    Attack("transpose", "flip", chain(mirror, quarter_turns(3))),
    Attack("perspective_6", "perspective", perspective(0.06), core=True),
    Attack("perspective_15", "perspective", perspective(0.15)),
    Attack("shear_10", "perspective", shear(10)),
)
