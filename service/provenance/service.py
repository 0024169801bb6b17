"""The investigator's first question: what happened to this asset, this copy, this recipient's copies?"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from service.copies.models import Copy
from service.copies.service import aliases, by_ids
from service.db import scoped
from service.errors import Invalid, NotFound
from service.events.models import Event
from service.identity.roles import Principal
from service.pages import Window, paged
from service.recipients.models import Recipient
from service.sightings.models import Sighting


class OneSubject(Invalid):
    """Exactly one of asset, copy and recipient must be given."""

    hint = "Ask for one asset, one copy or one recipient at a time."


class SubjectNotFound(NotFound):
    """There is nothing under this id."""


@dataclass(frozen=True)
class Entry:
    """An event with what it refers to."""

    event: Event
    copy: Copy | None
    alias: str | None
    sighting: Sighting | None


def trail(
    session: Session,
    *,
    principal: Principal,
    window: Window,
    asset_id: str | None = None,
    copy_id: str | None = None,
    recipient_id: str | None = None,
) -> tuple[list[Entry], int]:
    """Return one page of everything recorded about one subject, oldest first; raises OneSubject, SubjectNotFound."""
    given = [(Event.asset_id, asset_id), (Event.copy_id, copy_id), (Event.recipient_id, recipient_id)]
    subjects = [(column, value) for column, value in given if value]
    if len(subjects) != 1:
        raise OneSubject
    column, value = subjects[0]
    query = scoped(session, Event, principal).where(column == value).order_by(Event.id)
    events, total = paged(session, query, window)
    if not total and not _exists(session, principal, copy_id=copy_id, recipient_id=recipient_id):
        raise SubjectNotFound
    copies = by_ids(session, principal=principal, copy_ids=[event.copy_id for event in events if event.copy_id])
    names = aliases(session, principal=principal, recipient_ids=[event.recipient_id for event in events])
    wanted = [event.sighting_id for event in events if event.sighting_id]
    rows = session.scalars(scoped(session, Sighting, principal).where(Sighting.id.in_(wanted)))
    sightings = {row.id: row for row in rows}
    return [
        Entry(
            event,
            copies.get(event.copy_id or ""),
            names.get(event.recipient_id or ""),
            sightings.get(event.sighting_id or ""),
        )
        for event in events
    ], total


def _exists(session: Session, principal: Principal, *, copy_id: str | None, recipient_id: str | None) -> bool:
    """Whether a subject without any event exists: an imported recipient who has no copy yet."""
    if recipient_id:
        return session.scalar(scoped(session, Recipient, principal).where(Recipient.id == recipient_id)) is not None
    return bool(copy_id and by_ids(session, principal=principal, copy_ids=[copy_id]))
