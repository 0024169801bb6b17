"""The job that checks a batch of copies before it is released: a sample is rendered, read back, and must name itself.

It answers what no test can: that *this* file of *this* asset, made by *this* installation, still names its copy. A
wrong key, a broken encoder or a damaged master would otherwise show only after the leak.

The step may run twice: a batch that has ended is left alone, and what it did not finish it does again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy.orm import Session

from service.assets.models import Asset
from service.assets.service import data_key
from service.context import Context
from service.copies import pixels
from service.copies.models import BatchState, CopyBatch
from service.copies.rendering import with_master
from service.copies.schemas import copy_name
from service.copies.service import CHECK
from service.db import everywhere, now
from service.events.models import EventKind
from service.events.service import record
from service.jobs.job import Job, is_final
from service.videos.content import Kind
from service.videos.delivery import clip_of
from service.videos.films import lent, movie_of
from service.videos.reading import names

_OURS = "Checking these copies failed on our side."


def check_job(context: Context) -> Job:
    """Bind the step to a context."""
    return Job(
        kind=CHECK,
        steps=(lambda batch_id: check(context, batch_id),),
        failed=lambda batch_id, error: fail(context, batch_id, error),
    )


def sample(batch_id: str, first: int, last: int) -> list[int]:
    """Choose up to three serials: the first, the last, and one in between that the batch's id decides.

    >>> sample("bat_1", 5, 5), sample("bat_1", 5, 6), sample("bat_1", 5, 7)
    ([5], [5, 6], [5, 6, 7])
    """
    if last - first < 2:
        return list(range(first, last + 1))
    draw = int.from_bytes(hashlib.sha256(batch_id.encode()).digest()[:8])
    return [first, first + 1 + draw % (last - first - 1), last]


def check(context: Context, batch_id: str) -> None:
    """Read the sample back against every serial of the asset, and release the batch or hold it.

    An asset that was released knowingly is read in place: that a leak of it may not be found again was accepted, that
    its files name nobody was not.
    """
    with context.database.reading() as session:
        batch, asset = _open(session, batch_id)
        if batch is None or asset is None:
            return
        key = data_key(session, context=context, asset=asset)
    in_place = asset.certificate is not None and not asset.certificate["passed"]
    serials, most = range(1, asset.last_serial + 1), context.settings.max_pixels
    for serial in sample(batch.id, batch.first_serial, batch.last_serial):

        def ask(master: bytes | None, serial: int = serial) -> list[int] | None:
            return context.pool.run(pixels.names, asset.id, master, serial, serials, in_place, most)

        if asset.kind == Kind.VIDEO.value:
            named = _named_by_clip(context, asset, serial, serials)
        else:
            named = with_master(context, asset, key, ask)
        if named != [serial]:
            _end(context, batch_id, BatchState.HELD, _fault(serial, named))
            return
        with context.database.writing() as session:
            found, _ = _open(session, batch_id)
            if found is not None and serial not in found.checked:
                found.checked = [*found.checked, serial]
    _end(context, batch_id, BatchState.RELEASED, None)


def _named_by_clip(context: Context, asset: Asset, serial: int, serials: Sequence[int]) -> list[int]:
    """Read some seconds from the middle of a video's copy back, found in time and place like a stranger's clip."""
    clip, _ = clip_of(movie_of(context, asset=asset), serial, (asset.duration_s or 0.0) / 2)
    with lent(context, asset=asset) as parts:
        return context.pool.run_within(context.settings.video_timeout_s, 3600.0, names, parts, clip, serials)


def fail(context: Context, batch_id: str, error: Exception) -> None:
    """Hold a batch that could not be checked."""
    _end(context, batch_id, BatchState.HELD, f"A copy could not be read back. {error}" if is_final(error) else _OURS)


def unfinished(session: Session) -> list[str]:
    """Name the batches whose check must run: looked up at every start, whatever was lost before."""
    live = everywhere(Asset).where(Asset.deleted_at.is_(None)).with_only_columns(Asset.id)
    query = everywhere(CopyBatch).where(CopyBatch.state == BatchState.CHECKING.value, CopyBatch.asset_id.in_(live))
    return list(session.scalars(query.with_only_columns(CopyBatch.id)))


def _fault(serial: int, named: list[int]) -> str:
    """Say what a copy named instead of itself; the same for a machine's log and for a person."""
    if not named:
        return f"A sample was read back before release, and {copy_name(serial)} named no copy."
    others = ", ".join(copy_name(other) for other in named)
    return f"A sample was read back before release, and {copy_name(serial)} named {others}."


def _end(context: Context, batch_id: str, state: BatchState, reason: str | None) -> None:
    with context.database.writing() as session:
        batch, _ = _open(session, batch_id)
        if batch is None:
            return
        batch.advance(state)
        batch.reason, batch.ended_at = reason, now()
        record(
            session,
            kind=EventKind.COPIES_RELEASED if state is BatchState.RELEASED else EventKind.COPIES_HELD,
            tenant_id=batch.tenant_id,
            asset_id=batch.asset_id,
            batch_id=batch.id,
            serials=[batch.first_serial, batch.last_serial],
            checked=batch.checked,
            reason=reason,
        )


def _open(session: Session, batch_id: str) -> tuple[CopyBatch | None, Asset | None]:
    """Fetch the batch and its asset unless there is nothing left to do for them."""
    batch = session.scalar(everywhere(CopyBatch).where(CopyBatch.id == batch_id))
    if batch is None or batch.state != BatchState.CHECKING.value:
        return None, None
    asset = session.scalar(everywhere(Asset).where(Asset.id == batch.asset_id, Asset.deleted_at.is_(None)))
    return (batch, asset) if asset is not None else (None, None)
