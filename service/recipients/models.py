"""Recipients: an alias that the brand chose, and perhaps a sealed contact."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base, TenantRow, UtcDateTime, new_id, now


class Recipient(TenantRow, Base):
    """Somebody who gets copies; ``alias_key`` is the alias folded for comparison, ``contact_hash`` serves equality."""

    __tablename__ = "recipients"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "alias_key"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("rcp"))
    alias: Mapped[str] = mapped_column(String(200))
    alias_key: Mapped[str] = mapped_column(String(200))
    contact_sealed: Mapped[bytes | None]
    contact_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
