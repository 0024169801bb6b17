"""Pictures that are nobody's assets: what fills a large index beside ours, and what must never be taken for ours.

A few photographs do not make ten thousand pictures, so the others are composed: pieces of photographs at all sizes,
turned, mirrored, toned; collages and blends of such pieces; pages of text around one; and patterns drawn by formula.
Local features of a piece are those of a real picture, so an index of pieces is as crowded with rivals as one of whole
photographs; but pieces repeat, and are no sample of the pictures on the web: figures must say on what they stand.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw

from benchmarks.attacks.drawing import font, paragraph, paste_cover, sentence
from benchmarks.photographs import Rgb
from watermark.landmarks import Landmarks

FLIPPED_BITS = 0.12
"""Share of a code's bits in which a shuffled copy of a stranger's landmarks differs from the stranger's own."""


def stranger(number: int, photographs: Sequence[Rgb], seed: int) -> Rgb:
    """The picture of a number: every other one is a photograph as it is while they last, the others are composed."""
    whole, odd = divmod(number, 2)
    if not odd and whole < len(photographs):
        return photographs[whole]
    rng = np.random.default_rng([seed, number])
    made = (piece, collage, blend, page, lambda _, rng: pattern(rng))[whole % 5]
    return made(photographs, rng)


def piece(photographs: Sequence[Rgb], rng: np.random.Generator) -> Rgb:
    """A window of 8 to 90 % of a photograph's area at 300 to 900 px, perhaps turned, mirrored, and toned."""
    rgb = photographs[int(rng.integers(len(photographs)))]
    height, width = rgb.shape[:2]
    share, aspect = rng.uniform(0.08, 0.9) ** 0.5, rng.uniform(0.7, 1.4)
    w, h = (int(np.clip(side, 48, most)) for side, most in ((width * share * aspect, width), (height * share, height)))
    x, y = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
    side = rng.integers(300, 900) / max(w, h)
    small = cv2.resize(rgb[y : y + h, x : x + w], None, fx=side, fy=side, interpolation=cv2.INTER_AREA)
    if rng.random() < 0.3:
        small = small[:, ::-1]
    if rng.random() < 0.15:
        small = np.rot90(small)
    toned = small.astype(np.float32) ** rng.uniform(0.8, 1.25) * rng.uniform(0.8, 1.2, 3)
    return np.ascontiguousarray(np.clip(toned * (200 / max(60.0, float(toned.max()))), 0, 255).astype(np.uint8))


def collage(photographs: Sequence[Rgb], rng: np.random.Generator) -> Rgb:
    """Two to six pieces over each other on a ground of one colour."""
    canvas = np.full((640, 860, 3), rng.integers(0, 256, 3), np.uint8)
    for _ in range(rng.integers(2, 7)):
        w, h = int(rng.integers(160, 500)), int(rng.integers(160, 400))
        box = (int(rng.integers(860 - w)), int(rng.integers(640 - h)), w, h)
        paste_cover(canvas, piece(photographs, rng), box)
    return canvas


def blend(photographs: Sequence[Rgb], rng: np.random.Generator) -> Rgb:
    """Two pieces mixed under a smooth mask."""
    a, b = (cv2.resize(piece(photographs, rng), (760, 560), interpolation=cv2.INTER_AREA) for _ in range(2))
    mask = cv2.resize(rng.random((4, 5)).astype(np.float32), (760, 560), interpolation=cv2.INTER_CUBIC)[..., None]
    return np.clip(a * mask + b * (1 - mask), 0, 255).astype(np.uint8)


