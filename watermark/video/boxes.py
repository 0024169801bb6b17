"""Boxes of the ISO base media file format, written and read.

References
----------
ISO/IEC 14496-12:2022 (boxes, tables, fragments); ISO/IEC 14496-15:2022, 5.3.3 (avcC).
"""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.int64]
MOVIE_TIMESCALE = 1000
UNITY = b"".join(x.to_bytes(4, "big") for x in (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000))


def u16(*values: int) -> bytes:
    """Unsigned integers of 16 bits."""
    return b"".join(v.to_bytes(2, "big") for v in values)


def u32(*values: int) -> bytes:
    """Unsigned integers of 32 bits."""
    return b"".join(v.to_bytes(4, "big") for v in values)


def box(kind: bytes, *bodies: bytes) -> bytes:
    """A box: length, type, bodies."""
    body = b"".join(bodies)
    return u32(len(body) + 8) + kind + body


def full_box(kind: bytes, version: int, flags: int, *bodies: bytes) -> bytes:
    """A box with version and flags (4.2)."""
    return box(kind, u32(version << 24 | flags), *bodies)


def children(data: bytes, start: int = 0, stop: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, start and stop of the body of each box in `data[start:stop]`.

    Raises
    ------
    ValueError
        If a box does not end where it should.
    """
    stop = len(data) if stop is None else stop
    while start + 8 <= stop:
        size, head = int.from_bytes(data[start : start + 4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(data[start + 8 : start + 16], "big"), 16
        if size < head or start + size > stop:
            raise ValueError("A box is longer than its parent.")
        yield data[start + 4 : start + 8], start + head, start + size
        start += size


def find(data: bytes, *path: bytes) -> bytes:
    """Body of the first box down a path of types.

    Raises
    ------
    KeyError
        If there is none.
    """
    for kind in path:
        for found, start, stop in children(data):
            if found == kind:
                data = data[start:stop]
                break
        else:
            raise KeyError(kind)
    return data


def runs(values: Table) -> tuple[Table, Table]:
    """Run-length code: (counts, values)."""
    edges = np.flatnonzero(np.diff(values)) + 1
    starts = np.concatenate([[0], edges]).astype(np.int64)
    return np.diff(np.append(starts, len(values))), values[starts]


def run_table(kind: bytes, values: Table) -> bytes:
    """Table of (count, value) runs: stts (8.6.1.2), ctts (8.6.1.3)."""
    counts, each = runs(values)
    return full_box(kind, 0, 0, u32(len(counts)), np.stack([counts, each], 1).astype(">u4").tobytes())


def table(kind: bytes, values: Table, width: int = 4) -> bytes:
    """Table of numbers: stss (8.6.2), stco and co64 (8.7.5)."""
    return full_box(kind, 0, 0, u32(len(values)), values.astype(f">u{width}").tobytes())


def sample_sizes(values: Table) -> bytes:
    """Sizes of samples, stsz (8.7.3)."""
    return full_box(b"stsz", 0, 0, u32(0, len(values)), values.astype(">u4").tobytes())


def sample_to_chunk(counts: Table) -> bytes:
    """How many samples each chunk holds, stsc (8.7.4); no chunk may be empty."""
    lengths, each = runs(counts)
    first = np.concatenate([[1], 1 + np.cumsum(lengths)[:-1]])
    rows = np.stack([first, each, np.ones_like(each)], 1).astype(">u4")
    return full_box(b"stsc", 0, 0, u32(len(rows)), rows.tobytes())


def avc_configuration(sps: bytes, pps: bytes) -> bytes:
    """Decoder configuration, avcC, for 4:2:0 of 8 bits and lengths of four bytes."""
    head = bytes([1, sps[1], sps[2], sps[3], 0xFF, 0xE1])
    high = bytes([0xFD, 0xF8, 0xF8, 0]) if sps[1] in (100, 110, 122, 244) else b""
    return box(b"avcC", head, u16(len(sps)), sps, b"\1", u16(len(pps)), pps, high)


def media_header(timescale: int, duration: int) -> bytes:
    """mdhd (8.4.2), language undetermined; 64 bits where 32 do not hold the duration."""
    und = 0x55C4
    if duration >> 32:
        return full_box(b"mdhd", 1, 0, bytes(16), u32(timescale), duration.to_bytes(8, "big"), u16(und, 0))
    return full_box(b"mdhd", 0, 0, bytes(8), u32(timescale, duration), u16(und, 0))


def movie_header(duration: int, next_track: int) -> bytes:
    """mvhd (8.2.2); the duration in milliseconds."""
    return full_box(
        b"mvhd", 0, 0, bytes(8), u32(MOVIE_TIMESCALE, duration, 0x10000), u16(0x100, 0), bytes(8), UNITY, bytes(24),
        u32(next_track),
    )  # fmt: skip


def track_header(track: int, duration: int, width: Fraction, height: int) -> bytes:
    """tkhd (8.3.2) of a picture that is shown; the duration in milliseconds."""
    size = u32(int(width * 65536), height << 16)
    return full_box(b"tkhd", 0, 3, bytes(8), u32(track, 0, duration), bytes(8), bytes(8), UNITY, size)


def edit_list(empty: int, duration: int, media_time: int) -> bytes:
    """edts (8.6.5): nothing for `empty` milliseconds, then the media from `media_time` ticks on."""
    rows = [u32(empty, 0xFFFFFFFF, 0x10000)] if empty else []
    rows.append(u32(duration, media_time, 0x10000))
    return box(b"edts", full_box(b"elst", 0, 0, u32(len(rows)), *rows))
