"""A screenshot of a news page that shows the leaked picture: browser, masthead, headline, columns, teasers.

Drawn with Pillow and its built-in font alone, at the size of a laptop's screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from service.demo.photographs import Rgb

WIDTH, HEIGHT = 1440, 1080
PAGE_URL = "https://gazette.example/style/2031/leaked-campaign"
_MARGIN, _COLUMN, _GUTTER = 120, 760, 40
_TOP_OF_PICTURE = 396
_MOST_HEIGHT = 470

INK, GREY, RULE = (24, 26, 30), (108, 112, 120), (222, 224, 228)
ACCENT, PAPER, CHROME, TAB = (176, 28, 36), (255, 255, 255), (222, 225, 230), (248, 249, 250)

HEADLINE = ("Is this the campaign everyone has", "been waiting for?")
STANDFIRST = "A picture that nobody was meant to see before Friday is doing the rounds."
CAPTION = "The picture as it appeared on a fan forum this morning. The brand has not replied to our questions."
STORY = (
    "It began, as these things do, with a post that was gone within the hour. By then the picture had been saved, "
    "cropped, shared and shared again, and by breakfast it was on our desk.",
    "Several people who work with the brand told the Gazette that the image looks genuine. One of them recognised the "
    "set, another the light. None of them would say who else had been sent it.",
    "Previews of this kind go to a few hundred people: editors, buyers, printers, partners. Every one of them signs an "
    "agreement, and most of the time that is enough.",
    "What the picture shows is another matter. If it is what it seems to be, the autumn season will look very "
    "different from the last, and the date on every calendar in the trade has just become worthless.",
)
SIDEBAR = (
    ("Why cats rule the small screen", "The feeds have spoken, and they purr."),
    ("Ten thousand galaxies in one frame", "How the deepest picture of the sky was made."),
)


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the screenshot."""

    left: int
    top: int
    width: int
    height: int

    def of(self, screenshot: Rgb) -> Rgb:
        """Cut the rectangle out, as an extension does that knows where an image element is."""
        return screenshot[self.top : self.top + self.height, self.left : self.left + self.width].copy()


def screenshot(picture: Rgb, teasers: Sequence[Rgb]) -> tuple[Rgb, Box]:
    """Draw the page around a picture, as wide as the column allows; returns the screenshot and where the picture is."""
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = ImageDraw.Draw(image)
    _browser(pen)
    _masthead(pen)
    box = _lead(image, pen, picture)
    _sidebar(image, pen, teasers)
    _story(pen, box.top + box.height + 52)
    return np.array(image, np.uint8), box


def _browser(pen: ImageDraw.ImageDraw) -> None:
    pen.rectangle((0, 0, WIDTH, 88), fill=CHROME)
    for number, colour in enumerate(((237, 106, 94), (245, 191, 79), (98, 197, 84))):
        pen.ellipse((18 + 22 * number, 16, 31 + 22 * number, 29), fill=colour)
    pen.rounded_rectangle((100, 8, 380, 60), 10, fill=TAB)
    pen.text((120, 15), "The Gazette | Style", INK, _font(15))
    pen.line([(354, 20), (362, 28)], GREY, 2)
    pen.line([(354, 28), (362, 20)], GREY, 2)
    pen.text((406, 14), "Weather", GREY, _font(15))
    pen.rectangle((0, 44, WIDTH, 88), fill=TAB)
    pen.line([(28, 66), (20, 66), (25, 61)], GREY, 2)
    pen.line([(20, 66), (25, 71)], GREY, 2)
    pen.rounded_rectangle((110, 51, WIDTH - 120, 81), 15, fill=(233, 236, 239))
    pen.text((132, 57), PAGE_URL, GREY, _font(15))
    for number in range(3):
        pen.ellipse((WIDTH - 52, 58 + 7 * number, WIDTH - 49, 61 + 7 * number), fill=GREY)