def page(photographs: Sequence[Rgb], rng: np.random.Generator) -> Rgb:
    """A page of text, half of them around a piece."""
    dark = rng.random() < 0.3
    ground, ink = ((18, 19, 22), (222, 224, 228)) if dark else ((255, 255, 255), (30, 32, 36))
    image = Image.new("RGB", (1100, 900), ground)
    pen = ImageDraw.Draw(image)
    pen.text((40, 30), sentence(rng, 6), ink, font(int(rng.integers(30, 56))))
    paragraph(pen, rng, (40, 110, 1060, 880), int(rng.integers(14, 26)), ink)
    canvas = np.array(image)
    if rng.random() < 0.5:
        paste_cover(
            canvas, piece(photographs, rng), (int(rng.integers(40, 500)), int(rng.integers(140, 400)), 520, 380)
        )
    return canvas


def pattern(rng: np.random.Generator) -> Rgb:
    """Noise over several octaves, stripes, or tiles, in two or three colours."""
    height, width = 520, 700
    kind = int(rng.integers(3))
    if kind == 0:
        plane = np.zeros((height, width), np.float32)
        for octave in range(2, 8):
            grid = rng.normal(size=(3 * 2**octave // 4 + 2, 2**octave + 2)).astype(np.float32)
            plane += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) * rng.uniform(0.4, 0.8) ** octave
    elif kind == 1:
        y, x = np.mgrid[:height, :width].astype(np.float32)
        turn = rng.uniform(0, np.pi)
        plane = np.sin(
            (x * np.cos(turn) + y * np.sin(turn)) / rng.uniform(3, 40) + 3 * np.sin(y / rng.uniform(30, 200))
        )
    else:
        side = int(rng.integers(12, 90))
        tiles = rng.random((height // side + 1, width // side + 1)).astype(np.float32)
        plane = np.kron(tiles, np.ones((side, side), np.float32))[:height, :width]
    level = cv2.normalize(plane, None, 0, 1, cv2.NORM_MINMAX)[..., None]
    low, high = rng.uniform(0, 255, (2, 3))
    return np.clip(low + level * (high - low) + rng.normal(0, 3, (height, width, 1)), 0, 255).astype(np.uint8)


def shuffled(one: Landmarks, rng: np.random.Generator) -> Landmarks:
    """Landmarks of a picture that never was: a stranger's, every code changed a little, places exchanged."""
    order = rng.permutation(len(one))
    flips = np.packbits(rng.random((len(one), 256)) < FLIPPED_BITS, axis=1)
    return Landmarks(one.shape, one.points[order], one.sizes, one.angles[order], one.codes ^ flips, one.thumbnail)


def recoloured(rgb: Rgb, rng: np.random.Generator, most: int = 3) -> dict[str, Rgb]:
    """A picture and siblings in which one object has another hue, as a garment in other colours; luma stays.

    The object is the largest connected area of one hue, with soft edges. A picture without an object of at least 4 % of
    its area has no siblings, and the answer is empty.
    """
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    hue = np.rad2deg(np.arctan2(lab[..., 2], lab[..., 1]))
    coloured = np.hypot(lab[..., 1], lab[..., 2]) > 18
    best, area = None, 0.04 * hue.size
    for centre in range(-180, 180, 30):
        near = coloured & (np.abs((hue - centre + 180) % 360 - 180) < 35)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(near.astype(np.uint8))
        largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()) if len(stats) > 1 else 0
        if largest and area < stats[largest, cv2.CC_STAT_AREA] < 0.6 * hue.size:
            best, area = labels == largest, stats[largest, cv2.CC_STAT_AREA]
    if best is None:
        return {}
    mask = cv2.GaussianBlur(best.astype(np.float32), (0, 0), max(rgb.shape) / 400)[..., None]
    out = {"as shot": rgb}
    for degrees in rng.permutation([-120, -60, 60, 120, 180])[:most]:
        c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        turned = lab[..., 1:] @ np.array([[c, s], [-s, c]], np.float32)
        sibling = np.concatenate([lab[..., :1], lab[..., 1:] * (1 - mask) + turned * mask], axis=-1)
        back = cv2.cvtColor(sibling.astype(np.float32), cv2.COLOR_LAB2RGB)
        out[f"turned by {degrees}"] = np.clip(np.rint(back * 255), 0, 255).astype(np.uint8)
    return out
