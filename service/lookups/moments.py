"""When in a video a found picture was: an engine knows assets, and the table knows the moments of their codes."""

from __future__ import annotations

from sqlalchemy.orm import Session

from service.db import scoped
from service.identity.roles import Principal
from service.lookups.models import Fingerprint, HashKind


def nearest_moment(session: Session, *, tenant_id: str, asset_id: str, code: bytes) -> float | None:
    """Return the time, in seconds, of the code of a video that is nearest to a found picture's; None for a picture."""
    machine = Principal("system", tenant_id, frozenset(), "system")
    query = scoped(session, Fingerprint, machine).where(
        Fingerprint.asset_id == asset_id, Fingerprint.kind == HashKind.PDQ.value, Fingerprint.at_s.is_not(None)
    )
    asked = int.from_bytes(code)
    rows = session.execute(query.with_only_columns(Fingerprint.code, Fingerprint.at_s)).all()
    nearest = min(rows, key=lambda row: (int.from_bytes(row.code) ^ asked).bit_count(), default=None)
    return None if nearest is None else float(nearest.at_s)
