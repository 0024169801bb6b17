"""What the pages show, gathered from the services and counted here; nothing is changed and no pixel is touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.assets import service as assets
from service.assets.schemas import AssetOut
from service.copies import service as copies
from service.copies.models import BatchState, Copy, CopyKind
from service.copies.schemas import BatchOut, CopyOut, copy_name
from service.db import scoped
from service.events.models import Event, EventKind
from service.identity.models import ApiToken, Member
from service.identity.roles import Principal
from service.pages import Window, paged
from service.recipients.models import Recipient

ASSETS_A_PAGE = 24
ROWS_A_PAGE = 50
MOST_CHOICES = 500
HELD_SHOWN = 5


@dataclass(frozen=True)
class Card:
    """An asset and how many recipients have a copy of it."""

    asset: AssetOut
    copies: int

    @property
    def moving(self) -> bool:
        """Whether it is still being prepared."""
        return self.asset.state in ("received", "preparing")


@dataclass(frozen=True)
class CopyLine:
    """A copy with what was done with it."""

    copy: CopyOut
    downloads: int
    last_download: datetime | None


@dataclass(frozen=True)
class Batches:
    """Batches of copies that cannot go out: how many are being checked, and some of those held."""

    checking: int
    held: list[BatchOut]


@dataclass(frozen=True)
class RecipientLine:
    """A recipient and how many copies they have."""

    id: str
    alias: str
    has_contact: bool
    created_at: datetime
    copies: int


def cards(session: Session, *, principal: Principal, window: Window) -> tuple[list[Card], int]:
    """Return one page of assets."""
    rows, total = assets.list_(session, principal=principal, window=window)
    counts = copies_per_asset(session, principal=principal, asset_ids=[row.id for row in rows])
    return [Card(AssetOut.of(row), counts.get(row.id, 0)) for row in rows], total


def card(session: Session, *, principal: Principal, asset_id: str) -> Card:
    """Return one asset; raises AssetNotFound."""
    row = assets.require(session, principal=principal, asset_id=asset_id)
    return Card(AssetOut.of(row), copies_per_asset(session, principal=principal, asset_ids=[row.id]).get(row.id, 0))


def asset_titles(session: Session, *, principal: Principal) -> list[tuple[str, str]]:
    """List assets to choose from, newest first: id and title."""
    rows, _ = assets.list_(session, principal=principal, window=Window(MOST_CHOICES))
    return [(row.id, row.title) for row in rows]


def copies_per_asset(session: Session, *, principal: Principal, asset_ids: Sequence[str]) -> dict[str, int]:
    """Count the copies for recipients; those that viewers look at are not issued to anybody."""
    query = scoped(session, Copy, principal).where(Copy.asset_id.in_(asset_ids), Copy.kind == CopyKind.RECIPIENT.value)
    counted = query.with_only_columns(Copy.asset_id, sa.func.count()).group_by(Copy.asset_id)
    return {row[0]: row[1] for row in session.execute(counted)}


def copy_lines(session: Session, *, principal: Principal, asset_id: str, window: Window) -> tuple[list[CopyLine], int]:
    """Return one page of an asset's copies with their downloads; raises AssetNotFound."""
    rows, total = copies.list_(session, principal=principal, asset_id=asset_id, window=window)
    query = scoped(session, Event, principal).where(
        Event.kind == EventKind.COPY_DOWNLOADED.value, Event.copy_id.in_([row.id for row, _, _ in rows])
    )
    grouped = query.with_only_columns(Event.copy_id, sa.func.count(), sa.func.max(Event.at)).group_by(Event.copy_id)
    done = {copy_id: (count, last) for copy_id, count, last in session.execute(grouped)}
    return [CopyLine(CopyOut.of(*row), *done.get(row[0].id, (0, None))) for row in rows], total


def batches_of(session: Session, *, principal: Principal, asset_id: str) -> Batches:
    """Tell how many of an asset's batches are being checked, and which are held."""
    few = Window(HELD_SHOWN)
    _, checking = copies.batches(
        session, principal=principal, asset_id=asset_id, state=BatchState.CHECKING, window=Window(1)
    )
    held, _ = copies.batches(session, principal=principal, asset_id=asset_id, state=BatchState.HELD, window=few)
    return Batches(checking, [BatchOut.of(row) for row in held])


def without_copy(session: Session, *, principal: Principal, asset_id: str) -> tuple[list[Recipient], int]:
    """Return the first recipients who have no copy of an asset, and how many there are."""
    held = scoped(session, Copy, principal).where(Copy.asset_id == asset_id, Copy.recipient_id.is_not(None))
    query = scoped(session, Recipient, principal).where(Recipient.id.not_in(held.with_only_columns(Copy.recipient_id)))
    return paged(session, query.order_by(Recipient.alias_key), Window(MOST_CHOICES))


def recipient_lines(session: Session, *, principal: Principal, rows: Sequence[Recipient]) -> list[RecipientLine]:
    """Show recipients with the number of their copies."""
    query = scoped(session, Copy, principal).where(Copy.recipient_id.in_([row.id for row in rows]))
    grouped = query.with_only_columns(Copy.recipient_id, sa.func.count()).group_by(Copy.recipient_id)
    counts = {row[0]: row[1] for row in session.execute(grouped)}
    return [
        RecipientLine(row.id, row.alias, row.contact_sealed is not None, row.created_at, counts.get(row.id, 0))
        for row in rows
    ]


def actors(session: Session, *, principal: Principal, ids: set[str]) -> dict[str, str]:
    """Name who did something: a console seat, or a token by its role."""
    members = session.scalars(scoped(session, Member, principal).where(Member.id.in_(ids)))
    tokens = session.scalars(scoped(session, ApiToken, principal).where(ApiToken.id.in_(ids)))
    named = {row.id: f"{row.name} (console)" for row in members}
    return named | {row.id: f"{row.role} token" for row in tokens}


@dataclass(frozen=True)
class Subject:
    """What a provenance page is about."""

    kind: str
    title: str
    asset_id: str | None


def subject(session: Session, *, principal: Principal, asset_id: str, copy_id: str, recipient_id: str) -> Subject:
    """Name the one subject that is given."""
    if asset_id:
        return Subject("asset", _title(session, principal, asset_id), asset_id)
    if copy_id:
        copy = copies.by_ids(session, principal=principal, copy_ids=[copy_id])[copy_id]
        alias = copies.aliases(session, principal=principal, recipient_ids=[copy.recipient_id])
        whom = (
            f"issued to {alias.get(copy.recipient_id, 'a removed recipient')}"
            if copy.recipient_id
            else "shown in the console"
        )
        title = f"{copy_name(copy.serial).capitalize()} of {_title(session, principal, copy.asset_id)}, {whom}"
        return Subject("copy", title, copy.asset_id)
    alias = copies.aliases(session, principal=principal, recipient_ids=[recipient_id])
    return Subject("recipient", alias.get(recipient_id, "A removed recipient"), None)


def _title(session: Session, principal: Principal, asset_id: str) -> str:
    row = assets.get(session, principal=principal, asset_id=asset_id)
    return row.title if row is not None else "a deleted asset"
