"""Finding the asset that a clip shows, and reading clips and frames against a video: what a sighting's job asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from service.assets.models import Asset
from service.assets.service import video_limits
from service.context import Context
from service.lookups.service import Match, recognise
from service.sightings.pixels import Trace
from service.videos import reading
from service.videos.content import Kind
from service.videos.films import lent

_WAIT_S = 3600.0
_ROUNDS = ((0, 2), (2, reading.ASKED_FRAMES))
"""Which of a clip's frames are looked up at a time: most clips are known by the first two."""
_SLACK_S, _STEP_S, _MOST_MOMENTS = 3.0, 1.5, 60


def candidate_of(match: Match, leak_s: float | None = None) -> dict[str, Any]:
    """Write down an asset that may be shown: how it was recognised, and of a video when.

    ``at_s`` is the moment of the video that was recognised, in the clip's frame at ``leak_s``; ``near_s`` are all the
    moments that may be shown.
    """
    return {
        "asset_id": match.asset_id,
        "distance_bits": match.distance,
        "inliers": match.inliers,
        "hint": None if match.hint is None else np.asarray(match.hint, np.float64).tolist(),
        "at_s": match.at_s,
        "near_s": None if match.at_s is None else [match.at_s],
        "leak_s": leak_s,
    }


def recognise_clip(context: Context, *, tenant_id: str, leak: bytes) -> tuple[bytes, list[dict[str, Any]]]:
    """Look a clip's frames up; returns a small picture of it and the assets it may show, seen most often first."""
    settings = context.settings
    seen: dict[str, list[dict[str, Any]]] = {}
    thumbnail, length_s = b"", 0.0
    for first, stop in _ROUNDS:
        frames = context.pool.run_within(
            settings.video_timeout_s, _WAIT_S, reading.describe_clip, leak, video_limits(settings), first, stop
        )
        for frame in frames:
            thumbnail, length_s = thumbnail or frame.found.thumbnail, frame.length_s
            for match in recognise(context, tenant_id=tenant_id, found=frame.found):
                seen.setdefault(match.asset_id, []).append(candidate_of(match, frame.leak_s))
        if seen:
            break
    ranked = sorted(seen.values(), key=lambda times: (-len(times), -max(one["inliers"] or 0 for one in times)))
    return thumbnail, [_merged(times, length_s) for times in ranked]


def trace_film(
    context: Context,
    *,
    asset: Asset,
    kind: str,
    leak: bytes,
    near_s: Sequence[float] | None,
    serials: Sequence[int],
    looks: int,
) -> Trace:
    """Read a found clip or picture against a video in a worker that is lent its parts."""
    settings = context.settings
    with lent(context, asset=asset) as parts:
        if kind == Kind.VIDEO.value:
            limits = video_limits(settings)
            return context.pool.run_within(
                settings.video_timeout_s, _WAIT_S, reading.trace_clip, parts, leak, limits, near_s, serials, looks
            )
        most = settings.max_pixels
        return context.pool.run_within(
            settings.video_timeout_s, _WAIT_S, reading.trace_frame, parts, leak, most, near_s, serials, looks
        )


def _merged(times: list[dict[str, Any]], length_s: float) -> dict[str, Any]:
    """One candidate of several frames' recognition: the clearest, near every moment that the clip may then show."""
    best = max(times, key=lambda one: (one["inliers"] or 0, -(one["distance_bits"] or 0)))
    starts_s = [one["near_s"][0] - one["leak_s"] for one in times if one["near_s"]]
    return {**best, "near_s": moments_shown(starts_s, length_s) or None}


def moments_shown(starts_s: Sequence[float], length_s: float) -> list[float]:
    """The moments of a video that a clip shows, if it starts at one of these times and runs at the video's pace.

    A few seconds are added at either end, because the look-up keeps local features of one moment in three seconds.

    >>> moments_shown([10.0], 2.0), moments_shown([0.5], 2.0)
    ([7.0, 8.5, 10.0, 11.5, 13.0, 14.5], [0.5, 2.0, 3.5, 5.0])
    """
    steps = int((length_s + 2 * _SLACK_S) / _STEP_S) + 1
    moments = {round(start - _SLACK_S + k * _STEP_S, 1) for start in starts_s for k in range(steps)}
    every = sorted(moment for moment in moments if moment >= 0)
    return every[:: -(-len(every) // _MOST_MOMENTS)] if every else []
