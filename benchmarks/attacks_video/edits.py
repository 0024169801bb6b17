"""What reposting does to a clip: size, shape, tone, things drawn over it, and time."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from benchmarks.attacks_video.clips import Edit, Frame, Rgb, per_frame


def lines(height: int) -> Edit:
    """Shrink to so many lines."""

    def change(rgb: Rgb) -> Rgb:
        width = round(rgb.shape[1] * height / rgb.shape[0] / 2) * 2
        return cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)

    return per_frame(change)


def stretched(width: int, height: int) -> Edit:
    """Force into another shape."""
    return per_frame(lambda rgb: cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA))


def crop(share: float, x: float = 0.6, y: float = 0.4) -> Edit:
    """Keep a rectangle of `share` of each side, placed at (x, y) of what is free."""

    def change(rgb: Rgb) -> Rgb:
        h, w = rgb.shape[:2]
        ch, cw = int(h * share) // 2 * 2, int(w * share) // 2 * 2
        top, left = int((h - ch) * y), int((w - cw) * x)
        return rgb[top : top + ch, left : left + cw]

    return per_frame(change)


def vertical(rgb: Rgb) -> Rgb:
    """Cut the middle out to 9:16 and publish it at 720 × 1280."""
    h, w = rgb.shape[:2]
    cw = h * 9 // 16 // 2 * 2
    left = (w - cw) // 2
    return cv2.resize(rgb[:, left : left + cw], (720, 1280), interpolation=cv2.INTER_CUBIC)


def vertical_with_blurred_fill(rgb: Rgb) -> Rgb:
    """The whole frame in the middle of 720 × 1280, itself blurred above and below."""
    h, w = rgb.shape[:2]
    height = round(720 * h / w / 2) * 2
    canvas = cv2.GaussianBlur(cv2.resize(rgb, (90, 160)), (0, 0), 4)
    canvas = cv2.resize(canvas, (720, 1280), interpolation=cv2.INTER_CUBIC)
    top = (1280 - height) // 2
    canvas[top : top + height] = cv2.resize(rgb, (720, height), interpolation=cv2.INTER_AREA)
    return canvas


def letterbox(rgb: Rgb) -> Rgb:
    """Black bars to 4:3, published at 960 × 720."""
    h, w = rgb.shape[:2]
    height = round(960 * h / w / 2) * 2
    canvas = np.full((720, 960, 3), 16, np.uint8)
    top = (720 - height) // 2
    canvas[top : top + height] = cv2.resize(rgb, (960, height), interpolation=cv2.INTER_AREA)
    return canvas


def picture_in_picture(frames: Iterator[Frame], rng: np.random.Generator) -> Iterator[Frame]:
    """The clip at 45 % in a corner of somebody's moving background."""
    grain = cv2.GaussianBlur(rng.integers(0, 256, (400, 500, 3), np.uint8), (0, 0), 6)
    ground = cv2.resize(grain, (1600, 1280), interpolation=cv2.INTER_CUBIC)
    for number, frame in enumerate(frames):
        canvas = ground[number : number + 720, 2 * number % 300 :][:, :1280].copy()
        w = 576
        h = round(w * frame.rgb.shape[0] / frame.rgb.shape[1])
        canvas[720 - h - 30 : 690, 1280 - w - 40 : 1240] = cv2.resize(frame.rgb, (w, h), interpolation=cv2.INTER_AREA)
        yield Frame(frame.time_s, canvas)


def captions(frames: Iterator[Frame], rng: np.random.Generator) -> Iterator[Frame]:
    """Large lettering that changes every second."""
    for frame in frames:
        rgb = frame.rgb.copy()
        h, w = rgb.shape[:2]
        for line in range(2):
            text = f"{'WAIT FOR IT' if line else 'leaked early'} {int(frame.time_s)}"
            at = int(0.08 * w), int(h * (0.72 + 0.12 * line))
            for colour, thickness in (((0, 0, 0), 12), ((255, 255, 255), 5)):
                cv2.putText(rgb, text, at, cv2.FONT_HERSHEY_SIMPLEX, h / 340, colour, thickness, cv2.LINE_AA)
        yield Frame(frame.time_s, rgb)


