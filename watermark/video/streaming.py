"""A copy as a stream (HLS with fragmented MP4): each segment assembled when it is asked for, none ever stored.

One playlist and one initialisation segment serve all copies; which copy a segment belongs to is decided by whoever
asks for it, not by its address, so neither manifest nor addresses tell anything about a codeword. What remains is the
length of a segment. It is a sum over the key frames' slices of some six seconds, so it is different for every copy and
tells a listener on the line which copy is being played if he holds that copy's codeword or file; it does not tell the
variant of any slice to somebody who does not know both twins. To pad every slice to the length of its twin would hide
this and cost what `padding_share` returns.

References
----------
RFC 8216 (HLS); draft-pantos-hls-rfc8216bis; ISO/IEC 14496-12:2022, 8.8 (movie fragments).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from .boxes import box, full_box, u32
from .movie import VIDEO_TRACK, Movie
from .segment import Sizes

BASE_IS_MOOF = 0x020000
OFFSET, DURATIONS, SIZES, FLAGS, COMPOSITION = 0x1, 0x100, 0x200, 0x400, 0x800
SYNC, DIFFERENCE = 0x02000000, 0x01010000  # depends on no other sample; depends on others and is no sync sample
MEDIA_TYPE = "video/mp4"
PLAYLIST_TYPE = "application/vnd.apple.mpegurl"

Table = NDArray[np.int64]


@dataclass(frozen=True)
class Stream:
    """One copy as segments.

    Attributes
    ----------
    movie : what all copies have in common; keep it where many are played.
    serial : the copy's number within the asset, 0 … 2³²-1.
    """

    movie: Movie
    serial: int

    def segment_length(self, segment: int) -> int:
        """Bytes of a segment, known before it is assembled."""
        pictures = self._pictures(segment)
        others = sum(int(self._others(segment, i)[0].sum()) for i in range(len(self.movie.master.tracks)))
        return len(self._head(segment, pictures)) + int(pictures.sum()) + others

    def segment(self, segment: int) -> bytes:
        """Assemble one segment.

        Raises
        ------
        ValueError
            If there is no such segment, or the serial is out of range.
        """
        master = self.movie.master
        if not 0 <= segment < len(master.parts):
            raise ValueError(f"Segment {segment} is outside 0 … {len(master.parts) - 1}.")
        pictures = master.segment(segment).assembled(master.bits(self.serial, segment))
        others = master.others(segment)
        by_track = [runs[i] for i in range(len(master.tracks)) for runs in others]
        return b"".join([self._head(segment, self._pictures(segment)), *(p.data for p in pictures), *by_track])

    def _pictures(self, segment: int) -> Table:
        """Bytes of each picture of a segment: (pictures,) int64."""
        master = self.movie.master
        return master.sizes(segment).chosen(master.bits(self.serial, segment))

    def _others(self, segment: int, number: int) -> tuple[Table, Table, int]:
        """Sizes and durations of a track's samples in a segment, and when the first begins in its own ticks."""
        master, track = self.movie.master, self.movie.master.tracks[number]
        first = int(master.first_group[segment])
        start, stop = track.bounds[first], track.bounds[first + master.parts[segment].groups]
        return track.sizes[start:stop], track.durations[start:stop], int(track.durations[:start].sum())

    def _head(self, segment: int, pictures: Table) -> bytes:
        """Everything of a segment before its samples: moof, and the head of mdat."""
        movie = self.movie
        first = sum(part.pictures for part in movie.master.parts[:segment])
        here = slice(first, first + len(pictures))
        flags = np.full(len(pictures), DIFFERENCE)
        flags[np.flatnonzero(np.diff(movie.master.sizes(segment).group, prepend=-1))] = SYNC
        video = np.stack([movie.durations[here], pictures, flags, (movie.shown - movie.decoded)[here]], 1)
        start = int(movie.decoded[first] - movie.decoded[0])
        tracks = [(VIDEO_TRACK, start, DURATIONS | SIZES | FLAGS | COMPOSITION, video)]
        for i in range(len(movie.master.tracks)):
            sizes, durations, begin = self._others(segment, i)
            if len(sizes):
                tracks.append((VIDEO_TRACK + 1 + i, begin, DURATIONS | SIZES, np.stack([durations, sizes], 1)))
        total = int(pictures.sum()) + sum(int(rows[:, 1].sum()) for _, _, _, rows in tracks[1:])
        offset = len(fragment(segment, tracks, 0)) + 8
        return fragment(segment, tracks, offset) + u32(total + 8) + b"mdat"


def fragment(segment: int, tracks: list[tuple[int, int, int, Table]], offset: int) -> bytes:
    """A moof box.

    Parameters
    ----------
    tracks : number, time of the first sample, columns and rows (samples, columns) of each; sizes in column 1.
    offset : where the first track's samples begin, counted from this box.
    """
    trafs = []
    for number, begin, columns, rows in tracks:
        run = full_box(b"trun", 0, OFFSET | columns, u32(len(rows), offset), rows.astype(">u4").tobytes())
        trafs.append(
            box(
                b"traf",
                full_box(b"tfhd", 0, BASE_IS_MOOF, u32(number)),
                full_box(b"tfdt", 1, 0, begin.to_bytes(8, "big")),
                run,
            )
        )
        offset += int(rows[:, 1].sum())
    return box(b"moof", full_box(b"mfhd", 0, 0, u32(segment + 1)), *trafs)


def durations_s(movie: Movie) -> list[float]:
    """Length of each segment in seconds, from its first frame to the next segment's."""
    master = movie.master
    starts = [part.start for part in master.parts] + [master.end]
    return [float((b - a) * master.time_base) for a, b in pairwise(starts)]


def playlist(movie: Movie, init_url: str, segment_url: Callable[[int], str]) -> str:
    """Media playlist of a video, the same for every copy (RFC 8216, 4.3).

    Parameters
    ----------
    init_url : where `Movie.init_segment` is served.
    segment_url : where segment k is served.
    """
    lengths = durations_s(movie)
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{ceil(max(lengths))}", "#EXT-X-PLAYLIST-TYPE:VOD"]
    lines += ["#EXT-X-INDEPENDENT-SEGMENTS", f'#EXT-X-MAP:URI="{init_url}"']
    for k, length in enumerate(lengths):
        lines += [f"#EXTINF:{length:.6f},", segment_url(k)]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def padding_share(sizes: Sizes) -> float:
    """Share of bytes that padding every slice to its longer twin would add to a segment."""
    pairs = sizes.key.astype(np.int64)
    return float((pairs.max(-1) - pairs.mean(-1)).sum() / (pairs.mean(-1).sum() + sizes.rest.sum(dtype=np.int64)))
