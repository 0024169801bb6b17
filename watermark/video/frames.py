"""Frames of a video, upright and in 8 bits, one after the other from any place on.

Nothing is kept: whoever needs a group of frames collects it. What the delivered H.264 cannot hold is converted and
said so by `conversions`: more than 8 bits are rounded, other chroma sampling becomes 4:2:0, and high dynamic range is
mapped to BT.709 as a standard screen would show it.

References
----------
Tone curve: ITU-R BT.2390-11, 5.4 (roll-off above a knee); PQ: SMPTE ST 2084; HLG: ITU-R BT.2100-2.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .backend import av
from .errors import ChangingFrames, TruncatedVideo, UndecodableVideo, VideoTooSlow
from .opening import LIMITS, Limits, opened, video_track
from .probing import Source

Frame = NDArray[np.uint8]
SDR_PEAK_CD_M2 = 203.0  # of reference white, ITU-R BT.2408
HLG_PEAK_CD_M2 = 1000.0
TURNS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}
GRACE_S = 30.0
BT2020_TO_709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)


def conversions(source: Source) -> list[str]:
    """What the delivered pictures lose against the source, in words for the uploader."""
    said = []
    if source.hdr:
        said.append(f"high dynamic range ({source.hdr}) is tone-mapped to standard range")
    if any(depth in source.pixel_format for depth in ("p10", "p12", "p16")):
        said.append("more than 8 bits per sample are rounded to 8")
    if "420" not in source.pixel_format and source.pixel_format not in ("nv12", "gray"):
        said.append("chroma is reduced to 4:2:0")
    if source.pixel_format.startswith(("yuva", "gbrap", "rgba", "ya")):
        said.append("transparency is left out")
    if source.interlaced:
        said.append("fields are delivered woven into whole frames, as they are, and no longer flagged as interlaced")
    return said


def frames(source: Source, start: int, stop: int, limits: Limits = LIMITS) -> Iterator[tuple[int, Frame]]:
    """Decode the frames shown from `start` until before `stop`.

    Parameters
    ----------
    source : what `probe` returned.
    start, stop : ticks of the source's time base.

    Yields
    ------
    (time in ticks, (3 H / 2, W) uint8: luma, then Cb and Cr planes, as FFmpeg's yuv420p).

    Raises
    ------
    TruncatedVideo, UndecodableVideo, ChangingFrames, VideoTooSlow
    """
    before = source.entries[source.entries <= start]
    entry = int(before[-1]) if len(before) else int(source.entries[0])
    count, last = 0, None
    spent_s, began = 0.0, time.process_time()
    with opened(source.path, source.container, limits) as file:
        stream = video_track(file)
        stream.thread_type = "AUTO"
        shape = None
        try:
            file.seek(entry, stream=stream)
            for frame in file.decode(stream):
                count += 1
                spent_s, began = spent_s + time.process_time() - began, time.process_time()
                if spent_s > GRACE_S + count * limits.cpu_s_per_frame:
                    raise VideoTooSlow
                shape = shape or (frame.width, frame.height, frame.format.name)
                if (frame.width, frame.height, frame.format.name) != shape:
                    raise ChangingFrames
                if frame.pts is None or frame.pts < start or (last is not None and frame.pts <= last):
                    continue
                if frame.pts >= stop:
                    break
                if frame.is_corrupt:
                    raise TruncatedVideo("A frame of the video is damaged.")
                last = frame.pts
                yield frame.pts, upright(eight_bit(frame, source), source)
                began = time.process_time()  # what others do meanwhile is not decoding
        except av().FFmpegError as error:
            raise UndecodableVideo("A part of the video cannot be decoded.") from error


def eight_bit(frame: Any, source: Source) -> Frame:
    """Planes of a decoded frame as yuv420p, its colour range kept."""
    if source.hdr:
        return tone_mapped(frame, source.hdr)
    full = frame.format.name.startswith("yuvj") or int(frame.color_range) == 2
    return frame.to_ndarray(format="yuvj420p" if full else "yuv420p")


def upright(planes: Frame, source: Source) -> Frame:
    """Turn the planes as the file says, and cut an odd last row or column."""
    height = planes.shape[0] * 2 // 3
    if not source.rotation and (height, planes.shape[1]) == (source.height, source.width):
        return planes
    y, cb, cr = split(planes)
    turn = TURNS.get(source.rotation)
    y, cb, cr = (cv2.rotate(p, turn) if turn is not None else p for p in (y, cb, cr))
    out = np.empty((source.height * 3 // 2, source.width), np.uint8)
    for plane, target in zip((y, cb, cr), split(out), strict=True):
        target[:] = plane[: target.shape[0], : target.shape[1]]
    return out


def split(planes: Frame) -> tuple[Frame, Frame, Frame]:
    """Views of luma, Cb and Cr."""
    height, width = planes.shape[0] * 2 // 3, planes.shape[1]
    chroma = planes[height:].reshape(2, height // 2, width // 2)
    return planes[:height], chroma[0], chroma[1]


def tone_mapped(frame: Any, transfer: str) -> Frame:
    """One frame of high dynamic range as BT.709 in 8 bits."""
    code = frame.to_ndarray(format="rgb48le").astype(np.float32) / np.float32(65535)
    light = pq(code) if transfer == "PQ" else hlg(code)
    light = np.maximum(light @ BT2020_TO_709.T, 0)
    shown = roll_off(light)
    rgb = (np.clip(shown, 0, 1) ** np.float32(1 / 2.4) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    even = rgb[: rgb.shape[0] // 2 * 2, : rgb.shape[1] // 2 * 2]
    picture = av().VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
    return picture.reformat(format="yuv420p", dst_colorspace="ITU709").to_ndarray()


def pq(code: NDArray[np.float32]) -> NDArray[np.float32]:
    """Light of PQ codes 0 … 1, relative to reference white (SMPTE ST 2084)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = code ** np.float32(1 / m2)
    light = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** np.float32(1 / m1)
    return (light * np.float32(10_000 / SDR_PEAK_CD_M2)).astype(np.float32)


def hlg(code: NDArray[np.float32]) -> NDArray[np.float32]:
    """Light of HLG codes 0 … 1 on a screen of 1,000 cd/m², relative to reference white (BT.2100)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    luma = np.maximum(scene @ np.array([0.2627, 0.6780, 0.0593], np.float32), 1e-6)[..., None]
    return (scene * luma**0.2 * (HLG_PEAK_CD_M2 / SDR_PEAK_CD_M2)).astype(np.float32)


def roll_off(light: NDArray[np.float32], knee: float = 0.7) -> NDArray[np.float32]:
    """Map light relative to reference white to 0 … 1: straight up to the knee, then bent towards 1.

    y = k + (1 - k) t / (1 + t), t = (x - k) / (1 - k), of the largest component, so that hues stay.
    """
    top = np.maximum(light.max(-1, keepdims=True), 1e-6)
    t = np.maximum(top - knee, 0) / (1 - knee)
    mapped = np.where(top <= knee, top, knee + (1 - knee) * t / (1 + t))
    return (light * (mapped / top)).astype(np.float32)
