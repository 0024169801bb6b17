"""Copies: which serial of which asset went to whom. The pixels are made anew whenever they are asked for."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base, TenantRow, UtcDateTime, new_id, now


class CopyKind(StrEnum):
    """Who a copy is for: somebody outside, or somebody who looks at the asset in the console."""

    RECIPIENT = "recipient"
    VIEWER = "viewer"


class Copy(TenantRow, Base):
    """One serial within its asset, dense from 1 and never used again; one per recipient and one per viewer."""

    __tablename__ = "copies"
    __table_args__ = (
        sa.UniqueConstraint("asset_id", "serial"),
        sa.UniqueConstraint("asset_id", "recipient_id"),
        sa.UniqueConstraint("asset_id", "viewer_id"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("cpy"))
    asset_id: Mapped[str] = mapped_column(ForeignKey("assets.id"))
    kind: Mapped[str] = mapped_column(String(20))
    serial: Mapped[int]
    recipient_id: Mapped[str | None] = mapped_column(ForeignKey("recipients.id"), index=True)
    viewer_id: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
