"""What a file says it is, judged before a frame is decoded.

Threats: files that pretend (a playlist that makes FFmpeg open addresses, a demuxer nobody needs), claims of 20 hours
or of gigapixels, encryption, files cut off half way. So the container is recognised by its first bytes and only that
demuxer is opened, codecs are on a list, claims are held against limits, and all packets are counted without decoding
any: that also yields every frame's time and where decoding can start.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .backend import av
from .encoding import Signal
from .errors import (
    EncryptedVideo,
    TruncatedVideo,
    UndecodableVideo,
    UnsupportedVideo,
    VideoTooLarge,
    VideoTooLong,
    VideoTooShort,
    VideoTooSmall,
)

CODECS = ("h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "prores")
MIN_SIDE_PX = 128
MAX_INDEX_BYTES = 1 << 28
ENCRYPTED_WORDS = (b"encv", b"sinf", b"schm")  # ISO/IEC 14496-12, 8.12
HDR_TRANSFERS = {16: "PQ", 18: "HLG"}  # ITU-T H.273, table 3
MISSING_SHARE = 0.1  # of the claimed length; containers round, and tracks need not end together


@dataclass(frozen=True)
class Limits:
    """How much a video may ask for.

    Attributes
    ----------
    pixels : per frame.
    duration_s, frames : of the whole video.
    cpu_s_per_frame : of decoding, on average over a segment.
    """

    pixels: int = 4096 * 2304
    duration_s: float = 4 * 3600.0
    frames: int = 1_000_000
    cpu_s_per_frame: float = 2.0


LIMITS = Limits()


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


def sniff(path: Path) -> str:
    """FFmpeg's name of the demuxer for a file, by its first bytes.

    Raises
    ------
    UndecodableVideo, UnsupportedVideo, EncryptedVideo
    """
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        raise UndecodableVideo("The file is empty (0 bytes).", hint="Choose the video again; nothing arrived.")
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        if all(word in index(path) for word in ENCRYPTED_WORDS):
            raise EncryptedVideo
        return "mov"
    for magic, name in ((b"RIFF", "AVI"), (b"FLV", "FLV"), (b"\x30\x26\xb2\x75", "WMV"), (b"\0\0\1\xba", "MPEG-PS")):
        if head.startswith(magic):
            raise UnsupportedVideo(f"{name} files are not accepted.")
    raise UndecodableVideo


def index(path: Path) -> bytes:
    """Body of an MP4 file's moov box; empty where there is none, or one that no video needs."""
    with path.open("rb") as file:
        while len(head := file.read(8)) == 8:
            size, read = int.from_bytes(head[:4], "big"), 8
            if size == 1:
                size, read = int.from_bytes(file.read(8), "big"), 16
            if head[4:] == b"moov":
                return file.read(max(0, size - read)) if size <= MAX_INDEX_BYTES else b""
            if size < read:
                break
            file.seek(size - read, 1)
    return b""


@contextlib.contextmanager
def opened(path: Path, container: str) -> Iterator[Any]:
    """Open a file with one demuxer and no access to anything else.

    Raises
    ------
    TruncatedVideo
        If it begins well and cannot be opened.
    """
    try:
        file = av().open(str(path), format=container, options={"protocol_whitelist": "file"})
    except (av().FFmpegError, ValueError, OSError) as error:
        raise TruncatedVideo("The video begins like one but cannot be opened: its index is missing.") from error
    try:
        yield file
    finally:
        file.close()


def probe(path: Path, limits: Limits = LIMITS) -> Source:
    """Read a video's claims and count its packets, without decoding any.

    Parameters
    ----------
    path : the file; its name does not matter.
    limits : what is refused.

    Raises
    ------
    VideoUnavailable, UndecodableVideo, UnsupportedVideo, EncryptedVideo, TruncatedVideo, VideoTooLarge,
    VideoTooSmall, VideoTooLong, VideoTooShort
    """
    container = sniff(path)
    with opened(path, container) as file:
        stream = video_track(file)
        claimed_s = (file.duration or 0) / av().time_base
        if claimed_s > limits.duration_s:
            raise VideoTooLong(
                f"The video claims {claimed_s / 3600:.1f} hours; at most {limits.duration_s / 3600:g} are accepted."
            )
        times, entries, end = count_packets(file, stream, limits)
        rotation, first = first_frame(file, stream, int(entries[0]))
        time_base = Fraction(stream.time_base)
        span = Fraction(int(end - times[0])) * time_base
        height, width = refuse_size(first.height, first.width, limits)
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


def video_track(file: Any) -> Any:
    """Return the track that is shown: the first video track that is not a cover picture.

    Raises
    ------
    UnsupportedVideo, VideoTooShort
    """
    tracks = [s for s in file.streams.video if not int(s.disposition) & 0x400]  # AV_DISPOSITION_ATTACHED_PIC
    if not tracks:
        raise VideoTooShort("The file has no video track.", hint="Choose a video; sound alone cannot be marked.")
    stream = tracks[0]
    name = str(getattr(stream.codec_context, "name", ""))
    known = {"libdav1d": "av1", "libaom-av1": "av1", "libvpx-vp9": "vp9", "libvpx": "vp8"}.get(name, name)
    if known not in CODECS:
        raise UnsupportedVideo(f"Videos coded as {known or 'an unknown codec'} are not accepted.")
    return stream


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


def first_frame(file: Any, stream: Any, entry: int) -> tuple[int, Any]:
    """Rotation in degrees, and the first frame that decodes, which alone knows size, format and colours.

    Raises
    ------
    UndecodableVideo
        If none does.
    """
    try:
        file.seek(entry, stream=stream)
        for frame in file.decode(stream):
            return round((frame.rotation or 0) / 90) * 90 % 360, frame
    except av().FFmpegError as error:
        raise UndecodableVideo("The video's frames cannot be decoded.") from error
    raise UndecodableVideo("The video's frames cannot be decoded.")
