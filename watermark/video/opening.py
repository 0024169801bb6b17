"""Opening a video: which demuxer and decoders may touch it, and what they are held to.

Threats: files that pretend (a playlist that makes FFmpeg open addresses, a demuxer nobody needs), encryption, an index
that claims more than the file can hold, frames of gigapixels. So the container is recognised by its first bytes and
only that demuxer is opened, codecs are on a list, the index is read before the demuxer makes room for what it claims,
and decoders refuse larger frames than are accepted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import claims, matroska
from .backend import av
from .errors import EncryptedVideo, TruncatedVideo, UndecodableVideo, UnsupportedVideo, VideoTooShort

CODECS = ("h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "prores")
SAMPLES_PER_FRAME = 16  # that all tracks together may claim; one of sound has some two for a frame
PADDED = 2  # decoders count whole blocks, and limits are held against what is shown


@dataclass(frozen=True)
class Limits:
    """How much a video may ask for.

    Attributes
    ----------
    pixels : per frame.
    duration_s, frames : of the whole video.
    all_pixels : of all frames together, which is what preparing it costs; four hours of 1080p at 60 frames a second.
    tracks : pictures, sound, subtitles and all else.
    stored_bytes : of all that is kept of it once it is prepared; no part may take more than four times its share.
    cpu_s_per_frame : of decoding, on average over a segment.
    """

    pixels: int = 4096 * 2304
    duration_s: float = 4 * 3600.0
    frames: int = 1_000_000
    all_pixels: int = 1_800_000_000_000
    tracks: int = 64
    stored_bytes: int = 64 * 2**30
    cpu_s_per_frame: float = 2.0


LIMITS = Limits()


def sniff(path: Path) -> str:
    """FFmpeg's name of the demuxer for a file, by its first bytes.

    Raises
    ------
    UndecodableVideo, UnsupportedVideo
    """
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        raise UndecodableVideo("The file is empty (0 bytes).", hint="Choose the video again; nothing arrived.")
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mov"
    for magic, name in ((b"RIFF", "AVI"), (b"FLV", "FLV"), (b"\x30\x26\xb2\x75", "WMV"), (b"\0\0\1\xba", "MPEG-PS")):
        if head.startswith(magic):
            raise UnsupportedVideo(f"{name} files are not accepted.")
    raise UndecodableVideo


def refuse_claims(path: Path, container: str, limits: Limits) -> None:
    """Refuse a file by what stands at its head, before a demuxer sees it.

    Raises
    ------
    EncryptedVideo, TooManyTracks, TruncatedVideo, UnsupportedVideo, VideoTooLong
    """
    if container == "mov":
        claims.refuse(path, tracks=limits.tracks, samples=limits.frames * SAMPLES_PER_FRAME)
    elif matroska.encrypted(path):
        raise EncryptedVideo


@contextlib.contextmanager
def opened(path: Path, container: str, limits: Limits) -> Iterator[Any]:
    """Open a file with one demuxer and no access to anything else; its decoders refuse frames beyond the limits.

    Raises
    ------
    TruncatedVideo
        If it begins well and cannot be opened.
    """
    bounded = {"max_pixels": str(PADDED * limits.pixels)}
    try:
        file = av().open(str(path), format=container, options={"protocol_whitelist": "file", **bounded})
    except (av().FFmpegError, ValueError, OSError) as error:
        raise TruncatedVideo("The video begins like one but cannot be opened: its index is missing.") from error
    try:
        for stream in file.streams.video:
            stream.codec_context.options = bounded
        yield file
    finally:
        file.close()


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
