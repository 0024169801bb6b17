"""The index of an MP4 file (moov), for a whole file and for fragments; where every sample of a copy lies.

Chunks are one group of pictures each, then the sound and subtitles of the same second, so a copy plays while it is
being downloaded. Everything but the lengths of the pictures and the places of the chunks is the same in all copies.

References
----------
ISO/IEC 14496-12:2022, 8.6 (times), 8.7 (samples and chunks), 8.8 (fragments).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np
from numpy.typing import NDArray

from . import boxes
from .boxes import MOVIE_TIMESCALE, box, full_box, u16, u32
from .master import Master
from .tracks import Track

Table = NDArray[np.int64]
VIDEO_TRACK = 1
SMALL_FILE = 0xFFFF0000  # bytes up to which chunk offsets of 32 bits do
HANDLER = full_box(b"hdlr", 0, 0, bytes(4), b"vide", bytes(12), b"video\0")
FILE_TYPE = box(b"ftyp", b"isom", u32(0x200), b"isomiso2avc1mp41")
FRAGMENT_TYPE = box(b"ftyp", b"iso6", u32(0x200), b"iso6isomavc1mp41")


@dataclass(frozen=True)
class Movie:
    """What all copies' files have in common.

    Attributes
    ----------
    master : the prepared video.
    """

    master: Master

    @cached_property
    def shown(self) -> Table:
        """When each picture is shown, in decoding order: (pictures,) int64, ticks of `timescale`."""
        times = [self.master.sizes(k).times for k in range(len(self.master.parts))]
        return np.concatenate(times) * self.master.time_base.numerator

    @property
    def timescale(self) -> int:
        """Ticks per second of the pictures."""
        return self.master.time_base.denominator

    @cached_property
    def groups(self) -> Table:
        """Pictures in each group: (groups,) int64."""
        counts = [np.bincount(self.master.sizes(k).group) for k in range(len(self.master.parts))]
        return np.concatenate(counts).astype(np.int64)

    @cached_property
    def decoded(self) -> Table:
        """When each picture is decoded: one frame behind, so that no picture is shown before: (pictures,) int64."""
        ordered = np.sort(self.shown)
        return np.concatenate([[2 * ordered[0] - ordered[1]], ordered[:-1]])

    @property
    def delay(self) -> int:
        """Ticks from the first decoding to the first picture."""
        return int(self.shown.min() - self.decoded[0])

    @cached_property
    def durations(self) -> Table:
        """Ticks until the next picture is decoded: (pictures,) int64."""
        last = self.master.end * self.master.time_base.numerator - int(self.shown.max())
        return np.append(np.diff(self.decoded), max(1, last))

    @property
    def length_ms(self) -> int:
        """Length of the pictures."""
        end = self.master.end * self.master.time_base.numerator
        return ceil((end - int(self.shown.min())) * MOVIE_TIMESCALE / self.timescale)

    def edits(self, duration_ms: int) -> bytes:
        """Edit list: where the first picture is shown."""
        start_ms = round(int(self.shown.min()) * MOVIE_TIMESCALE / self.timescale)
        return boxes.edit_list(max(0, start_ms), duration_ms, self.delay)

    @cached_property
    def description(self) -> bytes:
        """Sample description of the pictures, stsd."""
        design, signal = self.master.design, self.master.signal
        avc1 = box(
            b"avc1",
            bytes(6),
            u16(1),
            bytes(16),
            u16(design.width, design.height),
            u32(0x480000, 0x480000, 0),
            u16(1),
            bytes(32),
            u16(24, 0xFFFF),
            boxes.avc_configuration(*self.master.parameters),
            box(b"pasp", u32(signal.aspect.numerator, signal.aspect.denominator)),
            box(
                b"colr",
                b"nclx",
                u16(signal.color_primaries, signal.color_trc, signal.colorspace),
                bytes([0x80 * (signal.color_range == 2)]),
            ),
        )
        return full_box(b"stsd", 0, 0, u32(1), avc1)

    def video(self, sizes: Table | None, chunks: bytes) -> bytes:
        """The pictures' trak; without sizes, that of a file whose samples lie in fragments."""
        whole = sizes is not None
        sizes = np.zeros(0, np.int64) if sizes is None else sizes
        length = self.length_ms if whole else 0
        total = int(self.durations.sum()) if whole else 0
        first = np.cumsum(self.groups) - self.groups + 1
        tables = [self.description, chunks]
        if whole:
            tables += [
                boxes.run_table(b"stts", self.durations),
                boxes.run_table(b"ctts", self.shown - self.decoded),
                boxes.table(b"stss", first),
                boxes.sample_to_chunk(self.groups),
                boxes.sample_sizes(sizes),
            ]
        else:
            tables += [full_box(b"stts", 0, 0, u32(0)), full_box(b"stsc", 0, 0, u32(0)), boxes.sample_sizes(sizes)]
        design = self.master.design
        width = design.width * self.master.signal.aspect
        url = full_box(b"dref", 0, 0, u32(1), full_box(b"url ", 0, 1))
        minf = box(b"minf", full_box(b"vmhd", 0, 1, bytes(8)), box(b"dinf", url), box(b"stbl", *tables))
        media = box(b"mdia", boxes.media_header(self.timescale, total), HANDLER, minf)
        return box(b"trak", boxes.track_header(VIDEO_TRACK, length, width, design.height), self.edits(length), media)

    def other(self, number: int, track: Track, chunks: bytes | None) -> bytes:
        """The trak of sound or subtitles; without chunks, that of a file whose samples lie in fragments."""
        if chunks is None:
            tables = [full_box(b"stts", 0, 0, u32(0)), full_box(b"stsc", 0, 0, u32(0)), full_box(b"stco", 0, 0, u32(0))]
            added = b"".join([*tables, boxes.sample_sizes(np.zeros(0, np.int64))])
        else:
            counts = np.diff(track.bounds)
            added = boxes.sample_to_chunk(counts[counts > 0]) + chunks + boxes.sample_sizes(track.sizes)
        return box(b"trak", completed(track.trak, number, added, whole=chunks is not None))

    def moov(self, sizes: Table, base: int) -> tuple[bytes, Table, Table]:
        """Index of a copy's file.

        Parameters
        ----------
        sizes : (pictures,) int64, bytes of each picture of the copy.
        base : where the media data would start if this index were empty.

        Returns
        -------
        The moov box; where each group's pictures start and where its other samples start, and the end: (groups + 1,).
        """
        of_group = np.add.reduceat(sizes, np.cumsum(self.groups) - self.groups)
        others = [self.chunk_sizes(track) for track in self.master.tracks]
        step = of_group + sum(others, np.zeros_like(of_group))
        total = int(step.sum())
        width = 4 if total < SMALL_FILE // 2 else 8
        start, moov = base, b""
        for _ in range(2):  # the first pass only tells how long the index is
            video = start + np.concatenate([[0], np.cumsum(step)])
            moov = self.index(sizes, video, of_group, others, width)
            start = base + len(moov)
        return moov, video, video[:-1] + of_group

    def index(self, sizes: Table, video: Table, of_group: Table, others: list[Table], width: int) -> bytes:
        """The moov box for chunks at these places."""
        kind = b"stco" if width == 4 else b"co64"
        traks, at = [self.video(sizes, boxes.table(kind, video[:-1], width))], video[:-1] + of_group
        for number, (track, each) in enumerate(zip(self.master.tracks, others, strict=True), VIDEO_TRACK + 1):
            filled = np.diff(track.bounds) > 0
            traks.append(self.other(number, track, boxes.table(kind, at[filled], width)))
            at = at + each
        header = boxes.movie_header(self.length_ms, len(traks) + 1)
        return box(b"moov", header, *traks)

    def chunk_sizes(self, track: Track) -> Table:
        """Bytes of a track's samples in each group: (groups,) int64."""
        ends = np.concatenate([[0], np.cumsum(track.sizes)])
        return np.diff(ends[track.bounds])

    @cached_property
    def init_segment(self) -> bytes:
        """File type and index of a fragmented file, the same for every copy."""
        traks = [self.video(None, full_box(b"stco", 0, 0, u32(0)))]
        traks += [self.other(i, track, None) for i, track in enumerate(self.master.tracks, VIDEO_TRACK + 1)]
        extends = [full_box(b"trex", 0, 0, u32(i + 1, 1, 0, 0, 0)) for i in range(len(traks))]
        header = boxes.movie_header(0, len(traks) + 1)
        return FRAGMENT_TYPE + box(b"moov", header, *traks, box(b"mvex", *extends))


def completed(trak: bytes, number: int, added: bytes, *, whole: bool) -> bytes:
    """A track's box body with its number and the tables that say where its samples lie.

    In a fragmented file tables of times go too, and durations are unknown.
    """
    out = []
    for kind, start, stop in boxes.children(trak):
        body = trak[start:stop]
        if kind in (b"mdia", b"minf"):
            body = completed(body, number, added, whole=whole)
        elif kind == b"stbl":
            kept = [boxes.box(k, body[a:b]) for k, a, b in boxes.children(body) if whole or k == b"stsd"]
            body = b"".join(kept) + added
        elif kind == b"tkhd":
            at = 20 if body[0] else 12
            body = body[:at] + u32(number) + body[at + 4 :]
        out.append(box(kind, body))
    return b"".join(out)
