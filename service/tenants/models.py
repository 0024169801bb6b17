"""Brands, called tenants inside: everything else belongs to one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base, UtcDateTime, new_id, now


class Tenant(Base):
    """A brand and its wrapped key."""

    __tablename__ = "tenants"

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("brd"))
    name: Mapped[str] = mapped_column(String(200))
    wrapped_key: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
