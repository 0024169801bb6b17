"""Issuing copies, and the copy that each viewer gets of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.assets.models import Asset
from service.assets.service import require as require_asset
from service.assets.service import require_ready
from service.copies.models import Copy, CopyKind
from service.db import new_id, now, scoped
from service.errors import Invalid, NotFound
from service.events.models import EventKind
from service.events.service import record, record_many
from service.identity.roles import Principal
from service.pages import Window, paged
from service.recipients.models import Recipient
from service.recipients.service import RecipientNotFound

MAX_AT_ONCE = 10_000
_CHUNK = 500


class CopyNotFound(NotFound):
    """There is no copy under this id."""


class NobodyToIssueTo(Invalid):
    """There are no recipients to issue copies to."""

    hint = "Add or import recipients first."


class TooManyAtOnce(Invalid):
    """At most 10,000 copies can be issued at once."""

    hint = "Issue in several requests, each naming some of the recipients."


@dataclass(frozen=True)
class Issue:
    """What issuing did."""

    issued: int
    existing: int
    total: int


def issue(
    session: Session, *, principal: Principal, asset_id: str, recipients: Sequence[str] | Literal["all"]
) -> Issue:
    """Give each recipient a copy of the asset, unless they have one.

    Raises
    ------
    AssetNotFound, AssetNotReady, RecipientNotFound, NobodyToIssueTo, TooManyAtOnce
    """
    asset = require_ready(session, principal=principal, asset_id=asset_id, lock=True)
    wanted = _recipients(session, principal, recipients)
    held = scoped(session, Copy, principal).where(Copy.asset_id == asset_id, Copy.recipient_id.is_not(None))
    have = set(session.scalars(held.with_only_columns(Copy.recipient_id)))
    new = [recipient for recipient in wanted if recipient not in have]
    if len(new) > MAX_AT_ONCE:
        raise TooManyAtOnce
    rows: list[dict[str, Any]] = [
        {
            "id": new_id("cpy"),
            "tenant_id": principal.tenant_id,
            "asset_id": asset_id,
            "kind": CopyKind.RECIPIENT.value,
            "serial": asset.last_serial + number,
            "recipient_id": recipient,
            "viewer_id": None,
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
    return Issue(issued=len(new), existing=len(wanted) - len(new), total=len(have) + len(new))


def list_(
    session: Session, *, principal: Principal, asset_id: str, window: Window
) -> tuple[list[tuple[Copy, str | None]], int]:
    """Return one page of an asset's copies for recipients with their aliases, by serial; raises AssetNotFound."""
    require_asset(session, principal=principal, asset_id=asset_id)
    query = scoped(session, Copy, principal).where(Copy.asset_id == asset_id, Copy.kind == CopyKind.RECIPIENT.value)
    rows, total = paged(session, query.order_by(Copy.serial), window)
    names = aliases(session, principal=principal, recipient_ids=[row.recipient_id for row in rows])
    return [(row, names.get(row.recipient_id or "")) for row in rows], total


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

    No unmarked pixel leaves: what a viewer sees on the screen can be photographed, so it is a copy of their own.
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
