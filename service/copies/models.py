"""Copies: which serial of which asset went to whom. The pixels are made anew whenever they are asked for.

Copies are issued in batches, and a batch goes out only after a sample of it was read back::

    checking ──▶ released
        ▲ │
        │ ▼
        held
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base, TenantRow, UtcDateTime, new_id, now


class CopyKind(StrEnum):
    """Who a copy is for: somebody outside, or somebody who looks at the asset in the console."""

    RECIPIENT = "recipient"
    VIEWER = "viewer"


class BatchState(StrEnum):
    """Where a batch of copies is on its way out."""

    CHECKING = "checking"
    RELEASED = "released"
    HELD = "held"


TRANSITIONS: dict[BatchState, frozenset[BatchState]] = {
    BatchState.CHECKING: frozenset({BatchState.RELEASED, BatchState.HELD}),
    BatchState.RELEASED: frozenset(),
    BatchState.HELD: frozenset({BatchState.CHECKING}),
}


class CopyBatch(TenantRow, Base):
    """The copies of one issue, of consecutive serials; ``checked`` are those that were read back so far."""

    __tablename__ = "copy_batches"

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("bat"))
    asset_id: Mapped[str] = mapped_column(ForeignKey("assets.id"), index=True)
    first_serial: Mapped[int]
    last_serial: Mapped[int]
    state: Mapped[str] = mapped_column(String(20), default=BatchState.CHECKING.value)
    reason: Mapped[str | None] = mapped_column(Text)
    checked: Mapped[list[int]] = mapped_column(sa.JSON, default=list)
    created_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def advance(self, to: BatchState) -> None:
        """Change the state along :data:`TRANSITIONS`; staying is fine, because steps may run twice."""
        state = BatchState(self.state)
        if to is not state and to not in TRANSITIONS[state]:
            raise ValueError(f"a batch cannot go from {state} to {to}")
        self.state = to.value


class Copy(TenantRow, Base):
    """One serial within its asset, dense from 1 and never used again; one per recipient and one per viewer.

    A viewer's copy belongs to no batch: it is only ever shown shrunk, and nobody waits for its check.
    """

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
    batch_id: Mapped[str | None] = mapped_column(String(40), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
