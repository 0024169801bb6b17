"""Assets: a title, a state, sealed keys, and names of encrypted files."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base, TenantRow, UtcDateTime, new_id, now
from service.videos.content import Kind


class AssetState(StrEnum):
    """Where an asset is on its way."""

    RECEIVED = "received"
    PREPARING = "preparing"
    HELD = "held"
    READY = "ready"
    FAILED = "failed"


TRANSITIONS: dict[AssetState, frozenset[AssetState]] = {
    AssetState.RECEIVED: frozenset({AssetState.PREPARING, AssetState.FAILED}),
    AssetState.PREPARING: frozenset({AssetState.READY, AssetState.HELD, AssetState.FAILED}),
    AssetState.HELD: frozenset({AssetState.READY}),
    AssetState.READY: frozenset(),
    AssetState.FAILED: frozenset(),
}
"""A held asset is prepared but failed its preflight; it becomes ready when its uploader releases it knowingly."""


class Asset(TenantRow, Base):
    """One unreleased picture or video.

    ``data_key`` encrypts its files and ``mark_key`` drives its mark; both are sealed with the brand's key and wiped
    when the asset is deleted, which shreds every file at once. ``last_serial`` counts copies and never goes back.
    ``certificate`` is what the preflight measured; videos have none, nor assets prepared before there was one.
    ``duration_s``, ``segments`` and ``notes`` (what copies lose against the source) are a video's.
    """

    __tablename__ = "assets"
    __table_args__ = (sa.Index("ix_assets_tenant_id_id", "tenant_id", "id"),)  # many of a brand's at once, by their ids

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("ast"))
    kind: Mapped[str] = mapped_column(String(10), default=Kind.PICTURE.value, server_default=Kind.PICTURE.value)
    title: Mapped[str] = mapped_column(String(300))
    embargo_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(20), default=AssetState.RECEIVED.value)
    progress: Mapped[float] = mapped_column(default=0.0)
    problem: Mapped[str | None] = mapped_column(Text)
    hint: Mapped[str | None] = mapped_column(Text)
    format: Mapped[str | None] = mapped_column(String(10))
    width: Mapped[int | None]
    height: Mapped[int | None]
    duration_s: Mapped[float | None]
    segments: Mapped[int | None]
    notes: Mapped[list[str] | None] = mapped_column(sa.JSON)
    size_bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    certificate: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    data_key: Mapped[bytes] = mapped_column(LargeBinary)
    mark_key: Mapped[bytes] = mapped_column(LargeBinary)
    last_serial: Mapped[int] = mapped_column(default=0)
    created_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def blob(self, what: str) -> str:
        """Name one of the asset's encrypted files."""
        return f"{self.tenant_id}/{self.id}/{what}"

    def advance(self, to: AssetState) -> None:
        """Change the state along :data:`TRANSITIONS`; staying is fine, because steps may run twice."""
        state = AssetState(self.state)
        if to is not state and to not in TRANSITIONS[state]:
            raise ValueError(f"an asset cannot go from {state} to {to}")
        self.state = to.value
