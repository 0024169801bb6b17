"""What the index of an MP4 file claims, held against limits before anybody makes room for it.

Threat: a table of a few bytes may claim two thousand million samples, a list of edits may repeat a film ten thousand
times, and a demuxer makes an entry for each before it has read one. So the boxes that count are read here first; what
they count has no size of its own. How long a sample table may be in bytes is bounded by the file's own length.

References
----------
ISO/IEC 14496-12:2022, 8.6.1 (stts, ctts), 8.6.6 (elst), 8.7.3 (stsz), 8.7.4 (stsc), 8.8.8 (trun), 8.12 (protection).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from . import boxes
from .errors import EncryptedVideo, TooManyTracks, TruncatedVideo, UnsupportedVideo, VideoTooLong

MOST_INDEX_BYTES = 1 << 28
MOST_BOXES = 1 << 20
MOST_FRAGMENT_BYTES = 1 << 24
MOST_EDITS = 1000
PCM_RUN = 1024  # uncompressed sound is read in runs of so many samples, each an entry
SAMPLE_TABLE = b"mdia", b"minf", b"stbl"
PROTECTED = (b"encv", b"enca"), b"sinf", b"schm"


def refuse(path: Path, *, tracks: int, samples: int) -> None:
    """Hold an MP4 file's index against limits, and refuse an encrypted one.

    Parameters
    ----------
    path : the file.
    tracks : as many are accepted.
    samples : entries that all tracks together may claim, edits and fragments included.

    Raises
    ------
    EncryptedVideo, TooManyTracks, TruncatedVideo, UnsupportedVideo, VideoTooLong
    """
    claimed = found = 0
    for kind, body in top_boxes(path):
        if kind == b"moov":
            if any(word in body for word in PROTECTED[0]) and all(word in body for word in PROTECTED[1:]):
                raise EncryptedVideo
            if down(body, b"cmov"):
                raise UnsupportedVideo("Videos with a compressed index are not accepted.")
            traks = list(within(body, b"trak"))
            found += len(traks)
            if found > tracks:
                raise TooManyTracks(f"The video has {found} tracks; {tracks} are the most.")
            claimed += sum(map(track_entries, traks))
        else:
            claimed += sum(fragment_entries(traf) for traf in within(body, b"traf"))
        if claimed > samples:
            raise VideoTooLong(f"The video's index claims {claimed:,} samples; {samples:,} are the most.")


def top_boxes(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield type and body of every index (moov) and fragment (moof) of a file.

    Raises
    ------
    TruncatedVideo
        If there are more boxes, or larger ones, than a video needs.
    """
    with path.open("rb") as file:
        for _ in range(MOST_BOXES):
            head = file.read(8)
            if len(head) < 8:
                return
            size, read = int.from_bytes(head[:4], "big"), 8
            if size == 1:
                size, read = int.from_bytes(file.read(8), "big"), 16
            if size == 0:
                size = path.stat().st_size - file.tell() + read  # the last box reaches to the end of the file
            if size < read:
                return
            if head[4:] in (b"moov", b"moof"):
                if size > (MOST_INDEX_BYTES if head[4:] == b"moov" else MOST_FRAGMENT_BYTES):
                    raise TruncatedVideo("The video's index is larger than any video needs.")
                yield head[4:], file.read(size - read)
            else:
                file.seek(size - read, 1)
    raise TruncatedVideo("The file is in more pieces than any video needs.")


def within(body: bytes, kind: bytes) -> Iterator[bytes]:
    """Yield the bodies of all children of one type; what is broken off ends the list."""
    try:
        for found, start, stop in boxes.children(body):
            if found == kind:
                yield body[start:stop]
    except ValueError:
        return


def down(body: bytes, *path: bytes) -> bytes:
    """Body of the first box down a path, empty where there is none."""
    for kind in path:
        body = next(within(body, kind), b"")
    return body


def track_entries(trak: bytes) -> int:
    """Entries that a demuxer would make for one track: its samples, once for every edit.

    Raises
    ------
    UnsupportedVideo
        If there are more edits than any video needs.
    """
    table = down(trak, *SAMPLE_TABLE)
    durations, offsets = rows(down(table, b"stts"), 2), rows(down(table, b"ctts"), 2)
    sizes = int.from_bytes(down(table, b"stsz")[8:12], "big")
    uncompressed = down(trak, b"mdia", b"hdlr")[8:12] == b"soun" and durations[:, 1].tolist() == [1]
    counted = max(sizes, int(durations[:, 0].sum()), chunked(table))
    samples = max(int(offsets[:, 0].sum()), counted // (PCM_RUN if uncompressed else 1))
    edits = int.from_bytes(down(trak, b"edts", b"elst")[4:8], "big")
    if edits > MOST_EDITS:
        raise UnsupportedVideo(f"Videos with more than {MOST_EDITS:,} edits are not accepted.")
    return samples * max(1, edits)


def chunked(table: bytes) -> int:
    """Samples that a track's chunks hold."""
    runs = rows(down(table, b"stsc"), 3)
    chunks = max(int.from_bytes(down(table, kind)[4:8], "big") for kind in (b"stco", b"co64"))
    if not len(runs):
        return 0
    first = np.minimum(np.append(runs[:, 0], chunks + 1), chunks + 1)
    return int(np.maximum(np.diff(first), 0).astype(object) @ runs[:, 1].astype(object))


def fragment_entries(traf: bytes) -> int:
    """Samples that a fragment's runs claim for one track."""
    return sum(int.from_bytes(run[4:8], "big") for run in within(traf, b"trun"))


def rows(body: bytes, columns: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Rows of a table of 32-bit numbers, as many as are there: (n, columns) int64."""
    whole = len(body[8:]) // (4 * columns)
    return np.frombuffer(body, ">u4", whole * columns, 8 if whole else 0).astype(np.int64).reshape(-1, columns)
