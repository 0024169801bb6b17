"""The jobs that make a video ready: outline it, prepare its segments, join them, make it findable.

    prepare-video ──hands out──▶ prepare-segment (k) ──hands on──▶ (k + LANES) … ──the last──▶ join-video

A segment is a job of its own, so a killed process loses one segment's work and the next start goes on with those that
have no row. Only a few are handed out at a time, each by the one before it: a sighting that comes in while an hour of
video is being prepared waits for those few and not for all. Every step may run twice; see :mod:`service.videos.models`
for what keeps two runs of a segment apart.
"""

from __future__ import annotations

import contextlib
import secrets

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from service.assets.models import Asset, AssetState
from service.assets.service import PREPARE_VIDEO, data_key, mark_key, video_limits
from service.assets.work import fail, finish
from service.context import Context
from service.db import everywhere
from service.jobs.job import Job
from service.lookups.models import Fingerprint, HashKind, Landmarks
from service.tenants.service import vault_of
from service.videos import pixels
from service.videos.films import bundles_of, lent
from service.videos.models import VideoSegment
from service.videos.store import FILM, bundle_name, part_name

PREPARE_SEGMENT, JOIN = "prepare-segment", "join-video"
LANES = 4
"""Segments of one video under way at a time, on as many workers as there are."""
FORMAT = "MP4"
_UNDER_WAY = (AssetState.RECEIVED.value, AssetState.PREPARING.value)
_SEGMENTS_END = 0.92  # of the progress


def prepare_video_job(context: Context) -> Job:
    """Bind the first steps to a context."""
    return Job(
        kind=PREPARE_VIDEO,
        steps=(lambda asset_id: outline(context, asset_id), lambda asset_id: hand_out(context, asset_id)),
        failed=lambda asset_id, error: give_up(context, asset_id, error),
    )


def segment_job(context: Context) -> Job:
    """Bind the steps of one segment to a context; the subject is the asset's id and the segment's number."""
    return Job(
        kind=PREPARE_SEGMENT,
        steps=(lambda subject: make(context, *split(subject)), lambda subject: hand_on(context, *split(subject))),
        failed=lambda subject, error: give_up(context, split(subject)[0], error),
    )


def join_job(context: Context) -> Job:
    """Bind the last steps to a context."""
    return Job(
        kind=JOIN,
        steps=(lambda asset_id: join(context, asset_id), lambda asset_id: finish(context, asset_id)),
        failed=lambda asset_id, error: give_up(context, asset_id, error),
    )


def give_up(context: Context, asset_id: str, error: Exception) -> None:
    """Record why there will be no video, and keep nothing of what was made of it."""
    fail(context, asset_id, error)
    with context.database.reading() as session:
        asset = session.scalar(everywhere(Asset).where(Asset.id == asset_id))
    if asset is not None and asset.state == AssetState.FAILED.value:
        context.blobs.delete_under(asset.blob(FILM))


def split(subject: str) -> tuple[str, int]:
    """Read the subject of a segment's job.

    >>> split("ast_1:12")
    ('ast_1', 12)
    """
    asset_id, _, number = subject.rpartition(":")
    return asset_id, int(number)


def outline(context: Context, asset_id: str) -> None:
    """Find out what the video is and into how many segments it is cut."""
    with context.database.writing() as session:
        asset = _open(session, asset_id)
        if asset is None:
            return
        asset.advance(AssetState.PREPARING)
        asset.progress = max(asset.progress, 0.01)
        mark = mark_key(session, context=context, asset=asset)
    with lent(context, asset=asset) as parts:
        found = context.pool.run(pixels.outline, parts, mark, video_limits(context.settings))
    with context.database.writing() as session:
        asset = _open(session, asset_id)
        if asset is not None:
            asset.format, asset.width, asset.height = FORMAT, found.width, found.height
            asset.duration_s, asset.segments = found.duration_s, found.segments


def hand_out(context: Context, asset_id: str) -> None:
    """Have the first missing segment of each lane prepared, or the whole joined if none is missing."""
    missing = _missing(context, asset_id)
    if missing is None:
        return
    first: dict[int, int] = {}
    for number in missing:
        first.setdefault(number % LANES, number)
    for number in first.values():
        context.jobs.submit(PREPARE_SEGMENT, f"{asset_id}:{number}")
    if not missing:
        context.jobs.submit(JOIN, asset_id)


