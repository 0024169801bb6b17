"""Answers kept for a day, so that a request sent twice is done once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base, UtcDateTime, now


class KeptAnswer(Base):
    """The answer to one idempotency key of one caller on one route; ``status`` is null while it is being made."""

    __tablename__ = "kept_answers"

    scope: Mapped[str] = mapped_column(String(64), primary_key=True)
    body_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None]
    media_type: Mapped[str | None] = mapped_column(String(100))
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