def _masthead(pen: ImageDraw.ImageDraw) -> None:
    pen.text((_MARGIN, 106), "THE GAZETTE", INK, _font(38), stroke_width=1, stroke_fill=INK)
    for number, name in enumerate(("World", "Business", "Science", "Culture", "Style", "Sport")):
        right = WIDTH - _MARGIN - 104 * (5 - number)
        pen.text((right - round(_font(17).getlength(name)), 121), name, ACCENT if name == "Style" else INK, _font(17))
    pen.line([(_MARGIN, 164), (WIDTH - _MARGIN, 164)], INK, 3)
    pen.text((_MARGIN, 186), "STYLE", ACCENT, _font(15))
    for number, line in enumerate(HEADLINE):
        pen.text((_MARGIN, 210 + 50 * number), line, INK, _font(42), stroke_width=1, stroke_fill=INK)
    pen.text((_MARGIN, 320), STANDFIRST, GREY, _font(20))
    pen.text((_MARGIN, 358), "By our style desk   ·   Updated 9 minutes ago   ·   214 comments", GREY, _font(14))


def _lead(image: Image.Image, pen: ImageDraw.ImageDraw, picture: Rgb) -> Box:
    height, width = picture.shape[:2]
    scale = min(_COLUMN / width, _MOST_HEIGHT / height)
    size = (round(width * scale), round(height * scale))
    box = Box(_MARGIN, _TOP_OF_PICTURE, *size)
    image.paste(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC), (box.left, box.top))
    _paragraph(pen, CAPTION, (_MARGIN, box.top + box.height + 10), _COLUMN, 14, GREY)
    beside = box.left + box.width + _GUTTER
    if _MARGIN + _COLUMN - beside > 160:
        y = box.top - 4
        for text in STORY[:2]:
            y = _paragraph(pen, text, (beside, y), _MARGIN + _COLUMN - beside, 17, INK) + 12
    return box


def _sidebar(image: Image.Image, pen: ImageDraw.ImageDraw, teasers: Sequence[Rgb]) -> None:
    left = _MARGIN + _COLUMN + 60
    width, y = WIDTH - _MARGIN - left, 186
    pen.line([(left - 30, 186), (left - 30, HEIGHT)], RULE, 1)
    pen.text((left, y), "MORE IN STYLE", ACCENT, _font(15))
    y += 32
    for teaser, (title, line) in zip(teasers, SIDEBAR, strict=False):
        height = round(width * 9 / 16)
        image.paste(_cover(teaser, width, height), (left, y))
        y += height + 12
        y = _paragraph(pen, title, (left, y), width, 20, INK) + 2
        y = _paragraph(pen, line, (left, y), width, 15, GREY) + 26
    pen.rounded_rectangle((left, y, left + width, y + 150), 6, fill=(244, 240, 232))
    pen.text((left + 20, y + 22), "The morning letter", INK, _font(20))
    pen.text((left + 20, y + 54), "Style news, daily at seven.", GREY, _font(15))
    pen.rounded_rectangle((left + 20, y + 90, left + 150, y + 126), 4, fill=ACCENT)
    pen.text((left + 48, y + 99), "Subscribe", PAPER, _font(16))


def _story(pen: ImageDraw.ImageDraw, top: int) -> None:
    width = (_COLUMN - _GUTTER) // 2
    for number, texts in enumerate((STORY[2:3], STORY[3:])):
        y = top
        for text in texts:
            y = _paragraph(pen, text, (_MARGIN + number * (width + _GUTTER), y), width, 17, INK) + 14


def _paragraph(
    pen: ImageDraw.ImageDraw, text: str, at: tuple[int, int], width: int, size: int, ink: tuple[int, int, int]
) -> int:
    """Set a text in lines no wider than ``width``; returns where the next one may begin."""
    face, line, y = _font(size), "", at[1]
    for word in [*text.split(), None]:
        longer = f"{line} {word}".strip()
        if word is None or face.getlength(longer) > width:
            pen.text((at[0], y), line, ink, face)
            y += round(size * 1.5)
            longer = word or ""
        line = longer
    return y


def _cover(picture: Rgb, width: int, height: int) -> Image.Image:
    image = Image.fromarray(picture)
    scale = max(width / image.width, height / image.height)
    image = image.resize((max(width, round(image.width * scale)), max(height, round(image.height * scale))))
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
