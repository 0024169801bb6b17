"""Screenshots that a real browser took: its scaler, its colour path, its filters, its rounded corners.

One launch of headless Chromium renders all styles of one picture, stacked into one tall page that is cut apart
afterwards, since a launch costs a second and a screenshot next to nothing. Where no Chromium is installed the family
is empty. The page is a local file; nothing leaves the machine.
"""

from __future__ import annotations

import hashlib
import html
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from benchmarks.attacks.attack import Attack, Attacked, Homography, Rgb, Scene, Transform, chain
from benchmarks.attacks.codecs import jpeg
from benchmarks.attacks.drawing import sentence

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
VIEWPORT_WIDTH, VIEWPORT_HEIGHT = 1280, 900  # CSS px of one section
TIMEOUT_S = 120
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio"),
    *("--disable-extensions", "--disable-dev-shm-usage", "--proxy-server=127.0.0.1:9"),  # no way out
)


@dataclass(frozen=True, slots=True)
class Style:
    """How a section shows the picture.

    Attributes
    ----------
    box : left, top, width, height in CSS px within the section.
    css : further declarations for the picture.
    paper, ink : colours of the page.
    """

    box: tuple[int, int, int, int]
    css: str = ""
    paper: str = "#fff"
    ink: str = "#1e2024"


STYLES: dict[str, Style] = {
    "article": Style((360, 210, 560, 420)),
    "hero": Style((0, 120, 1280, 520), "filter: brightness(.92)", "#121316", "#dee0e4"),
    "card": Style((80, 240, 460, 460), "border-radius: 28px; filter: saturate(1.25) contrast(1.08)"),
    "thumbnail": Style((700, 300, 300, 300), "border-radius: 50%"),
}


def chromium(style: str, scale: int) -> Transform:
    """Show the picture in a page full of text and take a screenshot at a device scale."""

    def run(rgb: Rgb, _: Scene) -> Attacked:
        digest = hashlib.sha256(rgb.tobytes()).digest()
        _pending[digest] = rgb
        page = _screenshot(digest, rgb.shape[:2], scale)
        del _pending[digest]
        tall = VIEWPORT_HEIGHT * scale
        row = list(STYLES).index(style)
        return Attacked(page[row * tall : (row + 1) * tall].copy(), _cover(rgb, STYLES[style].box, scale))

    return run


_pending: dict[bytes, Rgb] = {}
"""The picture about to be rendered: a cache can be asked by digest, but needs the pixels when it misses."""


@lru_cache(maxsize=4)
def _screenshot(digest: bytes, _: tuple[int, ...], scale: int) -> Rgb:
    rgb = _pending[digest]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cv2.imwrite(str(folder / "picture.png"), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 1])
        (folder / "page.html").write_text(_page())
        height = VIEWPORT_HEIGHT * len(STYLES)
        command = [str(BROWSER), *FLAGS, f"--user-data-dir={folder / 'profile'}"]
        command += [f"--force-device-scale-factor={scale}", f"--window-size={VIEWPORT_WIDTH},{height}"]
        command += [f"--screenshot={folder / 'shot.png'}", (folder / "page.html").as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_S)
        shot = cv2.imread(str(folder / "shot.png"))
    if shot is None or shot.shape[:2] != (height * scale, VIEWPORT_WIDTH * scale):
        raise OSError(f"Chromium's screenshot is {None if shot is None else shot.shape}")
    return np.ascontiguousarray(shot[..., ::-1])


def _page() -> str:
    rng = np.random.default_rng(4)
    sections = []
    for style in STYLES.values():
        left, top, width, height = style.box
        free = [(40, 84, 1200, top - 100), (40, top + height + 16, 1200, VIEWPORT_HEIGHT - top - height - 24)]
        free += [(40, top, left - 60, height), (left + width + 20, top, 1240 - left - width - 20, height)]
        text = "".join(
            f'<p style="left:{x}px;top:{y}px;width:{w}px;height:{h}px">{html.escape(sentence(rng, w * h // 900))}</p>'
            for x, y, w, h in free
            if w > 60 and h > 20
        )
        place = f"left:{left}px;top:{top}px;width:{width}px;height:{height}px"
        title = html.escape(sentence(rng, 5))
        sections.append(
            f'<section style="background:{style.paper};color:{style.ink}"><h1>{title}</h1>{text}'
            f'<img src="picture.png" style="{place};object-fit:cover;{style.css}"></section>'
        )
    return (
        '<!doctype html><meta charset="utf-8"><style>body{margin:0}'
        f"section{{position:relative;width:{VIEWPORT_WIDTH}px;height:{VIEWPORT_HEIGHT}px;overflow:hidden}}"
        "h1,p,img{position:absolute;margin:0;overflow:hidden}h1{left:40px;top:24px;font:700 34px sans-serif}"
        "p{font:16px/1.45 serif}</style>" + "".join(sections)
    )


def _cover(rgb: Rgb, box: tuple[int, int, int, int], scale: int) -> Homography:
    """Map original pixels to the screenshot's, as `object-fit: cover` lays them."""
    height, width = rgb.shape[:2]
    left, top, wide, tall = (scale * v for v in box)
    factor = max(wide / width, tall / height)
    x, y = left + (wide - factor * width) / 2, top + (tall - factor * height) / 2
    return np.array([[factor, 0, x + (factor - 1) / 2], [0, factor, y + (factor - 1) / 2], [0, 0, 1]])


def _attacks() -> tuple[Attack, ...]:
    if BROWSER is None:
        return ()
    return (
        Attack("chromium_article_1x", "chromium", chromium("article", 1), core=True),
        Attack("chromium_hero_1x", "chromium", chromium("hero", 1)),
        Attack("chromium_card_1x", "chromium", chromium("card", 1)),
        Attack("chromium_thumbnail_1x", "chromium", chromium("thumbnail", 1)),
        Attack("chromium_article_2x", "chromium", chromium("article", 2)),
        Attack("chromium_hero_2x", "chromium", chromium("hero", 2)),
        Attack("chromium_card_2x", "chromium", chromium("card", 2), core=True),
        Attack("chromium_thumbnail_2x", "chromium", chromium("thumbnail", 2)),
        Attack("chromium_article_2x_jpeg_q60", "chromium", chain(chromium("article", 2), jpeg(60))),
    )


ATTACKS = _attacks()
