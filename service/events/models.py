"""The record of what happened: rows are added and never changed; the database itself refuses change and removal."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base, TenantRow, UtcDateTime, now


class EventKind(StrEnum):
    """Everything that is recorded, named in this one place."""

    BRAND_CREATED = "brand.created"
    SIGNED_IN = "console.signed_in"
    TOKEN_REVOKED = "token.revoked"  # noqa: S105  the name of an event
    EXTENSION_ADMITTED = "extension.admitted"
    EXTENSION_REVOKED = "extension.revoked"
    ASSET_RECEIVED = "asset.received"
    ASSET_READY = "asset.ready"
    ASSET_HELD = "asset.held"
    ASSET_RELEASED = "asset.released"
    ASSET_FAILED = "asset.failed"
    ASSET_DELETED = "asset.deleted"
    RECIPIENTS_ADDED = "recipients.added"
    COPY_ISSUED = "copy.issued"
    COPIES_RELEASED = "copies.released"
    COPIES_HELD = "copies.held"
    COPY_DOWNLOADED = "copy.downloaded"
    COPY_VIEWED = "copy.viewed"
    LOOKUP_HIT = "lookup.hit"
    SIGHTING_RECEIVED = "sighting.received"
    SIGHTING_VERDICT = "sighting.verdict"
    COPY_NAMED = "copy.named"
    SIGHTING_FAILED = "sighting.failed"
    LEAK_VIEWED = "leak.viewed"


class Event(TenantRow, Base):
    """One thing that happened; ``id`` gives the order."""

    __tablename__ = "events"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    kind: Mapped[str] = mapped_column(String(40))
    principal_id: Mapped[str | None] = mapped_column(String(40))
    asset_id: Mapped[str | None] = mapped_column(String(40), index=True)
    copy_id: Mapped[str | None] = mapped_column(String(40), index=True)
    recipient_id: Mapped[str | None] = mapped_column(String(40), index=True)
    sighting_id: Mapped[str | None] = mapped_column(String(40), index=True)
    detail: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
