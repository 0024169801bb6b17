"""Sightings: a found picture, where it was found, and what came of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base, TenantRow, UtcDateTime, new_id, now
from service.videos.content import Kind


class SightingState(StrEnum):
    """Where a sighting is on its way."""

    RECEIVED = "received"
    RECOGNISING = "recognising"
    TRACING = "tracing"
    DONE = "done"
    FAILED = "failed"


TRANSITIONS: dict[SightingState, frozenset[SightingState]] = {
    SightingState.RECEIVED: frozenset({SightingState.RECOGNISING, SightingState.FAILED}),
    SightingState.RECOGNISING: frozenset({SightingState.TRACING, SightingState.DONE, SightingState.FAILED}),
    SightingState.TRACING: frozenset({SightingState.DONE, SightingState.FAILED}),
    SightingState.DONE: frozenset(),
    SightingState.FAILED: frozenset(),
}
OPEN_STATES = tuple(state for state, after in TRANSITIONS.items() if after)


class Outcome(StrEnum):
    """What a trace can end with."""

    NOT_OURS = "not_ours"
    INCONCLUSIVE = "inconclusive"
    COPY_NAMED = "copy_named"


class Sighting(TenantRow, Base):
    """One found picture or clip. ``verdict`` holds serials only of named copies; below the gate it holds none at all.

    ``capture`` is what the sender says of how and where it was taken, sealed.
    """

    __tablename__ = "sightings"

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("sgt"))
    kind: Mapped[str] = mapped_column(String(10), default=Kind.PICTURE.value, server_default=Kind.PICTURE.value)
    page_url: Mapped[str | None] = mapped_column(Text)
    notes: Mapped[str | None] = mapped_column(Text)
    against_asset_id: Mapped[str | None] = mapped_column(ForeignKey("assets.id"))
    state: Mapped[str] = mapped_column(String(20), default=SightingState.RECEIVED.value)
    progress: Mapped[float] = mapped_column(default=0.0)
    stage: Mapped[str] = mapped_column(String(100), default="waiting")
    problem: Mapped[str | None] = mapped_column(Text)
    hint: Mapped[str | None] = mapped_column(Text)
    ours: Mapped[bool | None]
    candidates: Mapped[list[dict[str, Any]] | None] = mapped_column(sa.JSON)
    outcome: Mapped[str | None] = mapped_column(String(20))
    asset_id: Mapped[str | None] = mapped_column(String(40), index=True)
    verdict: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    has_heat_map: Mapped[bool] = mapped_column(default=False)
    timings: Mapped[dict[str, float]] = mapped_column(sa.JSON, default=dict)
    size_bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    data_key: Mapped[bytes] = mapped_column(LargeBinary)
    capture: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def blob(self, what: str) -> str:
        """Name one of the sighting's encrypted files."""
        return f"{self.tenant_id}/{self.id}/{what}"

    def advance(self, to: SightingState) -> None:
        """Change the state along :data:`TRANSITIONS`; staying is fine, because steps may run twice."""
        state = SightingState(self.state)
        if to is not state and to not in TRANSITIONS[state]:
            raise ValueError(f"a sighting cannot go from {state} to {to}")
        self.state = to.value


class ExhibitKind(StrEnum):
    """Files that come with a found picture."""

    SCREENSHOT = "screenshot"
    FRAME = "frame"


class Exhibit(TenantRow, Base):
    """One such file, sealed beside the picture; ``at_s`` is a frame's time in its video."""

    __tablename__ = "exhibits"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    sighting_id: Mapped[str] = mapped_column(ForeignKey("sightings.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    position: Mapped[int]
    at_s: Mapped[float | None]
    size_bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))


class NamedCopy(TenantRow, Base):
    """A copy that a sighting's verdict names; the link that provenance follows."""

    __tablename__ = "named_copies"
    __table_args__ = (sa.UniqueConstraint("sighting_id", "copy_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sighting_id: Mapped[str] = mapped_column(ForeignKey("sightings.id"))
    copy_id: Mapped[str] = mapped_column(ForeignKey("copies.id"), index=True)
    recipient_id: Mapped[str | None] = mapped_column(String(40), index=True)
