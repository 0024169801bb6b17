"""Pen and paper for the attacks: words, fonts, pasting a picture into a canvas. Needs no system font."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from benchmarks.attacks.attack import Homography, Rgb
from benchmarks.attacks.geometry import to_size, translation

Colour = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

WORDS = (
    *("the", "a", "of", "and", "to", "in", "for", "on", "with", "at", "from", "by", "about", "before", "after", "when"),
    *("new", "look", "season", "light", "collection", "launch", "first", "photo", "leaked", "images", "show", "what"),
    *("could", "be", "coming", "next", "year", "according", "several", "people", "close", "who", "asked", "not"),
    *("design", "fans", "have", "waited", "long", "details", "remain", "few", "but", "colour", "fabric", "price"),
    *("shop", "today", "read", "more", "share", "comments", "follow", "love", "this", "is", "it", "finally", "will"),
    *("source", "said", "company", "did", "reply", "request", "weather", "sport", "culture", "money", "named", "us"),
)


@lru_cache(maxsize=64)
def font(size: int) -> Font:
    """Return Pillow's built-in font at a size in pixels."""
    return ImageFont.load_default(max(6, size))


def sentence(rng: np.random.Generator, count: int) -> str:
    """Return `count` random words."""
    return " ".join(rng.choice(WORDS, count)).capitalize()


def colour(rng: np.random.Generator) -> Colour:
    """Return a random saturated colour."""
    r, g, b = (int(v) for v in rng.permutation([rng.integers(180, 256), rng.integers(0, 256), rng.integers(0, 80)]))
    return r, g, b


def paragraph(
    pen: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    box: tuple[int, int, int, int],
    size: int,
    ink: Colour,
) -> None:
    """Fill a box (left, top, right, bottom) with lines of random words, with gaps between paragraphs."""
    left, top, right, bottom = box
    face = font(size)
    line, y, left_in_paragraph = size * 1.45, float(top), int(rng.integers(3, 9))
    while y + line < bottom:
        text = sentence(rng, max(1, int((right - left) / (size * 2.9))))
        while face.getlength(text) > right - left and " " in text:
            text = text.rsplit(" ", 1)[0]
        pen.text((left, y), text, fill=ink, font=face)
        left_in_paragraph -= 1
        y += line
        if left_in_paragraph == 0:
            y += line * 0.7
            left_in_paragraph = int(rng.integers(3, 9))


def draw(rgb: Rgb) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """Return a drawable copy of a picture and its pen."""
    image = Image.fromarray(rgb).copy()
    return image, ImageDraw.Draw(image)


def blank(width: int, height: int, fill: Colour) -> Rgb:
    """Return a (height, width, 3) canvas of one colour."""
    return np.full((height, width, 3), fill, np.uint8)


def paste(canvas: Rgb, picture: Rgb, box: tuple[int, int, int, int]) -> Homography:
    """Paste a picture into `canvas`, in place, stretched to the box (left, top, width, height)."""
    left, top, width, height = box
    resized = to_size(picture, width, height)
    canvas[top : top + height, left : left + width] = resized.rgb
    assert resized.homography is not None  # a resize always has one
    return translation(left, top) @ resized.homography


def paste_cover(canvas: Rgb, picture: Rgb, box: tuple[int, int, int, int]) -> Homography:
    """Paste a picture so that it covers the box (left, top, width, height), cutting off equally what sticks out."""
    height, width = picture.shape[:2]
    share = min(width / box[2], height / box[3])
    cut_width, cut_height = min(width, round(share * box[2])), min(height, round(share * box[3]))
    x, y = (width - cut_width) // 2, (height - cut_height) // 2
    return paste(canvas, picture[y : y + cut_height, x : x + cut_width], box) @ translation(-x, -y)


def contain(picture: Rgb, width: float, height: float) -> tuple[int, int]:
    """Return the largest size (width, height) of the picture's aspect inside a box."""
    h, w = picture.shape[:2]
    factor = min(width / w, height / h)
    return max(8, round(w * factor)), max(8, round(h * factor))


def rounded_mask(width: int, height: int, radius: int) -> npt.NDArray[np.float32]:
    """Return a (height, width) float32 mask in [0, 1]: a rectangle with round corners."""
    mask = Image.new("L", (width, height), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, width - 1, height - 1), radius, fill=255)
    return np.asarray(mask, np.float32) / np.float32(255)
