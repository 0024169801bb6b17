"""The job that traces a sighting: recognise the asset, read the mark, name a copy or say why none.

Every step may run twice: files are put once, the verdict is written in one transaction that also ends the sighting,
and a sighting that has ended is left alone. Below the gate no serial is written anywhere.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from service.assets.models import Asset, AssetState
from service.assets.service import data_key as asset_key
from service.assets.service import video_limits
from service.context import Context
from service.copies.service import by_serials
from service.db import everywhere, now
from service.events.models import EventKind
from service.events.service import record
from service.identity.roles import Principal
from service.jobs.job import Job, is_final
from service.lookups.pixels import describe
from service.lookups.service import Match
from service.lookups.service import recognise as recognise_picture
from service.sightings.models import OPEN_STATES, NamedCopy, Outcome, Sighting, SightingState
from service.sightings.pixels import Trace
from service.sightings.pixels import trace as trace_picture
from service.sightings.service import TRACE, data_key
from service.videos.content import Kind
from service.videos.reading import still_of
from service.videos.tracing import candidate_of, recognise_clip, trace_film

MOST_ASSETS = 12
"""Tried at most: as many as a shot may have colourways. Each is paid for in the bound, named or not."""

_OURS = ("Tracing this picture failed on our side.", "Submit it again; if it fails again, tell the operator.")
_NOT_OURS = (
    "The picture shows none of the brand's assets.",
    "If you know which asset it shows, trace it against that asset; a larger or less altered capture also helps.",
)


@dataclass(frozen=True)
class Tried:
    """One asset and what its master says."""

    asset_id: str
    recognised: bool
    trace: Trace


def trace_job(context: Context) -> Job:
    """Bind the steps to a context."""
    return Job(
        kind=TRACE,
        steps=(
            lambda sighting_id: recognise(context, sighting_id),
            lambda sighting_id: trace(context, sighting_id),
        ),
        failed=lambda sighting_id, error: fail(context, sighting_id, error),
    )


def recognise(context: Context, sighting_id: str) -> None:
    """Find out which assets the picture may show; end here when it shows none."""
    started = time.perf_counter()
    with context.database.writing() as session:
        sighting = _open(session, sighting_id)
        if sighting is None or sighting.state == SightingState.TRACING:
            return
        sighting.advance(SightingState.RECOGNISING)
        sighting.progress, sighting.stage = 0.1, "looking for the asset"
        key = data_key(session, context=context, sighting=sighting)
    leak = context.blobs.get(sighting.blob("leak"), key=key)
    if sighting.kind == Kind.VIDEO.value:
        thumbnail, candidates = recognise_clip(context, tenant_id=sighting.tenant_id, leak=leak)
    else:
        found = context.pool.run(describe, leak, context.settings.max_pixels)
        thumbnail = found.thumbnail
        matches = recognise_picture(context, tenant_id=sighting.tenant_id, found=found)
        candidates = [candidate_of(match) for match in matches]
    context.blobs.put_once(sighting.blob("thumbnail"), thumbnail, key=key)
    recognised = bool(candidates)
    with context.database.writing() as session:
        sighting = _open(session, sighting_id)
        if sighting is None:
            return
        first = sighting.against_asset_id
        if first is not None:
            known = [item for item in candidates if item["asset_id"] == first]
            rest = [item for item in candidates if item["asset_id"] != first]
            candidates = (known or [candidate_of(Match(first, None, None, None))]) + rest
        sighting.candidates = candidates[:MOST_ASSETS]
        sighting.ours = True if recognised else (None if first else False)
        sighting.timings = {**sighting.timings, "recognise": round(time.perf_counter() - started, 3)}
        sighting.progress, sighting.stage = 0.35, "reading the mark"
        if candidates:
            sighting.advance(SightingState.TRACING)
        else:
            reason, hint = _NOT_OURS
            _end(session, sighting, Outcome.NOT_OURS, {"reason": reason, "hint": hint})


def trace(context: Context, sighting_id: str) -> None:
    """Read the picture against each candidate asset, accuse among its copies, and end with a verdict."""
    started = time.perf_counter()
    with context.database.reading() as session:
        sighting = _open(session, sighting_id)
        if sighting is None:
            return
        key = data_key(session, context=context, sighting=sighting)
        candidates = [(item, _ready(session, item["asset_id"])) for item in sighting.candidates or []]
    leak = context.blobs.get(sighting.blob("leak"), key=key)
    wanted = [(item, asset) for item, asset in candidates if asset is not None]
    tried: list[Tried] = []
    for number, (item, asset) in enumerate(wanted):  # a colourway guessed wrong costs time: its siblings follow
        _progress(context, sighting_id, 0.4 + 0.5 * number / len(wanted))
        recognised = item["distance_bits"] is not None or item["inliers"] is not None
        result = _trace_one(context, asset, sighting.kind, leak, item, looks=len(wanted))
        tried.append(Tried(asset.id, recognised, result))
        if result.named:
            break
    best = max(tried, key=_standing, default=None)
    if best is not None and best.trace.heat is not None:
        context.blobs.put_once(sighting.blob("heat"), best.trace.heat, key=key)
    if best is not None and best.trace.strip is not None:
        context.blobs.put_once(sighting.blob("strip"), json.dumps(best.trace.strip).encode(), key=key)
    with context.database.writing() as session:
        sighting = _open(session, sighting_id)
        if sighting is None:
            return
        sighting.timings = {**sighting.timings, "trace": round(time.perf_counter() - started, 3)}
        sighting.has_heat_map = best is not None and best.trace.heat is not None
        _decide(session, sighting, best)


def fail(context: Context, sighting_id: str, error: Exception) -> None:
    """Record why the picture cannot be traced, in words for the person who sent it."""
    problem, hint = (str(error), getattr(error, "hint", "")) if is_final(error) else _OURS
    with context.database.writing() as session:
        sighting = _open(session, sighting_id)
        if sighting is None:
            return
        sighting.advance(SightingState.FAILED)
        sighting.problem, sighting.hint, sighting.stage = problem, hint, "failed"
        sighting.finished_at = now()
        record(
            session,
            kind=EventKind.SIGHTING_FAILED,
            tenant_id=sighting.tenant_id,
            sighting_id=sighting_id,
            problem=problem,
        )


def unfinished(session: Session) -> list[str]:
    """Name the sightings whose job must run: looked up at every start, whatever was lost before."""
    query = everywhere(Sighting).where(Sighting.state.in_([state.value for state in OPEN_STATES]))
    return list(session.scalars(query.with_only_columns(Sighting.id)))


def _trace_one(context: Context, asset: Asset, kind: str, leak: bytes, item: dict[str, Any], *, looks: int) -> Trace:
    serials = range(1, asset.last_serial + 1)
    if asset.kind == Kind.VIDEO.value:
        return trace_film(
            context, asset=asset, kind=kind, leak=leak, near_s=item.get("near_s"), serials=serials, looks=looks
        )
    with context.database.reading() as session:
        key = asset_key(session, context=context, asset=asset)
    start = None if item["hint"] is None else np.asarray(item["hint"], np.float64)
    most = context.settings.max_pixels
    if kind == Kind.VIDEO.value:
        leak = context.pool.run(still_of, leak, video_limits(context.settings), item.get("leak_s"))

    def ask(master: bytes | None) -> Trace | None:
        return context.pool.run(trace_picture, asset.id, master, leak, most, start, serials, looks)

    result = ask(None) or ask(context.blobs.get(asset.blob("master"), key=key))
    if result is None:
        raise RuntimeError("a worker refused a master that was sent to it")
    return result


def _standing(tried: Tried) -> tuple[float, bool, bool, float]:
    """Rank assets: the strongest accusation, then what could be read at all, then the larger area."""
    bound = min((named.log10_bound for named in tried.trace.named), default=0.0)
    return (-bound, tried.trace.readable, tried.recognised, tried.trace.coverage)


def _decide(session: Session, sighting: Sighting, best: Tried | None) -> None:
    if best is None:
        reason = "The asset that this picture shows is not ready, or was deleted."
        _end(session, sighting, Outcome.INCONCLUSIVE, {"reason": reason, "hint": "Try again when the asset is ready."})
        return
    sighting.asset_id = best.asset_id
    found = best.trace
    verdict: dict[str, Any] = {
        "coverage": found.coverage,
        "copies": found.copies,
        "looks": found.looks,
        "homography": found.homography,
        "mixture": found.mixture,
        "strip": found.strip is not None,
        "from_s": min(found.strip["video_s"], default=None) if found.strip else None,
        "to_s": max(found.strip["video_s"], default=None) if found.strip else None,
        "reason": found.reason,
        "hint": found.hint,
        "named": [],
    }
    if not found.named:
        _end(session, sighting, Outcome.INCONCLUSIVE, verdict)
        return
    sighting.ours = True
    machine = Principal("system", sighting.tenant_id, frozenset(), "system")
    serials = {named.serial: named for named in found.named}
    copies = by_serials(session, principal=machine, asset_id=best.asset_id, serials=list(serials))
    for copy in copies:
        figures = serials[copy.serial]
        verdict["named"].append(
            {"copy_id": copy.id, "serial": copy.serial, "score": figures.score, "log10_bound": figures.log10_bound}
        )
        session.add(
            NamedCopy(
                tenant_id=sighting.tenant_id, sighting_id=sighting.id, copy_id=copy.id, recipient_id=copy.recipient_id
            )
        )
    _end(session, sighting, Outcome.COPY_NAMED, verdict)
    for copy in copies:
        record(
            session,
            kind=EventKind.COPY_NAMED,
            tenant_id=sighting.tenant_id,
            sighting_id=sighting.id,
            asset_id=best.asset_id,
            copy_id=copy.id,
            recipient_id=copy.recipient_id,
            log10_false_accusation=serials[copy.serial].log10_bound,
        )


def _end(session: Session, sighting: Sighting, outcome: Outcome, verdict: dict[str, Any]) -> None:
    sighting.advance(SightingState.DONE)
    sighting.outcome, sighting.verdict = outcome.value, verdict
    sighting.progress, sighting.stage, sighting.finished_at = 1.0, "done", now()
    record(
        session,
        kind=EventKind.SIGHTING_VERDICT,
        tenant_id=sighting.tenant_id,
        sighting_id=sighting.id,
        asset_id=sighting.asset_id,
        outcome=outcome.value,
    )


def _progress(context: Context, sighting_id: str, value: float) -> None:
    with context.database.writing() as session:
        sighting = _open(session, sighting_id)
        if sighting is not None:
            sighting.progress = value


def _ready(session: Session, asset_id: str) -> Asset | None:
    query = everywhere(Asset).where(Asset.id == asset_id, Asset.deleted_at.is_(None))
    return session.scalar(query.where(Asset.state == AssetState.READY.value))


def _open(session: Session, sighting_id: str) -> Sighting | None:
    """Fetch the sighting unless it has ended."""
    sighting = session.scalar(everywhere(Sighting).where(Sighting.id == sighting_id))
    return sighting if sighting is not None and SightingState(sighting.state) in OPEN_STATES else None
