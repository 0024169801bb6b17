"""Attacks on clips and on single frames of them; `SUITE` and `STILLS` list them by name."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from benchmarks.attacks.attack import Scene
from benchmarks.attacks.camera import MILD, photograph_of_screen
from benchmarks.attacks_video import edits
from benchmarks.attacks_video.captures import Camcorder, desktop_window, screen_recording
from benchmarks.attacks_video.clips import (
    AV1_45,
    HEVC_35,
    VP9_40,
    ClipAttack,
    Rgb,
    per_frame,
    then,
    untouched,
    x264,
)

_CLIPS = (
    ClipAttack("H.264 CRF 18", "codec", untouched, x264(18)),
    ClipAttack("H.264 CRF 28", "codec", untouched, x264(28), quick=True),
    ClipAttack("H.264 CRF 35", "codec", untouched, x264(35), quick=True),
    ClipAttack("H.264 CRF 40", "codec", untouched, x264(40)),
    ClipAttack("HEVC CRF 35", "codec", untouched, HEVC_35),
    ClipAttack("VP9 CRF 40", "codec", untouched, VP9_40),
    ClipAttack("AV1 CRF 45", "codec", untouched, AV1_45),
    ClipAttack("360p", "size", edits.lines(360), quick=True),
    ClipAttack("240p", "size", edits.lines(240)),
    ClipAttack("aspect 960 × 720", "size", edits.stretched(960, 720)),
    ClipAttack("9:16 re-crop", "crop", per_frame(edits.vertical), quick=True),
    ClipAttack("crop 80 %", "crop", edits.crop(0.8)),
    ClipAttack("crop 60 %", "crop", edits.crop(0.6)),
    ClipAttack("letterbox", "frame", per_frame(edits.letterbox)),
    ClipAttack("9:16 with blurred fill", "frame", per_frame(edits.vertical_with_blurred_fill)),
    ClipAttack("picture in picture", "frame", edits.picture_in_picture),
    ClipAttack("captions", "overlay", edits.captions),
    ClipAttack("logo and subtitle", "overlay", per_frame(edits.logo)),
    ClipAttack("blur σ 2", "tone", edits.blurred(2.0)),
    ClipAttack("gamma and brightness", "tone", edits.toned(0.75, 0.9, 12)),
    ClipAttack("noise σ 10", "tone", edits.noisy(10.0)),
    ClipAttack("mirror", "geometry", per_frame(edits.mirrored), quick=True),
    ClipAttack("rotate 2° and zoom", "geometry", edits.rotated(2.0, 1.06)),
    ClipAttack("speed +5 %", "time", edits.speed(1.05)),
    ClipAttack("speed -5 %", "time", edits.speed(0.95)),
    ClipAttack("24 frames/s", "time", edits.frame_rate(24)),
    ClipAttack("25 frames/s", "time", edits.frame_rate(25)),
    ClipAttack("30 frames/s", "time", edits.frame_rate(30)),
    ClipAttack("50 frames/s", "time", edits.frame_rate(50)),
    ClipAttack("reordered cuts", "time", edits.reordered(3), quick=True),
    ClipAttack("a third of the frames dropped", "time", edits.dropped(0.33)),
    ClipAttack("every fifth frame doubled", "time", edits.duplicated(5)),
    ClipAttack("screen recording", "capture", screen_recording),
    ClipAttack("camcorder, 10 s", "camcorder", Camcorder(), x264(24), length_s=10.0),
    ClipAttack("360p, crop 80 %, CRF 35", "chain", then(edits.crop(0.8), edits.lines(360)), x264(35)),
    ClipAttack("9:16, captions, CRF 32", "chain", then(per_frame(edits.vertical), edits.captions), x264(32)),
    ClipAttack(
        "speed +5 %, mirror, crop 80 %",
        "chain",
        then(edits.speed(1.05), per_frame(edits.mirrored), edits.crop(0.8)),
        x264(30),
    ),
)
SUITE: dict[str, ClipAttack] = {attack.name: attack for attack in _CLIPS}

PROMISED = (
    "H.264 CRF 35",
    "HEVC CRF 35",
    "VP9 CRF 40",
    "AV1 CRF 45",
    "360p",
    "9:16 re-crop",
    "crop 60 %",
    "captions",
    "screen recording",
    "speed +5 %",
    "speed -5 %",
    "24 frames/s",
    "25 frames/s",
    "30 frames/s",
    "50 frames/s",
)
"""Clips of 5 s under these attacks are to be named in 98 of 100 cases."""


def jpeg(rgb: Rgb, quality: int) -> Rgb:
    """Through JPEG."""
    _, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    shown = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(shown[..., ::-1])


def half(rgb: Rgb) -> Rgb:
    """Half size."""
    return cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def cropped(rgb: Rgb, share: float) -> Rgb:
    """A rectangle of `share` of each side."""
    h, w = rgb.shape[:2]
    top, left = int(h * (1 - share) * 0.4), int(w * (1 - share) * 0.7)
    return rgb[top : top + int(h * share), left : left + int(w * share)]


def _filmed(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    return photograph_of_screen(MILD)(rgb, Scene(rng, ())).rgb


STILLS: dict[str, Callable[[Rgb, np.random.Generator], Rgb]] = {
    "frame as PNG": lambda rgb, rng: rgb,
    "frame as JPEG 75 at half size": lambda rgb, rng: jpeg(half(rgb), 75),
    "frame cropped to 85 %, JPEG 75": lambda rgb, rng: jpeg(cropped(rgb, 0.85), 75),
    "frame in a desktop window": lambda rgb, rng: desktop_window(rgb),
    "photograph of a screen": _filmed,
}
