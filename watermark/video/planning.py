"""How a video is cut, marked and encoded, and what that may cost: decided from its packets alone.

Segments are units of work, so each must be cheap by itself: decoding one starts at the key frame before it, and what is
kept of one is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from watermark import keys

from . import codes
from . import design as designs
from .design import Design
from .encoding import Signal
from .errors import VideoTooSparse
from .opening import LIMITS, Limits
from .probing import Source, probe

CRF = 16.0
PRESET = "veryfast"
SHARES = 4  # of what is kept of a video that one segment may take, where all others take less
MOST_DECODED = 30  # times that a frame is decoded on average, since each segment starts at the key frame before it


@dataclass(frozen=True)
class Plan:
    """What all units of work have in common.

    Attributes
    ----------
    source : the file, probed.
    key : the asset's secret.
    design : mark and encoding.
    signal : how samples are to be shown.
    limits : what decoding may cost.
    """

    source: Source
    key: bytes
    design: Design
    signal: Signal
    limits: Limits

    @property
    def segments(self) -> int:
        """Units of work."""
        return -(-len(self.source.times) // self.design.segment_frames)

    @property
    def most_bytes(self) -> int:
        """What may be kept of one segment."""
        return SHARES * self.limits.stored_bytes // (SHARES + self.segments - 1)

    def span(self, segment: int) -> tuple[int, int]:
        """Ticks at which a segment starts, and before which it stops."""
        times, step = self.source.times, self.design.segment_frames
        stop = (segment + 1) * step
        return int(times[segment * step]), int(times[stop]) if stop < len(times) else self.source.end + 1


def plan(
    path: Path,
    *,
    key: bytes,
    limits: Limits = LIMITS,
    crf: float = CRF,
    preset: str = PRESET,
) -> Plan:
    """Probe a video and decide how it is cut, marked and encoded.

    Parameters
    ----------
    path : the file.
    key : the asset's secret, 32 random bytes; never use one key for two assets.
    limits : what is refused.
    crf, preset : x264's rate factor and preset.

    Raises
    ------
    InvalidKey, VideoUnavailable, UndecodableVideo, UnsupportedVideo, EncryptedVideo, TruncatedVideo, VideoTooLarge,
    VideoTooSmall, VideoTooNarrow, VideoTooLong, VideoTooShort, VideoTooSparse, TooManyTracks
    """
    keys.derive(key, "video")
    source = probe(path, limits)
    height, width, rate = source.height, source.width, source.rate
    gop = designs.gop_frames(rate)
    run = designs.slice_mbs(height, width)
    design = Design(height, width, rate, gop, run, 0.0, crf, preset)
    share = codes.arcsine_share(design.slices * -(-len(source.times) // gop))
    design = replace(design, arcsine_share=share)
    _ = design.level
    refuse_sparse(source, design.segment_frames)
    return Plan(source, key, design, source.signal, limits)


def refuse_sparse(source: Source, segment_frames: int) -> None:
    """Refuse a video whose segments would have to be decoded from far before them.

    Raises
    ------
    VideoTooSparse
    """
    starts = source.times[::segment_frames]
    entries = source.entries[np.maximum(np.searchsorted(source.entries, starts, "right") - 1, 0)]
    skipped = np.searchsorted(source.times, starts) - np.searchsorted(source.times, entries)
    if skipped.sum() > (MOST_DECODED - 1) * len(source.times):
        raise VideoTooSparse
