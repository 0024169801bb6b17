"""Fingerprints at rest: append-only logs that every process follows by id, and the tombstones that end them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base, TenantRow, UtcDateTime, now


class HashKind(StrEnum):
    """The perceptual hashes that are understood."""

    PDQ = "pdq"
    PHASH = "phash"
    DHASH = "dhash"


class Fingerprint(TenantRow, Base):
    """One code of an asset: 32 bytes of PDQ in one of 8 orientations, or 8 bytes of pHash or dHash.

    A video has codes of many moments; ``at_s`` says which.
    """

    __tablename__ = "fingerprints"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    asset_id: Mapped[str] = mapped_column(String(40), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    orientation: Mapped[int]
    code: Mapped[bytes] = mapped_column(LargeBinary)
    quality: Mapped[int]
    at_s: Mapped[float | None]


class Landmarks(TenantRow, Base):
    """An asset's local features, sealed: descriptors allow a rough drawing of the picture; of a video, one moment's."""

    __tablename__ = "landmarks"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    asset_id: Mapped[str] = mapped_column(String(40), index=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)
    at_s: Mapped[float | None]


class Removal(TenantRow, Base):
    """A tombstone: this asset is no longer to be found."""

    __tablename__ = "removals"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    asset_id: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
