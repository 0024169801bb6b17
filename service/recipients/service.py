"""Adding and listing recipients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.db import new_id, now, scoped
from service.errors import Conflict, Invalid, NotFound
from service.events.models import EventKind
from service.events.service import record
from service.identity.roles import Principal
from service.pages import Window, paged
from service.recipients.csv_file import Row, RowError, alias_key, parse, problem_of, refuse
from service.recipients.models import Recipient
from service.tenants.service import vault_of
from service.vault.keys import Vault


class RecipientNotFound(NotFound):
    """There is no recipient under this id."""


class AliasTaken(Conflict):
    """There is a recipient with this alias already."""

    hint = "Choose another alias, or use the recipient that exists."


class BadRecipient(Invalid):
    """This recipient cannot be added."""

    hint = "Give an alias of 1 to 200 characters without line breaks."


@dataclass(frozen=True)
class Import:
    """What an import did."""

    added: int
    dry_run: bool


def add(session: Session, *, vault: Vault, principal: Principal, alias: str, contact: str | None = None) -> Recipient:
    """Add one recipient; raises :class:`BadRecipient`, :class:`AliasTaken`."""
    alias, contact = alias.strip(), (contact or "").strip() or None
    if problem := problem_of(alias, contact):
        raise BadRecipient(f"This recipient cannot be added: {problem}.")
    key = alias_key(alias)
    if session.scalar(scoped(session, Recipient, principal).where(Recipient.alias_key == key)) is not None:
        raise AliasTaken(f"There is a recipient called “{alias}” already.")
    rows = _insert(session, vault=vault, principal=principal, rows=[Row(0, alias, contact)])
    return require(session, principal=principal, recipient_id=rows[0])


def import_csv(session: Session, *, vault: Vault, principal: Principal, data: bytes, dry_run: bool = False) -> Import:
    """Add a list of recipients, all or nothing; raises :class:`BadRecipientFile` naming every bad line."""
    rows = parse(data)
    taken = set(session.scalars(scoped(session, Recipient, principal).with_only_columns(Recipient.alias_key)))
    refuse(
        [
            RowError(row.line, "there is a recipient with this alias already")
            for row in rows
            if alias_key(row.alias) in taken
        ]
    )
    if not dry_run:
        _insert(session, vault=vault, principal=principal, rows=rows)
    return Import(added=len(rows), dry_run=dry_run)


def list_(session: Session, *, principal: Principal, window: Window, search: str = "") -> tuple[list[Recipient], int]:
    """Return one page of recipients in order of alias, and how many there are."""
    query = scoped(session, Recipient, principal).order_by(Recipient.alias_key)
    if search:
        query = query.where(Recipient.alias_key.contains(alias_key(search), autoescape=True))
    return paged(session, query, window)


def require(session: Session, *, principal: Principal, recipient_id: str) -> Recipient:
    """Return one recipient; raises :class:`RecipientNotFound`."""
    row = session.scalar(scoped(session, Recipient, principal).where(Recipient.id == recipient_id))
    if row is None:
        raise RecipientNotFound
    return row


def _insert(session: Session, *, vault: Vault, principal: Principal, rows: Sequence[Row]) -> list[str]:
    own = vault_of(session, vault=vault, tenant_id=principal.tenant_id)
    values = []
    for row in rows:
        recipient_id = new_id("rcp")
        contact = row.contact
        values.append(
            {
                "id": recipient_id,
                "tenant_id": principal.tenant_id,
                "alias": row.alias,
                "alias_key": alias_key(row.alias),
                "contact_sealed": own.seal(contact.encode(), place=f"recipient/{recipient_id}") if contact else None,
                "contact_hash": own.keyed("contact", contact.casefold()) if contact else None,
                "created_at": now(),
            }
        )
    session.execute(sa.insert(Recipient), values)
    record(
        session,
        kind=EventKind.RECIPIENTS_ADDED,
        tenant_id=principal.tenant_id,
        principal_id=principal.id,
        recipient_id=str(values[0]["id"]) if len(values) == 1 else None,
        count=len(values),
    )
    return [str(value["id"]) for value in values]
