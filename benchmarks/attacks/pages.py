"""The picture seen inside something else: a web page full of text, a phone's screen, a viewer on a desktop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.attacks.attack import Attack, Attacked, Rgb, Scene, Transform, chain
from benchmarks.attacks.codecs import jpeg
from benchmarks.attacks.drawing import Colour, blank, contain, font, paragraph, paste, paste_cover, sentence


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of a page."""

    paper: Colour
    ink: Colour
    bar: Colour
    accent: Colour


LIGHT = Theme(paper=(255, 255, 255), ink=(30, 32, 36), bar=(241, 243, 246), accent=(26, 86, 219))
DARK = Theme(paper=(18, 19, 22), ink=(222, 224, 228), bar=(36, 38, 44), accent=(255, 122, 40))


def web_page(share: float, theme: Theme) -> Transform:
    """Show the picture at `share` of the width of an article, between columns of text and two teaser pictures.

    The page is as wide as the picture, within 1,280 to 1,920 px; a tall picture makes the page longer.
    """

    def run(rgb: Rgb, scene: Scene) -> Attacked:
        rng = scene.rng
        page_width = int(np.clip(rgb.shape[1], 1280, 1920))
        width, height = contain(rgb, share * page_width, 2 * page_width)
        top = int(rng.integers(230, 420))
        page_height = max(int(page_width * 0.75), top + height + int(rng.integers(160, 420)))
        left = int(rng.integers(40, max(41, page_width - 40 - width)))
        if left + width > page_width:
            left = (page_width - width) // 2
        image = Image.new("RGB", (page_width, page_height), theme.paper)
        pen = ImageDraw.Draw(image)
        pen.rectangle((0, 0, page_width, 64), fill=theme.bar)
        pen.text((32, 18), sentence(rng, 1).upper(), theme.accent, font(26))
        for n in range(6):
            pen.text((page_width - 120 * (6 - n), 22), sentence(rng, 1), theme.ink, font(17))
        pen.text((40, 92), sentence(rng, 7), theme.ink, font(44))
        paragraph(pen, rng, (40, 160, page_width - 40, top - 16), 18, theme.ink)
        paragraph(pen, rng, (40, top + height + 14, page_width - 40, page_height - 8), 18, theme.ink)
        _columns(pen, rng, (40, left - 20), (top, top + height), theme)
        _columns(pen, rng, (left + width + 20, page_width - 40), (top, top + height), theme)
        page = np.array(image)
        _teasers(page, scene, (left + width + 20, page_width - 40), (top, top + height))
        return Attacked(page, paste(page, rgb, (left, top, width, height)))

    return chain(run, jpeg(88))


def _columns(
    pen: ImageDraw.ImageDraw, rng: np.random.Generator, x: tuple[int, int], y: tuple[int, int], theme: Theme
) -> None:
    if x[1] - x[0] > 90:
        paragraph(pen, rng, (x[0], y[0], x[1], y[1]), 17, theme.ink)


def _teasers(page: Rgb, scene: Scene, x: tuple[int, int], y: tuple[int, int]) -> None:
    side = min(x[1] - x[0], (y[1] - y[0]) // 2) - 20
    for n in range(2 if side > 80 else 0):
        paste_cover(page, scene.companion(), (x[1] - side, y[0] + n * (side + 20), side, side))


def phone_screenshot(theme: Theme, full_width: bool = True) -> Transform:
    """Show the picture in a social app on a phone of 1,080 × 2,340 px: status bar, header, likes, comments."""

    def run(rgb: Rgb, scene: Scene) -> Attacked:
        rng = scene.rng
        image = Image.new("RGB", (1080, 2340), theme.paper)
        pen = ImageDraw.Draw(image)
        pen.text((60, 28), f"{rng.integers(1, 24)}:{rng.integers(10, 60)}", theme.ink, font(38))
        pen.rounded_rectangle((960, 34, 1030, 68), 10, outline=theme.ink, width=3)
        pen.rectangle((0, 100, 1080, 250), fill=theme.bar)
        pen.ellipse((36, 120, 146, 230), fill=theme.accent)
        pen.text((170, 130), sentence(rng, 2), theme.ink, font(40))
        pen.text((170, 186), sentence(rng, 3), theme.ink, font(30))
        width, height = contain(rgb, 1080 if full_width else 900, 1500)
        left, top = (1080 - width) // 2, 270 + int(rng.integers(0, max(1, 1600 - height) // 2))
        foot = top + height
        for n in range(4):
            x = 60 + 130 * n
            pen.ellipse((x, foot + 30, x + 70, foot + 100), outline=theme.ink, width=6)
        paragraph(pen, rng, (50, foot + 130, 1030, 2180), 36, theme.ink)
        pen.rectangle((0, 2200, 1080, 2340), fill=theme.bar)
        pen.rounded_rectangle((390, 2310, 690, 2320), 5, fill=theme.ink)
        screen = np.array(image)
        return Attacked(screen, paste(screen, rgb, (left, top, width, height)))

    return chain(run, jpeg(85))


def desktop_viewer(rgb: Rgb, scene: Scene) -> Attacked:
    """Show the picture in a viewer's window over a desktop of 1,920 × 1,080 px."""
    screen = blank(1920, 1080, (60, 70, 90))
    paste_cover(screen, scene.companion(), (0, 0, 1920, 1080))
    left, top = (int(scene.rng.integers(low, high)) for low, high in ((40, 300), (20, 90)))
    screen[top : top + 900, left : left + 1500] = 32
    image = Image.fromarray(screen)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 1036, 1920, 1080), fill=(24, 26, 30))
    pen.text((left + 20, top + 10), "IMG_" + str(scene.rng.integers(1000, 9999)) + ".jpg", (230, 230, 230), font(24))
    screen = np.array(image)
    width, height = contain(rgb, 1460, 820)
    box = (left + (1500 - width) // 2, top + 60 + (820 - height) // 2, width, height)
    return Attacked(screen, paste(screen, rgb, box))


ATTACKS = (
    Attack("webpage_80", "embed_in_page", web_page(0.8, LIGHT)),
    Attack("webpage_45", "embed_in_page", web_page(0.45, LIGHT), core=True),
    Attack("webpage_25", "embed_in_page", web_page(0.25, LIGHT), core=True),
    Attack("webpage_dark_45", "embed_in_page", web_page(0.45, DARK)),
    Attack("webpage_dark_25", "embed_in_page", web_page(0.25, DARK)),
    Attack("screenshot_phone", "screenshot", phone_screenshot(LIGHT), core=True),
    Attack("screenshot_phone_dark", "screenshot", phone_screenshot(DARK)),
    Attack("screenshot_chat", "screenshot", phone_screenshot(DARK, full_width=False)),
    Attack("screenshot_desktop", "screenshot", desktop_viewer),
)
