"""What a file says it is, judged before a frame is decoded.

Threats: claims of 20 hours or of gigapixels, more work than anybody can do, files cut off half way; those of opening it
at all are answered in `opening`. Claims are held against limits, and all packets are counted without decoding any: that
also yields every frame's time and where decoding can start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .backend import av
from .encoding import Signal
from .errors import (
    TooManyTracks,
    TruncatedVideo,
    UndecodableVideo,
    UnsupportedVideo,
    VideoTooLarge,
    VideoTooLong,
    VideoTooNarrow,
    VideoTooShort,
    VideoTooSmall,
)
from .opening import LIMITS, Limits, opened, refuse_claims, sniff, video_track

MIN_SIDE_PX = 128
MAX_ASPECT = 8
HDR_TRANSFERS = {16: "PQ", 18: "HLG"}  # ITU-T H.273, table 3
MISSING_SHARE = 0.1  # of the claimed length; containers round, and tracks need not end together


@dataclass(frozen=True)
class Source:
    """A video file, as far as its packets tell.

    Attributes
    ----------
    path, container : the file, and the FFmpeg demuxer that it is opened with.
    codec : of the video track, FFmpeg's name.
    height, width : upright, as shown on the screen but for the pixels' aspect ratio, px; even.
    rotation : degrees that decoded frames must be turned counter-clockwise; a multiple of 90.
    pixel_format : FFmpeg's name.
    rate : mean frames per second.
    time_base : seconds per tick.
    times : (frames,) int64, when each frame is shown, in ticks, ascending.
    entries : (n,) int64, times of the frames where decoding can start.
    end : when the last frame ends, in ticks.
    hdr : "PQ" or "HLG" where frames must be tone-mapped, else "".
    signal : how the samples of a copy are to be shown.
    interlaced : whether frames are woven of two fields.
    """

    path: Path
    container: str
    codec: str
    height: int
    width: int
    rotation: int
    pixel_format: str
    rate: Fraction
    time_base: Fraction
    times: NDArray[np.int64] = field(repr=False)
    entries: NDArray[np.int64] = field(repr=False)
    end: int
    hdr: str
    signal: Signal
    interlaced: bool = False

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return float((self.end - int(self.times[0])) * self.time_base)


def probe(path: Path, limits: Limits = LIMITS) -> Source:
    """Read a video's claims and count its packets, without decoding any.

    Parameters
    ----------
    path : the file; its name does not matter.
    limits : what is refused.

    Raises
    ------
    VideoUnavailable, UndecodableVideo, UnsupportedVideo, EncryptedVideo, TruncatedVideo, VideoTooLarge,
    VideoTooSmall, VideoTooNarrow, VideoTooLong, VideoTooShort, TooManyTracks
    """
    container = sniff(path)
    refuse_claims(path, container, limits)
    with opened(path, container, limits) as file:
        if len(file.streams) > limits.tracks:
            raise TooManyTracks(f"The video has {len(file.streams)} tracks; {limits.tracks} are the most.")
        stream = video_track(file)
        if stream.codec_context.width and stream.codec_context.height:
            refuse_size(stream.codec_context.height, stream.codec_context.width, limits)
        claimed_s = (file.duration or 0) / av().time_base
        if claimed_s > limits.duration_s:
            raise VideoTooLong(
                f"The video claims {claimed_s / 3600:.1f} hours; at most {limits.duration_s / 3600:g} are accepted."
            )
        times, entries, end = count_packets(file, stream, limits)
        rotation, first = first_frame(file, stream, int(entries[0]), limits)
        time_base = Fraction(stream.time_base)
        span = Fraction(int(end - times[0])) * time_base
        height, width = refuse_size(first.height, first.width, limits)
        if height * width * len(times) > limits.all_pixels:
            raise VideoTooLong(
                f"The video has {len(times):,} frames of {width} × {height} pixels; of that size "
                f"{limits.all_pixels // (height * width):,} are the most.",
                hint="Send it in parts, or smaller.",
            )
        if rotation % 180:
            height, width = width, height
        aspect = Fraction(stream.sample_aspect_ratio or 1) or Fraction(1)
        length_s, hdr = float(span), HDR_TRANSFERS.get(int(first.color_trc), "")
        if claimed_s and (end * time_base) < claimed_s * (1 - MISSING_SHARE) and stream_cut(stream, end):
            raise TruncatedVideo(f"The video claims {claimed_s:.1f} s but ends after {length_s:.1f} s.")
        return Source(
            path=path,
            container=container,
            codec=stream.codec_context.name,
            height=height,
            width=width,
            rotation=rotation,
            pixel_format=first.format.name,
            rate=(Fraction(len(times)) / span).limit_denominator(100_000) if span else Fraction(25),
            time_base=time_base,
            times=times,
            entries=entries,
            end=int(end),
            hdr=hdr,
            signal=signal_of(first, 1 / aspect if rotation % 180 else aspect, hdr),
            interlaced=bool(first.interlaced_frame),
        )


def signal_of(frame: Any, aspect: Fraction, hdr: str) -> Signal:
    """How the samples of copies are to be shown: as the source's, but BT.709 where they were tone-mapped."""
    if hdr:
        return Signal(1, 1, 1, 1, aspect)
    full = frame.format.name.startswith("yuvj") or int(frame.color_range) == 2
    return Signal(2 if full else 1, int(frame.colorspace), int(frame.color_primaries), int(frame.color_trc), aspect)


