"""Which segments of a video are prepared: a row is written when all parts of one are at rest, and never changed.

Two runs of one segment may choose differently, and their parts must not be mixed. So every run stores its parts under
a bundle of its own, and the row says which bundle counts; the first row wins.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base, TenantRow, UtcDateTime, now


class VideoSegment(TenantRow, Base):
    """One prepared segment of an asset."""

    __tablename__ = "video_segments"
    __table_args__ = (sa.UniqueConstraint("asset_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    asset_id: Mapped[str] = mapped_column(ForeignKey("assets.id"))
    number: Mapped[int]
    bundle: Mapped[str] = mapped_column(String(32))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
