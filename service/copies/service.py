"""Issuing copies in batches, and the copy that each viewer gets of their own.

A batch is checked by :mod:`service.copies.work` before any copy of it can be downloaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.assets.models import Asset
from service.assets.service import require as require_asset
from service.assets.service import require_ready
from service.context import Context
from service.copies.models import BatchState, Copy, CopyBatch, CopyKind
from service.db import after_commit, new_id, now, scoped
from service.errors import Conflict, Invalid, NotFound
from service.events.models import EventKind
from service.events.service import record, record_many
from service.identity.roles import Principal
from service.pages import Window, paged
from service.recipients.models import Recipient
from service.recipients.service import RecipientNotFound

CHECK = "check-copies"
MAX_AT_ONCE = 10_000
_CHUNK = 500


class CopyNotFound(NotFound):
    """There is no copy under this id."""


class BatchNotFound(NotFound):
    """There is no batch of copies under this id."""


class CopyBeingChecked(Conflict):
    """This copy is being checked: it cannot be downloaded before its batch was read back."""

    hint = "Try again in a moment."


class CopyHeld(Conflict):
    """This copy is held: its batch did not pass its check."""

    hint = "Issue to the same recipients again to have the batch checked again; if it stays held, tell the operator."


class NobodyToIssueTo(Invalid):
    """There are no recipients to issue copies to."""

    hint = "Add or import recipients first."


class TooManyAtOnce(Invalid):
    """At most 10,000 copies can be issued at once."""

    hint = "Issue in several requests, each naming some of the recipients."


@dataclass(frozen=True)
class Issue:
    """What issuing did; ``batch`` holds the new copies and is None when there are none."""

    issued: int
    existing: int
    total: int
    batch: CopyBatch | None


def issue(
    session: Session,
    *,
    context: Context,
    principal: Principal,
    asset_id: str,
    recipients: Sequence[str] | Literal["all"],
) -> Issue:
    """Give each recipient a copy of the asset, unless they have one, and have the new ones checked.

    Batches of this asset that were held, or whose check never ended, are checked again.

    Raises
    ------
    AssetNotFound, AssetNotReady, AssetHeld, RecipientNotFound, NobodyToIssueTo, TooManyAtOnce
    """
    asset = require_ready(session, principal=principal, asset_id=asset_id, lock=True)
    wanted = _recipients(session, principal, recipients)
    held = scoped(session, Copy, principal).where(Copy.asset_id == asset_id, Copy.recipient_id.is_not(None))
    have = set(session.scalars(held.with_only_columns(Copy.recipient_id)))
    new = [recipient for recipient in wanted if recipient not in have]
    if len(new) > MAX_AT_ONCE:
        raise TooManyAtOnce
    check_again(session, context=context, principal=principal, asset_id=asset_id)
    batch = _new_batch(session, context=context, principal=principal, asset=asset, size=len(new)) if new else None
    rows: list[dict[str, Any]] = [
        {
            "id": new_id("cpy"),
            "tenant_id": principal.tenant_id,
            "asset_id": asset_id,
            "kind": CopyKind.RECIPIENT.value,
            "serial": asset.last_serial + number,
            "recipient_id": recipient,
            "viewer_id": None,
            "batch_id": batch.id if batch is not None else None,
            "created_at": now(),
        }
        for number, recipient in enumerate(new, start=1)
    ]
    if rows:
        asset.last_serial += len(rows)
        session.execute(sa.insert(Copy), rows)
        record_many(
            session,
            kind=EventKind.COPY_ISSUED,
            tenant_id=principal.tenant_id,
            principal_id=principal.id,
            rows=[{"asset_id": asset_id, "copy_id": row["id"], "recipient_id": row["recipient_id"]} for row in rows],
        )
    return Issue(issued=len(new), existing=len(wanted) - len(new), total=len(have) + len(new), batch=batch)


def _new_batch(session: Session, *, context: Context, principal: Principal, asset: Asset, size: int) -> CopyBatch:
    """Open the batch of the next serials, and have it checked once it can be seen."""
    batch = CopyBatch(
        id=new_id("bat"),
        tenant_id=asset.tenant_id,
        asset_id=asset.id,
        first_serial=asset.last_serial + 1,
        last_serial=asset.last_serial + size,
        state=BatchState.CHECKING.value,
        created_by=principal.id,
    )
    session.add(batch)
    session.flush()
    after_commit(session, lambda: context.jobs.submit(CHECK, batch.id))
    return batch


def check_again(session: Session, *, context: Context, principal: Principal, asset_id: str) -> None:
    """Have an asset's batches checked again that were held, or whose check never ended.

    Raises
    ------
    AssetNotFound, AssetNotReady, AssetHeld
    """
    require_ready(session, principal=principal, asset_id=asset_id, lock=True)
    query = scoped(session, CopyBatch, principal).where(
        CopyBatch.asset_id == asset_id, CopyBatch.state != BatchState.RELEASED.value
    )
    for batch in session.scalars(query):
        if batch.state == BatchState.HELD.value:
            batch.advance(BatchState.CHECKING)
            batch.reason, batch.checked, batch.ended_at = None, [], None
        after_commit(session, partial(context.jobs.submit, CHECK, batch.id))


def list_(
    session: Session, *, principal: Principal, asset_id: str, window: Window
) -> tuple[list[tuple[Copy, str | None, BatchState]], int]:
    """Return one page of an asset's copies for recipients, by serial, each with its recipient's alias and its state.

    Raises
    ------
    AssetNotFound
    """
    require_asset(session, principal=principal, asset_id=asset_id)
    query = scoped(session, Copy, principal).where(Copy.asset_id == asset_id, Copy.kind == CopyKind.RECIPIENT.value)
    rows, total = paged(session, query.order_by(Copy.serial), window)
    names = aliases(session, principal=principal, recipient_ids=[row.recipient_id for row in rows])
    states = _states(session, principal=principal, batch_ids={row.batch_id for row in rows if row.batch_id})
    return [
        (row, names.get(row.recipient_id or ""), states.get(row.batch_id or "", BatchState.RELEASED)) for row in rows
    ], total


def batches(
    session: Session, *, principal: Principal, asset_id: str, state: BatchState, window: Window
) -> tuple[list[CopyBatch], int]:
    """Return an asset's batches that are in one state, oldest first, and how many there are."""
    query = scoped(session, CopyBatch, principal).where(CopyBatch.asset_id == asset_id, CopyBatch.state == state.value)
    return paged(session, query.order_by(CopyBatch.first_serial), window)


