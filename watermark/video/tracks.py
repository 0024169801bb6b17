"""Sound and subtitles: carried over as they came, sample by sample.

FFmpeg writes them to an MP4 file of their own, which knows how each coding is to be described; description and samples
are taken from there. What MP4 cannot hold (PCM of a camera, Vorbis) is encoded as AAC and said so; subtitles other
than timed text are left out and said so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from . import boxes, pack
from .backend import av
from .errors import TruncatedVideo, VideoTooLong
from .opening import Limits, opened
from .probing import Source

COPIED_SOUND = ("aac", "mp3", "mp3float", "ac3", "eac3", "opus", "libopus", "flac", "alac")
COPIED_TEXT = ("mov_text",)
SOUND_BIT_RATE = 256_000
PLACED = (b"stsz", b"stz2", b"stco", b"co64", b"stsc")


@dataclass(frozen=True)
class Track:
    """Samples of one track, and its description in an MP4 file.

    Attributes
    ----------
    trak : body of the track's box (ISO/IEC 14496-12, 8.3.1), where its samples lie left out.
    timescale : ticks per second.
    offset : what the track's own edit list takes from its times, ticks.
    sizes : (samples,) int64, bytes.
    durations : (samples,) int64, ticks.
    bounds : (groups + 1,) int64, first sample of each group of pictures.
    """

    trak: bytes = field(repr=False)
    timescale: int
    offset: int
    sizes: NDArray[np.int64] = field(repr=False)
    durations: NDArray[np.int64] = field(repr=False)
    bounds: NDArray[np.int64] = field(repr=False)


def remux(source: Source, target: Path, limits: Limits) -> tuple[int, list[str]]:
    """Write every track but the pictures to an MP4 file of its own.

    Returns
    -------
    How many tracks there are, and what was changed or left out, in words for the uploader.

    Raises
    ------
    TruncatedVideo
        If the file breaks off.
    VideoTooLong
        If sound or subtitles go on for longer than a video may.
    """
    said: list[str] = []
    with opened(source.path, source.container, limits) as file:
        chosen: dict[int, tuple[Any, Any]] = {}
        wanted = [s for s in file.streams if s.type in ("audio", "subtitle")]
        with av().open(str(target), "w", format="mp4") as out:
            for stream in wanted:
                name = getattr(stream.codec_context, "name", "")
                if stream.type == "audio" and name in COPIED_SOUND:
                    chosen[stream.index] = (out.add_stream_from_template(stream), None)
                elif stream.type == "audio" and name:
                    said.append(f"sound coded as {name} is encoded as AAC")
                    coder = out.add_stream("aac", rate=stream.codec_context.rate)
                    coder.bit_rate, coder.layout = SOUND_BIT_RATE, stream.codec_context.layout
                    chosen[stream.index] = (coder, stream)
                elif stream.type == "subtitle" and name in COPIED_TEXT:
                    chosen[stream.index] = (out.add_stream_from_template(stream), None)
                else:
                    said.append(f"a track of {stream.type} coded as {name or 'an unknown codec'} is left out")
            if not chosen:
                out.close()
                target.unlink(missing_ok=True)
                return 0, said
            try:
                pump(file, [s for s in wanted if s.index in chosen], chosen, out, limits.duration_s)
            except av().FFmpegError as error:
                raise TruncatedVideo("The video's sound cannot be read to its end.") from error
        return len(chosen), said


def pump(file: Any, streams: Sequence[Any], chosen: dict[int, tuple[Any, Any]], out: Any, most_s: float) -> None:
    """Copy packets, or decode and encode where a coder is asked for; raises VideoTooLong after `most_s`."""
    for packet in file.demux(*streams):
        if packet.pts is not None and packet.pts * packet.time_base > most_s:
            raise VideoTooLong("The video's sound goes on for longer than a video may.")
        target, decoder = chosen[packet.stream.index]
        if decoder is None:
            if packet.size and packet.dts is not None:
                packet.stream = target
                out.mux(packet)
            continue
        for frame in packet.decode():
            out.mux(target.encode(frame))
    for target, decoder in chosen.values():
        if decoder is not None:
            out.mux(target.encode(None))


def read(file: Path, starts_s: NDArray[np.float64]) -> tuple[list[Track], list[NDArray[np.int64]]]:
    """Describe the tracks of an MP4 file that `remux` wrote.

    Parameters
    ----------
    starts_s : (groups,) when each group of pictures starts, seconds.

    Returns
    -------
    The tracks, and for each where its samples lie in the file: (samples,) int64.
    """
    with file.open("rb") as handle:
        moov = movie_box(handle)
    tracks, places = [], []
    for kind, start, stop in boxes.children(moov):
        if kind != b"trak":
            continue
        trak = moov[start:stop]
        table = boxes.find(trak, b"mdia", b"minf", b"stbl")
        sizes = read_sizes(boxes.find(table, b"stsz"))
        if not len(sizes):
            continue
        header = boxes.find(trak, b"mdia", b"mdhd")
        timescale = int.from_bytes(header[20:24] if header[0] else header[12:16], "big")
        counts = numbers(boxes.find(table, b"stts"), 2)
        durations = np.repeat(counts[:, 1], counts[:, 0])
        offset = edit_offset(trak, timescale)
        begins = (np.cumsum(durations) - durations - offset) / timescale
        bounds = np.searchsorted(begins, starts_s - 1e-6)
        bounds[0] = 0
        tracks.append(Track(without_places(trak), timescale, offset, sizes, durations, np.append(bounds, len(sizes))))
        places.append(read_places(table, sizes))
    return tracks, places


def samples(handle: BinaryIO, places: NDArray[np.int64], track: Track, group: int) -> bytes:
    """Read one track's samples of one group of pictures."""
    out = []
    for sample in range(int(track.bounds[group]), int(track.bounds[group + 1])):
        handle.seek(int(places[sample]))
        out.append(handle.read(int(track.sizes[sample])))
    return b"".join(out)


