"""Recording of events, always in the same transaction as what they record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.db import now
from service.events.models import Event, EventKind


def record(
    session: Session,
    *,
    kind: EventKind,
    tenant_id: str,
    principal_id: str | None = None,
    asset_id: str | None = None,
    copy_id: str | None = None,
    recipient_id: str | None = None,
    sighting_id: str | None = None,
    **detail: Any,
) -> None:
    """Append one event; ``detail`` must hold no personal data and no address of a third party."""
    session.add(
        Event(
            kind=kind.value,
            tenant_id=tenant_id,
            principal_id=principal_id,
            asset_id=asset_id,
            copy_id=copy_id,
            recipient_id=recipient_id,
            sighting_id=sighting_id,
            detail=detail,
        )
    )


def record_many(
    session: Session, *, kind: EventKind, tenant_id: str, principal_id: str | None, rows: Sequence[dict[str, Any]]
) -> None:
    """Append many events of one kind at once; each row names its asset_id, copy_id, recipient_id, or gives a detail."""
    if not rows:
        return
    common: dict[str, Any] = {
        "kind": kind.value,
        "tenant_id": tenant_id,
        "principal_id": principal_id,
        "at": now(),
        "detail": {},
    }
    empty = {"asset_id": None, "copy_id": None, "recipient_id": None, "sighting_id": None}
    session.execute(sa.insert(Event), [{**empty, **common, **row} for row in rows])
