"""Light and colour: sliders, automatic corrections, the filters of photo apps, negatives."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.attacks.attack import Attack, Floats, Rgb, Transform, chain, in_place, in_strips, to_bytes
from benchmarks.attacks.codecs import jpeg

Curve = Callable[[npt.NDArray[np.float32]], Floats]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]], np.float32)


def curve(*channels: Curve) -> Transform:
    """Map levels through one curve on [0, 1], or through one curve per channel."""
    levels = np.arange(256, dtype=np.float32) / np.float32(255)
    columns = [to_bytes(255 * f(levels)) for f in channels]
    table = np.stack(columns * (3 // len(columns)), axis=1)[None]
    return in_place(lambda rgb, _: cv2.LUT(rgb, table))


def gain(factor: float) -> Transform:
    """Multiply the light."""
    return curve(lambda v: v * factor)


def contrast(factor: float) -> Transform:
    """Stretch the levels about middle grey."""
    return curve(lambda v: (v - 0.5) * factor + 0.5)


def gamma(exponent: float) -> Transform:
    """Bend the levels: v ↦ v^exponent."""
    return curve(lambda v: v ** np.float32(exponent))


def levels(bits: int) -> Transform:
    """Keep 2^bits levels per channel."""
    steps = 2**bits - 1
    return curve(lambda v: np.rint(v * steps) / steps)


def mix(matrix: npt.NDArray[np.float32]) -> Transform:
    """Multiply every pixel by a (3, 3) colour matrix."""
    return in_place(lambda rgb, _: in_strips(rgb, lambda strip: strip @ matrix.T))


def saturation(factor: float) -> Transform:
    """Move every colour away from its grey (above 1) or towards it (below 1)."""
    grey = np.tile(LUMA, (3, 1))
    return mix((grey + factor * (np.eye(3) - grey)).astype(np.float32))


def hue(degrees: int) -> Transform:
    """Turn the colour circle."""

    def change(rgb: Rgb, _: np.random.Generator) -> Rgb:
        hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0].astype(np.int16) + degrees // 2) % 180
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)

    return in_place(change)


def _auto_levels(rgb: Rgb, _: np.random.Generator) -> Rgb:
    tables = []
    for channel in range(3):
        counts = np.bincount(rgb[..., channel].ravel(), minlength=256).cumsum() / rgb[..., 0].size
        low, high = np.searchsorted(counts, [0.005, 0.995])
        tables.append(to_bytes((np.arange(256, dtype=np.float32) - low) * (255 / max(1, high - low))))
    return cv2.LUT(rgb, np.stack(tables, axis=1)[None])


def _on_luma(change: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]]) -> Transform:
    def run(rgb: Rgb, _: np.random.Generator) -> Rgb:
        ycc = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb)
        ycc[..., 0] = change(np.ascontiguousarray(ycc[..., 0]))
        return cv2.cvtColor(ycc, cv2.COLOR_YCrCb2RGB)

    return in_place(run)


def _vignette(rgb: Rgb, _: np.random.Generator) -> Rgb:
    h, w = rgb.shape[:2]
    across = np.linspace(-1, 1, w, dtype=np.float32)[None, :, None]
    out = np.empty_like(rgb)
    for y in range(h):  # one row at a time: the falloff is not separable
        down = np.float32(2 * y / max(1, h - 1) - 1)
        out[y] = to_bytes(rgb[y : y + 1] * (1 - 0.3 * np.minimum(1, (across**2 + down**2) / 1.6)))[0]
    return out


warm = curve(lambda v: v**0.85 * 1.04, lambda v: v * 0.98, lambda v: v**1.15 * 0.9)
cold = curve(lambda v: v**1.15 * 0.9, lambda v: v * 0.99, lambda v: v**0.85 * 1.04)
greyscale = saturation(0)
vignette = in_place(_vignette)
vintage = chain(saturation(0.6), curve(lambda v: 0.1 + 0.85 * v, lambda v: 0.06 + 0.86 * v, lambda v: 0.12 + 0.7 * v))

ATTACKS = (
    Attack("brightness_70", "tone", gain(0.7)),
    Attack("brightness_140", "tone", gain(1.4), core=True),
    Attack("contrast_60", "tone", contrast(0.6)),
    Attack("contrast_150", "tone", contrast(1.5)),
    Attack("gamma_60", "tone", gamma(0.6)),
    Attack("gamma_170", "tone", gamma(1.7)),
    Attack("saturation_30", "tone", saturation(0.3)),
    Attack("saturation_180", "tone", saturation(1.8)),
    Attack("hue_30", "tone", hue(30)),
    Attack("greyscale", "tone", greyscale, core=True),
    Attack("auto_levels", "tone", in_place(_auto_levels)),
    Attack("equalise", "tone", _on_luma(cv2.equalizeHist)),
    Attack("clahe", "tone", _on_luma(lambda y: cv2.createCLAHE(2.5, (8, 8)).apply(y))),
    Attack("filter_warm", "filter", warm, core=True),
    Attack("filter_cold", "filter", cold),
    Attack("filter_noir", "filter", chain(greyscale, contrast(1.5), vignette)),
    Attack("filter_sepia", "filter", mix(SEPIA)),
    Attack("filter_vintage", "filter", chain(vintage, vignette)),
    Attack("bits_6", "bit_depth", levels(6)),
    Attack("bits_5", "bit_depth", levels(5), core=True),
    Attack("posterise_3", "bit_depth", levels(3)),
    Attack("negative", "negative", curve(lambda v: 1 - v), core=True),
    Attack("negative_jpeg_q60", "negative", chain(curve(lambda v: 1 - v), jpeg(60))),
)