def movie_box(handle: BinaryIO) -> bytes:
    """Body of a file's moov box."""
    while head := handle.read(8):
        size, body = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, body = int.from_bytes(handle.read(8), "big"), 16
        if head[4:] == b"moov":
            return handle.read(size - body)
        handle.seek(size - body, 1)
    raise KeyError(b"moov")


def numbers(body: bytes, columns: int) -> NDArray[np.int64]:
    """Rows of a table of 32-bit numbers."""
    return np.frombuffer(body, ">u4", offset=8).astype(np.int64).reshape(-1, columns)


def read_sizes(body: bytes) -> NDArray[np.int64]:
    """Sizes of samples, stsz."""
    same, count = (int.from_bytes(body[at : at + 4], "big") for at in (4, 8))
    return np.full(count, same, np.int64) if same else np.frombuffer(body, ">u4", count, 12).astype(np.int64)


def read_places(table: bytes, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where samples lie in the file, from stsc and stco or co64."""
    try:
        chunks = numbers(boxes.find(table, b"stco"), 1)[:, 0]
    except KeyError:
        chunks = np.frombuffer(boxes.find(table, b"co64"), ">u8", offset=8).astype(np.int64)
    rows = numbers(boxes.find(table, b"stsc"), 3)
    per_chunk = np.repeat(rows[:, 1], np.diff(np.append(rows[:, 0], len(chunks) + 1)))
    chunk = np.repeat(np.arange(len(chunks)), per_chunk)
    before = np.cumsum(sizes) - sizes
    first = np.cumsum(per_chunk) - per_chunk
    return chunks[chunk] + before - before[first[chunk]]


def edit_offset(trak: bytes, timescale: int) -> int:
    """Ticks by which a track's edit list moves its media forward (8.6.6)."""
    try:
        rows = boxes.find(trak, b"edts", b"elst")
    except KeyError:
        return 0
    wide = rows[0] == 1
    step, at, offset = (20, 8, 0) if wide else (12, 8, 0)
    while at + step <= len(rows):
        half = 8 if wide else 4
        duration = int.from_bytes(rows[at : at + half], "big")
        media = int.from_bytes(rows[at + half : at + 2 * half], "big", signed=True)
        if media >= 0:
            return offset + media
        offset -= duration * timescale // boxes.MOVIE_TIMESCALE
        at += step
    return offset


def without_places(trak: bytes) -> bytes:
    """A track's box body without the tables that say where its samples lie."""
    out = []
    for kind, start, stop in boxes.children(trak):
        body = trak[start:stop]
        if kind in PLACED:
            continue
        out.append(boxes.box(kind, without_places(body) if kind in (b"mdia", b"minf", b"stbl") else body))
    return b"".join(out)


def pack_tracks(tracks: Sequence[Track]) -> bytes:
    """Serialise the tracks, samples left out."""
    arrays: dict[str, NDArray[Any]] = {}
    for i, track in enumerate(tracks):
        arrays |= {f"{i}/{name}": getattr(track, name) for name in ("sizes", "durations", "bounds")}
        arrays[f"{i}/trak"] = np.frombuffer(track.trak, np.uint8)
    words = [[track.timescale, track.offset] for track in tracks]
    return pack.dumps(arrays | {"words": np.frombuffer(json.dumps(words).encode(), np.uint8)})


def unpack_tracks(data: bytes | memoryview) -> tuple[Track, ...]:
    """Restore the tracks."""
    arrays = pack.loads(data)
    return tuple(
        Track(
            arrays[f"{i}/trak"].tobytes(),
            timescale,
            offset,
            arrays[f"{i}/sizes"],
            arrays[f"{i}/durations"],
            arrays[f"{i}/bounds"],
        )
        for i, (timescale, offset) in enumerate(json.loads(arrays["words"].tobytes()))
    )