def stream_cut(stream: Any, end: int) -> bool:
    """Whether the video track itself claims to go on well after `end`."""
    claimed = stream.duration
    return claimed is None or end < (stream.start_time or 0) + claimed * (1 - MISSING_SHARE)


def refuse_size(height: int, width: int, limits: Limits) -> tuple[int, int]:
    """Hold a frame's size against the limits; returns it made even."""
    if height * width > limits.pixels:
        raise VideoTooLarge(f"The video has {width} × {height} pixels; {limits.pixels / 1e6:.1f} million are the most.")
    if min(height, width) < MIN_SIDE_PX:
        raise VideoTooSmall(f"The video has {width} × {height} pixels: too small to carry a mark.")
    if max(height, width) > MAX_ASPECT * min(height, width):
        raise VideoTooNarrow(f"The video has {width} × {height} pixels: too narrow to carry a mark.")
    return height // 2 * 2, width // 2 * 2


def count_packets(file: Any, stream: Any, limits: Limits) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return times of all frames, times of entries and the end, in ticks, from packets alone."""
    shown: list[int] = []
    entries: list[int] = []
    end, packets = 0, 0
    try:
        for packet in file.demux(stream):
            if not packet.size:
                continue
            packets += 1
            if packet.is_corrupt:
                raise TruncatedVideo
            if packet.pts is None:
                raise UnsupportedVideo("The video gives no times for its frames.")
            if packet.is_keyframe:
                entries.append(packet.pts)
            if packet.is_discard:
                continue
            shown.append(packet.pts)
            end = max(end, packet.pts + (packet.duration or 0))
            if len(shown) > limits.frames:
                raise VideoTooLong(f"The video has more than {limits.frames:,} frames.")
    except av().FFmpegError as error:
        raise TruncatedVideo from error
    if stream.frames and packets < stream.frames:
        raise TruncatedVideo(f"The video claims {stream.frames} frames and holds {packets}.")
    times = np.unique(np.array(shown, np.int64))
    if len(times) < 2:
        raise VideoTooShort(f"The video shows {len(times)} frames; a mark in motion needs two.")
    if not entries:
        raise TruncatedVideo("The video has no frame where decoding could start.")
    step = int(np.median(np.diff(times)))
    end = max(end, int(times[-1]) + max(1, step))
    if (end - times[0]) * stream.time_base > limits.duration_s:
        raise VideoTooLong
    return times, np.unique(np.array(entries, np.int64)), end


def first_frame(file: Any, stream: Any, entry: int, limits: Limits) -> tuple[int, Any]:
    """Rotation in degrees, and the first frame that decodes, which alone knows size, format and colours.

    Raises
    ------
    UndecodableVideo
        If none does.
    """
    why = f"The video's frames cannot be decoded, or have more than {limits.pixels / 1e6:.1f} million pixels."
    try:
        file.seek(entry, stream=stream)
        for frame in file.decode(stream):
            return round((frame.rotation or 0) / 90) * 90 % 360, frame
    except av().FFmpegError as error:
        raise UndecodableVideo(why) from error
    raise UndecodableVideo(why)