def require_batch(session: Session, *, principal: Principal, batch_id: str) -> CopyBatch:
    """Return one batch of copies; raises :class:`BatchNotFound`."""
    row = session.scalar(scoped(session, CopyBatch, principal).where(CopyBatch.id == batch_id))
    if row is None:
        raise BatchNotFound
    return row


def require_released(session: Session, *, principal: Principal, copy: Copy) -> None:
    """Refuse a copy whose batch was not released; a copy without a batch was issued before there were any.

    Raises
    ------
    CopyBeingChecked, CopyHeld
    """
    if copy.batch_id is None:
        return
    batch = require_batch(session, principal=principal, batch_id=copy.batch_id)
    if batch.state == BatchState.CHECKING.value:
        raise CopyBeingChecked(state=batch.state, batch_id=batch.id)
    if batch.state == BatchState.HELD.value:
        raise CopyHeld(f"This copy is held. {batch.reason or ''}".strip(), state=batch.state, batch_id=batch.id)


def _states(session: Session, *, principal: Principal, batch_ids: set[str]) -> dict[str, BatchState]:
    rows = session.scalars(scoped(session, CopyBatch, principal).where(CopyBatch.id.in_(batch_ids)))
    return {row.id: BatchState(row.state) for row in rows}


def require(session: Session, *, principal: Principal, copy_id: str) -> Copy:
    """Return one copy for a recipient; raises :class:`CopyNotFound`, also for another viewer's copy."""
    query = scoped(session, Copy, principal).where(Copy.id == copy_id, Copy.kind == CopyKind.RECIPIENT.value)
    row = session.scalar(query)
    if row is None:
        raise CopyNotFound
    return row


def by_serials(session: Session, *, principal: Principal, asset_id: str, serials: Sequence[int]) -> list[Copy]:
    """Return the copies with these serials, of either kind."""
    query = scoped(session, Copy, principal).where(Copy.asset_id == asset_id, Copy.serial.in_(serials))
    return list(session.scalars(query))


def by_ids(session: Session, *, principal: Principal, copy_ids: Sequence[str]) -> dict[str, Copy]:
    """Return copies of either kind by id."""
    return {row.id: row for row in session.scalars(scoped(session, Copy, principal).where(Copy.id.in_(copy_ids)))}


def aliases(session: Session, *, principal: Principal, recipient_ids: Sequence[str | None]) -> dict[str, str]:
    """Return the aliases of some recipients."""
    found: dict[str, str] = {}
    known = [recipient for recipient in recipient_ids if recipient]
    for start in range(0, len(known), _CHUNK):
        query = scoped(session, Recipient, principal).where(Recipient.id.in_(known[start : start + _CHUNK]))
        found |= {row.id: row.alias for row in session.scalars(query)}
    return found


def viewer_copy(session: Session, *, principal: Principal, asset: Asset) -> Copy:
    """Return the copy of whoever looks at an asset in the console, made at the first look.

    No unmarked pixel leaves: what a viewer sees on the screen can be photographed, so it is a copy of their own. It
    is not read back first, as batches are: it leaves only as a shrunk preview, and the asset's preflight spoke for it.
    """
    query = scoped(session, Copy, principal).where(Copy.asset_id == asset.id, Copy.viewer_id == principal.id)
    row = session.scalar(query)
    if row is not None:
        return row
    locked = require_ready(session, principal=principal, asset_id=asset.id, lock=True)
    locked.last_serial += 1
    row = Copy(
        id=new_id("cpy"),
        tenant_id=principal.tenant_id,
        asset_id=asset.id,
        kind=CopyKind.VIEWER.value,
        serial=locked.last_serial,
        viewer_id=principal.id,
    )
    session.add(row)
    record(
        session,
        kind=EventKind.COPY_ISSUED,
        tenant_id=row.tenant_id,
        principal_id=principal.id,
        asset_id=asset.id,
        copy_id=row.id,
        to="viewer",
    )
    session.flush()
    return row


def _recipients(session: Session, principal: Principal, wanted: Sequence[str] | Literal["all"]) -> list[str]:
    if wanted == "all":
        query = scoped(session, Recipient, principal).order_by(Recipient.created_at, Recipient.alias_key)
        everyone = list(session.scalars(query.with_only_columns(Recipient.id)))
        if not everyone:
            raise NobodyToIssueTo
        return everyone
    unique = list(dict.fromkeys(wanted))
    known: set[str] = set()
    for start in range(0, len(unique), _CHUNK):
        query = scoped(session, Recipient, principal).where(Recipient.id.in_(unique[start : start + _CHUNK]))
        known.update(session.scalars(query.with_only_columns(Recipient.id)))
    if missing := [recipient for recipient in unique if recipient not in known]:
        raise RecipientNotFound(f"{len(missing)} of the recipients do not exist.", missing=missing[:100])
    return unique
