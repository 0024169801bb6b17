"""Several attacks in a row: what networks and messengers do to a post, and what a careful leaker does to a copy."""

from __future__ import annotations

from benchmarks.attacks.attack import Attack, chain
from benchmarks.attacks.codecs import avif, jpeg, webp
from benchmarks.attacks.collages import grid
from benchmarks.attacks.geometry import (
    crop,
    fit_inside,
    mirror,
    perspective,
    resize,
    rotate,
    rotate_to_content,
    trim,
)
from benchmarks.attacks.noise import gaussian_blur, gaussian_noise, unsharp
from benchmarks.attacks.overlays import stickers, tiled_text
from benchmarks.attacks.pages import DARK, LIGHT, phone_screenshot, web_page
from benchmarks.attacks.tone import cold, contrast, greyscale, hue, warm

SOCIAL = chain(fit_inside(1080), unsharp(0.4, 1.0), jpeg(72))
MESSENGER = chain(fit_inside(1280), jpeg(60))
SMALL_POST = chain(fit_inside(800), webp(60))
SCREEN_CUT = trim(0.0, 0.13, 0.0, 0.12)
"""What remains of a phone's screenshot when its bars are cut off."""

ATTACKS = (
    Attack("social_1080", "repost", SOCIAL, core=True),
    Attack("social_chain3", "repost", chain(SOCIAL, MESSENGER, SMALL_POST), core=True),
    Attack("messenger", "repost", MESSENGER, core=True),
    Attack("messenger_twice", "repost", chain(MESSENGER, fit_inside(1024), jpeg(50))),
    Attack("screenshot_chain", "repost", chain(phone_screenshot(LIGHT), MESSENGER, phone_screenshot(DARK)), core=True),
    Attack("screenshot_cut", "repost", chain(phone_screenshot(LIGHT), SCREEN_CUT, SOCIAL)),
    Attack("crop50_s80_q60", "combination", chain(crop(0.5), resize(0.8), jpeg(60)), core=True),
    Attack("flip_crop_filter", "combination", chain(mirror, crop(0.6), warm, jpeg(70)), core=True),
    Attack("rotate_crop_noise", "combination", chain(rotate_to_content(4), crop(0.7), gaussian_noise(8), jpeg(75))),
    Attack("tilt_grey_small", "combination", chain(perspective(0.05), greyscale, fit_inside(640), jpeg(70))),
    Attack("hue_blur_avif", "combination", chain(hue(24), gaussian_blur(1.2), avif(45))),
    Attack("page_of_crop", "combination", chain(crop(0.6), web_page(0.45, LIGHT))),
    Attack("collage_of_flip", "combination", chain(mirror, grid(2, 2))),
    Attack("text_and_turn", "combination", chain(tiled_text(0.6), rotate(3), jpeg(70))),
    Attack(
        "kitchen_sink",
        "combination",
        chain(mirror, rotate_to_content(3), crop(0.6), contrast(1.2), cold, stickers(0.1, 2), resize(0.7), jpeg(55)),
        core=True,
    ),
    Attack(
        "kitchen_sink_hard",
        "combination",
        chain(crop(0.4), perspective(0.05), warm, stickers(0.2, 3), gaussian_noise(8), fit_inside(480), jpeg(40)),
    ),
)
