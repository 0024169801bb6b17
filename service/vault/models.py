"""What the database remembers about the key: enough to recognise it, nothing to derive it from."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base


class KeyCheck(Base):
    """One row: a keyed hash that only the right key file reproduces."""

    __tablename__ = "key_checks"

    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(String(64))
