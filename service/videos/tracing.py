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


def candidate_of(match: Match, leak_s: float | None = None) -> dict[str, Any]:
    """Write down an asset that may be shown: how it was recognised, and of a video when.

    ``near_s`` are moments of the video; ``leak_s`` is the clip's frame that was recognised.
    """
    return {
        "asset_id": match.asset_id,
        "distance_bits": match.distance,
        "inliers": match.inliers,
        "hint": None if match.hint is None else np.asarray(match.hint, np.float64).tolist(),
        "near_s": None if match.at_s is None else [match.at_s],
        "leak_s": leak_s,
    }


def recognise_clip(context: Context, *, tenant_id: str, leak: bytes) -> tuple[bytes, list[dict[str, Any]]]:
    """Look a clip's frames up; returns a small picture of it and the assets it may show, seen most often first."""
    settings = context.settings
    frames = context.pool.run_within(
        settings.video_timeout_s, _WAIT_S, reading.describe_clip, leak, video_limits(settings)
    )
    seen: dict[str, list[dict[str, Any]]] = {}
    for frame in frames:
        for match in recognise(context, tenant_id=tenant_id, found=frame.found):
            seen.setdefault(match.asset_id, []).append(candidate_of(match, frame.leak_s))
    ranked = sorted(seen.values(), key=lambda times: (-len(times), -max(one["inliers"] or 0 for one in times)))
    return frames[0].found.thumbnail, [_merged(times) for times in ranked]


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


def _merged(times: list[dict[str, Any]]) -> dict[str, Any]:
    """One candidate of several frames' recognition: the clearest, near all of their moments."""
    best = max(times, key=lambda one: (one["inliers"] or 0, -(one["distance_bits"] or 0)))
    near_s = sorted({at_s for one in times for at_s in one["near_s"] or ()})
    return {**best, "near_s": near_s or None}