def make(context: Context, asset_id: str, number: int) -> None:
    """Prepare one segment in a worker and put its parts at rest."""
    with context.database.reading() as session:
        asset = _open(session, asset_id)
        if asset is None or number in bundles_of(session, asset=asset):
            return
        key = data_key(session, context=context, asset=asset)
        mark = mark_key(session, context=context, asset=asset)
    settings = context.settings
    with lent(context, asset=asset, told=lambda share: note(context, asset_id, share)) as parts:
        made = context.pool.run_within(
            settings.video_timeout_s, 3600.0, pixels.make_segment, parts, mark, number, video_limits(settings)
        )
    bundle, counts = secrets.token_hex(8), False
    try:
        for name, data in made.items():
            context.blobs.put_once(asset.blob(part_name(name, {number: bundle})), data, key=key, durable=True)
        counts = _count(context, asset_id, number, bundle)
    finally:
        if not counts:
            context.blobs.delete_under(asset.blob(bundle_name(number, bundle)))


def _count(context: Context, asset_id: str, number: int, bundle: str) -> bool:
    """Make a bundle the one that counts, unless another does or the asset needs none any more."""
    with context.database.writing() as session:
        asset = _open(session, asset_id, lock=True)
        if asset is None or asset.segments is None:
            return False
        known = bundles_of(session, asset=asset)
        if number in known:
            return False
        session.add(VideoSegment(tenant_id=asset.tenant_id, asset_id=asset_id, number=number, bundle=bundle))
        asset.progress = max(asset.progress, _SEGMENTS_END * (len(known) + 1) / asset.segments)
    return True


def note(context: Context, asset_id: str, share: float) -> None:
    """Move an asset's progress on by what is done of a segment under way; where that fails, the work goes on."""
    with contextlib.suppress(SQLAlchemyError), context.database.writing() as session:
        asset = _open(session, asset_id)
        if asset is not None and asset.segments is not None:
            done = len(bundles_of(session, asset=asset)) + min(max(share, 0.0), 1.0)
            asset.progress = max(asset.progress, _SEGMENTS_END * done / asset.segments)


def hand_on(context: Context, asset_id: str, number: int) -> None:
    """Have the lane's next missing segment prepared; whoever finds none missing at all has the whole joined."""
    missing = _missing(context, asset_id)
    if missing is None:
        return
    after = next((k for k in missing if k > number and k % LANES == number % LANES), None)
    if after is not None:
        context.jobs.submit(PREPARE_SEGMENT, f"{asset_id}:{after}")
    elif not missing:
        context.jobs.submit(JOIN, asset_id)


def join(context: Context, asset_id: str) -> None:
    """Close the video over its segments, and make it findable by every moment that looks different."""
    with context.database.reading() as session:
        asset = _open(session, asset_id)
        if asset is None:
            return
        key = data_key(session, context=context, asset=asset)
        mark = mark_key(session, context=context, asset=asset)
    settings = context.settings
    with lent(context, asset=asset) as parts:
        joined = context.pool.run_within(
            settings.video_timeout_s, 3600.0, pixels.join, parts, mark, video_limits(settings)
        )
    last = pixels.MASTER
    for name in [*(name for name in joined.parts if name != last), last]:
        context.blobs.put_once(asset.blob(part_name(name, {})), joined.parts[name], key=key, durable=True)
    with context.database.writing() as session:
        asset = _open(session, asset_id, lock=True)  # a deletion waits, or has happened
        known = session.scalar(everywhere(Fingerprint).where(Fingerprint.asset_id == asset_id).limit(1))
        if asset is None or known is not None:
            return
        asset.notes = list(joined.notes)
        _findable(session, context, asset, joined)


def _findable(session: Session, context: Context, asset: Asset, joined: pixels.Joined) -> None:
    session.add_all(
        Fingerprint(
            tenant_id=asset.tenant_id,
            asset_id=asset.id,
            kind=HashKind.PDQ.value,
            orientation=turn,
            code=code,
            quality=moment.quality,
            at_s=moment.at_s,
        )
        for moment in joined.moments
        for turn, code in enumerate(moment.pdq)
    )
    own = vault_of(session, vault=context.vault, tenant_id=asset.tenant_id)
    for at_s, data in joined.landmarks:
        sealed = own.seal(data, place=f"asset/{asset.id}/landmarks")
        session.add(Landmarks(tenant_id=asset.tenant_id, asset_id=asset.id, data=sealed, at_s=at_s))


def _missing(context: Context, asset_id: str) -> list[int] | None:
    """The segments without a row, in order; None when there is nothing left to do for the asset."""
    with context.database.reading() as session:
        asset = _open(session, asset_id)
        if asset is None or asset.segments is None:
            return None
        known = bundles_of(session, asset=asset)
    return [number for number in range(asset.segments) if number not in known]


def _open(session: Session, asset_id: str, *, lock: bool = False) -> Asset | None:
    """Fetch the asset unless there is nothing left to do for it."""
    query = everywhere(Asset).where(Asset.id == asset_id)
    asset = session.scalar(query.with_for_update() if lock else query)
    if asset is None or asset.deleted_at is not None or asset.state not in _UNDER_WAY:
        return None
    return asset
