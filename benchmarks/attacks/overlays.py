"""Things laid over the picture or around it: stickers, captions, scribbles, stamps, frames."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image, ImageDraw

from benchmarks.attacks.attack import Attack, Attacked, Rgb, Scene, Transform, in_place
from benchmarks.attacks.drawing import Colour, blank, colour, draw, font, paste, rounded_mask, sentence
from benchmarks.attacks.geometry import and_back


def stickers(area: float, count: int) -> Transform:
    """Cover about `area` of the picture with `count` opaque blobs of one colour each, text on them."""

    def change(rgb: Rgb, rng: np.random.Generator) -> Rgb:
        image, pen = draw(rgb)
        width, height = image.size
        covered = Image.new("1", (width // 4 + 1, height // 4 + 1))  # a quarter of the scale is enough to measure area
        shadow = ImageDraw.Draw(covered)
        side = (area * width * height / count) ** 0.5
        for n in range(20 * count):
            if n >= count and np.asarray(covered).mean() >= area:
                break
            w, h = side * rng.uniform(0.8, 1.25), side * rng.uniform(0.8, 1.25)
            x, y = rng.uniform(0, max(1, width - w)), rng.uniform(0, max(1, height - h))
            shape = "rounded_rectangle" if rng.random() < 0.5 else "ellipse"
            getattr(pen, shape)((x, y, x + w, y + h), fill=colour(rng))
            getattr(shadow, shape)((x / 4, y / 4, (x + w) / 4, (y + h) / 4), fill=1)
            pen.text((x + w / 8, y + h / 3), sentence(rng, 2), fill=(255, 255, 255), font=font(int(w / 8)))
        return np.asarray(image)

    return in_place(change)


def _faces(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    image, pen = draw(rgb)
    for _ in range(12):
        r = min(image.size) * rng.uniform(0.03, 0.09)
        x, y = rng.uniform(r, image.width - r), rng.uniform(r, image.height - r)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=(255, 205, 40), outline=(150, 90, 0), width=max(1, int(r / 12)))
        for side in (-1, 1):
            pen.ellipse((x + side * r / 2.5 - r / 8, y - r / 2.5, x + side * r / 2.5 + r / 8, y), fill=(60, 30, 0))
        pen.arc((x - r / 2, y - r / 4, x + r / 2, y + r / 1.6), 10, 170, fill=(60, 30, 0), width=max(1, int(r / 8)))
    return np.asarray(image)


def _scribble(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    out = rgb.copy()
    size = np.array(rgb.shape[1::-1])
    for _ in range(6):
        points = np.cumsum(rng.normal(0, 0.06, (40, 2)), axis=0) + rng.uniform(0.1, 0.9, 2)
        line = np.rint(np.clip(points, 0, 1) * size).astype(np.int32)
        cv2.polylines(out, [line], False, colour(rng), max(2, int(min(size) / 90)), cv2.LINE_AA)
    return out


def _black_bars(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    out = rgb.copy()
    h, w = rgb.shape[:2]
    for _ in range(8):
        x, y = int(rng.uniform(0, 0.7) * w), int(rng.uniform(0, 0.92) * h)
        out[y : y + int(0.06 * h), x : x + int(rng.uniform(0.15, 0.4) * w)] = 0
    return out


def _pixelate_face(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    out = rgb.copy()
    h, w = rgb.shape[:2]
    side = int(0.35 * min(h, w))
    x, y = int(rng.integers(w - side + 1)), int(rng.integers(h - side + 1))
    window = out[y : y + side, x : x + side]
    small = cv2.resize(window, (10, 10), interpolation=cv2.INTER_AREA)
    window[:] = cv2.resize(small, (side, side), interpolation=cv2.INTER_NEAREST)
    return out


def _meme(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    image, pen = draw(rgb)
    size = int(image.width / 11)
    for y in (0.02 * image.height, 0.97 * image.height - 1.2 * size):
        text = sentence(rng, 3).upper()
        x = max(0.0, (image.width - font(size).getlength(text)) / 2)
        pen.text((x, y), text, fill=(255, 255, 255), font=font(size), stroke_width=size // 12, stroke_fill=(0, 0, 0))
    return np.asarray(image)


def _subtitle(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    image, pen = draw(rgb)
    w, h = image.size
    pen.rectangle((0, 0.78 * h, w, 0.9 * h), fill=(0, 0, 0))
    pen.text((0.05 * w, 0.8 * h), sentence(rng, 6), fill=(255, 255, 255), font=font(int(0.05 * h)))
    return np.asarray(image)


def tiled_text(opacity: float) -> Transform:
    """Write the same words all over the picture, slanted, white with a dark edge."""

    def change(rgb: Rgb, rng: np.random.Generator) -> Rgb:
        h, w = rgb.shape[:2]
        size = max(10, int(max(h, w) / 26))
        text = sentence(rng, 2).upper()
        step = int(font(size).getlength(text) + 1.5 * size)
        side = int(np.hypot(h, w)) + 1
        sheet = Image.new("LA", (side, side), (255, 0))
        pen = ImageDraw.Draw(sheet)
        for row, y in enumerate(range(0, side, int(2.4 * size))):
            for x in range(-step * (row % 2) // 2, side, step):
                pen.text((x, y), text, (255, 255), font(size), stroke_width=max(1, size // 16), stroke_fill=(0, 255))
        turned = sheet.rotate(float(rng.uniform(20, 40)), Image.Resampling.BICUBIC)
        left, top = (side - w) // 2, (side - h) // 2
        window = turned.crop((left, top, left + w, top + h))
        grey, alpha = window.split()
        alpha = alpha.point(lambda a: int(a * opacity))
        return np.asarray(Image.composite(grey.convert("RGB"), Image.fromarray(rgb), alpha))

    return in_place(change)


def _logo(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    image, pen = draw(rgb)
    w, h = image.size
    size = max(10, w // 18)
    pen.text((0.62 * w, h - 2 * size), "@" + "".join(rng.choice(list("abcdefgh"), 8)), (255, 255, 255), font(size))
    return np.asarray(image)


def framed(left: float, top: float, right: float, bottom: float, fill: Colour) -> Transform:
    """Add borders, in shares of the width and height."""

    def run(rgb: Rgb, scene: Scene) -> Attacked:
        h, w = rgb.shape[:2]
        x, y = int(left * w), int(top * h)
        canvas = blank(w + x + int(right * w), h + y + int(bottom * h), fill)
        return Attacked(canvas, paste(canvas, rgb, (x, y, w, h)))

    return run


def _letterbox(rgb: Rgb, scene: Scene) -> Attacked:
    h, w = rgb.shape[:2]
    side = max(h, w, int(1.25 * min(h, w)))  # a square post, and bars even around a square picture
    canvas = blank(side, side, (0, 0, 0))
    return Attacked(canvas, paste(canvas, rgb, ((side - w) // 2, (side - h) // 2, w, h)))


def _blurred_sides(rgb: Rgb, scene: Scene) -> Attacked:
    h, w = rgb.shape[:2]
    tall = max(int(w * 16 / 9), h)
    small = cv2.GaussianBlur(cv2.resize(rgb, (90, 160), interpolation=cv2.INTER_AREA), (0, 0), 6)
    canvas = cv2.resize(small, (w, tall), interpolation=cv2.INTER_CUBIC)
    return Attacked(canvas, paste(canvas, rgb, (0, (tall - h) // 2, w, h)))


def _rounded(rgb: Rgb, _: np.random.Generator) -> Rgb:
    h, w = rgb.shape[:2]
    outside = rounded_mask(w, h, min(h, w) // 8) < 0.5
    out = rgb.copy()
    out[outside] = 255
    return out


ATTACKS = (
    Attack("sticker_25", "overlay", stickers(0.25, 3)),
    Attack("sticker_40", "overlay", stickers(0.4, 4), core=True),
    Attack("emoji_12", "overlay", in_place(_faces)),
    Attack("scribble", "overlay", in_place(_scribble)),
    Attack("black_bars", "overlay", in_place(_black_bars)),
    Attack("pixelated_window", "overlay", in_place(_pixelate_face)),
    Attack("meme", "caption", in_place(_meme), core=True),
    Attack("subtitle", "caption", in_place(_subtitle)),
    Attack("text_over", "caption", tiled_text(1.0), core=True),
    Attack("text_over_half", "caption", tiled_text(0.45)),
    Attack("logo_corner", "caption", in_place(_logo)),
    Attack("letterbox", "frame", _letterbox, core=True),
    Attack("frame_white", "frame", framed(0.08, 0.08, 0.08, 0.08, (250, 250, 250))),
    Attack("polaroid", "frame", framed(0.06, 0.06, 0.06, 0.25, (244, 241, 232))),
    Attack("frame_back", "frame", and_back(framed(0.1, 0.1, 0.1, 0.1, (20, 20, 20)))),
    Attack("blurred_sides", "frame", _blurred_sides),
    Attack("rounded_corners", "frame", in_place(_rounded)),
)