def logo(rgb: Rgb) -> Rgb:
    """A half transparent badge in a corner and a bar of subtitles."""
    out = rgb.copy()
    h, w = out.shape[:2]
    badge = out.copy()
    cv2.circle(badge, (int(0.9 * w), int(0.13 * h)), int(0.09 * h), (230, 40, 60), -1)
    cv2.rectangle(badge, (int(0.2 * w), int(0.86 * h)), (int(0.8 * w), int(0.95 * h)), (0, 0, 0), -1)
    return cv2.addWeighted(out, 0.3, badge, 0.7, 0)


def rotated(degrees: float, zoom: float) -> Edit:
    """Turn and zoom in."""

    def change(rgb: Rgb) -> Rgb:
        h, w = rgb.shape[:2]
        matrix = cv2.getRotationMatrix2D((w / 2, h / 2), degrees, zoom)
        return cv2.warpAffine(rgb, matrix, (w, h), flags=cv2.INTER_CUBIC)

    return per_frame(change)


def blurred(sigma_px: float) -> Edit:
    """Gaussian blur."""
    return per_frame(lambda rgb: cv2.GaussianBlur(rgb, (0, 0), sigma_px))


def toned(gamma: float, gain: float, offset: float) -> Edit:
    """Gamma, contrast and brightness."""
    table = np.clip((np.arange(256) / 255) ** gamma * 255 * gain + offset, 0, 255).astype(np.uint8)
    return per_frame(lambda rgb: cv2.LUT(rgb, table))


def mirrored(rgb: Rgb) -> Rgb:
    """Left to right."""
    return rgb[:, ::-1]


def noisy(deviation: float) -> Edit:
    """Independent noise on every frame."""

    def run(frames: Iterator[Frame], rng: np.random.Generator) -> Iterator[Frame]:
        for frame in frames:
            grain = rng.standard_normal(frame.rgb.shape, np.float32) * np.float32(deviation)
            yield Frame(frame.time_s, np.clip(frame.rgb + grain, 0, 255).astype(np.uint8))

    return run


def speed(factor: float) -> Edit:
    """Play faster or slower."""
    return lambda frames, rng: (Frame(f.time_s / factor, f.rgb) for f in frames)


def frame_rate(rate: float) -> Edit:
    """Sample at another rate: the nearest earlier frame is shown again or left out."""

    def run(frames: Iterator[Frame], rng: np.random.Generator) -> Iterator[Frame]:
        shown = None
        number = 0
        for frame in frames:
            while shown is not None and number / rate < frame.time_s - 1e-6:
                yield Frame(number / rate, shown.rgb)
                number += 1
            shown = frame
        if shown is not None:
            yield Frame(number / rate, shown.rgb)

    return run


def dropped(share: float) -> Edit:
    """Leave frames out at random; the rest keep their times."""
    return lambda frames, rng: (f for n, f in enumerate(frames) if n == 0 or rng.random() >= share)


def duplicated(every: int) -> Edit:
    """Show each n-th frame's predecessor in its stead."""

    def run(frames: Iterator[Frame], rng: np.random.Generator) -> Iterator[Frame]:
        last = None
        for number, frame in enumerate(frames):
            kept = last if last is not None and number % every == 0 else frame
            last = kept
            yield Frame(frame.time_s, kept.rgb)

    return run


def reordered(parts: int) -> Edit:
    """Cut into parts and show them backwards, each part forwards."""

    def run(frames: Iterator[Frame], rng: np.random.Generator) -> Iterator[Frame]:
        held = list(frames)
        step = held[1].time_s - held[0].time_s
        size = -(-len(held) // parts)
        order = [n for part in reversed(range(parts)) for n in range(part * size, min(len(held), (part + 1) * size))]
        yield from (Frame(i * step, held[n].rgb) for i, n in enumerate(order))

    return run
