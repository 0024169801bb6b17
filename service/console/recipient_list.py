"""A list of recipients as it is dropped into the console: shown for judgement first, taken second.

On the page of an asset the list may name people the brand knows already; they are recognised by alias, and only the
others are added. Between the two steps the text travels in the form itself, so nothing is kept for a list that nobody
confirms.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from sqlalchemy.orm import Session

from service.db import scoped
from service.identity.roles import Principal
from service.recipients.csv_file import Row, alias_key, parse
from service.recipients.models import Recipient
from service.recipients.service import import_csv
from service.vault.keys import Vault

_CHUNK = 500


@dataclass(frozen=True)
class Checked:
    """What a list holds: its text to send again, the rows not known yet, and the ids of those who are."""

    text: str
    rows: list[Row]
    new: list[Row]
    known: dict[str, str]


def check(session: Session, *, principal: Principal, data: bytes) -> Checked:
    """Read a list and change nothing; raises BadRecipientFile naming every bad line."""
    rows = parse(data)
    known = _known(session, principal, [alias_key(row.alias) for row in rows])
    new = [row for row in rows if alias_key(row.alias) not in known]
    return Checked(data.decode("utf-8-sig"), rows, new, known)


def take(session: Session, *, vault: Vault, principal: Principal, data: bytes) -> tuple[list[str], int]:
    """Add whoever is new; return the ids of everybody on the list, and how many were added."""
    checked = check(session, principal=principal, data=data)
    if checked.new:
        import_csv(session, vault=vault, principal=principal, data=_as_csv(checked.new))
    keys = [alias_key(row.alias) for row in checked.rows]
    known = _known(session, principal, keys)
    return [known[key] for key in keys], len(checked.new)


def _known(session: Session, principal: Principal, keys: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(keys), _CHUNK):
        query = scoped(session, Recipient, principal).where(Recipient.alias_key.in_(keys[start : start + _CHUNK]))
        found |= {row.alias_key: row.id for row in session.scalars(query)}
    return found


def _as_csv(rows: list[Row]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("alias", "contact"))
    writer.writerows((row.alias, row.contact or "") for row in rows)
    return out.getvalue().encode()
