"""Both tiers of the look-up in memory, following the database.

Level-triggered: before a search, unless that was done a moment ago, everything new since the last seen id is taken in
and everything with a tombstone is dropped. So another process's asset is found within a second, a lost notification
cannot happen, and a start is the same code from id 0. Ids may become visible out of order on PostgreSQL, so the last
thousand are looked at again and those already known are skipped.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.db import Database, everywhere
from service.lookups.engine import Hit, LookupEngine
from service.lookups.models import Fingerprint, HashKind, Landmarks, Removal
from service.tenants.models import Tenant
from service.vault.keys import Vault

_FRESH_S = 0.5
_OVERLAP = 1000


@dataclass(frozen=True)
class Sight:
    """An asset recognised by its local features, with the homography (3 × 3) between asset and query."""

    asset_id: str
    inliers: int
    homography: np.ndarray | None
    mirrored: bool


class LookupIndex:
    """Tier 1 (codes) and tier 2 (local features) of all brands, kept apart by brand."""

    def __init__(self, database: Database, vault: Vault, engine: LookupEngine) -> None:
        self._database, self._vault, self._engine = database, vault, engine
        self._lock = threading.Lock()
        self._fresh_until = 0.0
        self._last: dict[Any, int] = {Fingerprint: 0, Landmarks: 0, Removal: 0}
        self._known: dict[Any, set[int]] = {Fingerprint: set(), Landmarks: set(), Removal: set()}
        self._features: dict[str, Any] = {}
        self._removed: set[str] = set()

    def codes(self, tenant_id: str, kind: HashKind, code: bytes, radius: int) -> list[Hit]:
        """Search tier 1, nearest first."""
        self.refresh()
        return self._engine.search(f"{tenant_id}/{kind.value}", code, radius)

    def sights(self, tenant_id: str, query: Any) -> list[Sight]:
        """Search tier 2 with the result of ``landmarks.query``, best first; each is verified geometrically."""
        self.refresh()
        with self._lock:
            index = self._features.get(tenant_id)
            found = index.search(query) if index is not None else []
        return [Sight(c.asset_id, int(c.inliers), c.homography, bool(c.mirrored)) for c in found]

    def count(self, tenant_id: str) -> int:
        """Return how many PDQ codes a brand has (8 per asset)."""
        self.refresh()
        return self._engine.count(f"{tenant_id}/{HashKind.PDQ.value}")

    def refresh(self, *, force: bool = False) -> None:
        """Take in what is new and drop what was removed, unless that was done half a second ago."""
        with self._lock:
            if not force and time.monotonic() < self._fresh_until:
                return
            with self._database.reading() as session:
                removals = self._news(session, Removal)
                self._removed.update(row.asset_id for row in removals)
                for code in self._news(session, Fingerprint):
                    if code.asset_id not in self._removed:
                        self._engine.add(f"{code.tenant_id}/{code.kind}", code.asset_id, code.code)
                for features in self._news(session, Landmarks):
                    if features.asset_id not in self._removed:
                        self._take_in(session, features)
            for row in removals:
                self._engine.remove(row.asset_id)
                if row.tenant_id in self._features:
                    self._features[row.tenant_id].remove(row.asset_id)
            self._fresh_until = time.monotonic() + _FRESH_S

    def _news(self, session: Any, model: Any) -> list[Any]:
        known = self._known[model]
        query = everywhere(model).where(model.id > self._last[model] - _OVERLAP).order_by(model.id)
        rows = [row for row in session.scalars(query) if row.id not in known]
        known.update(row.id for row in rows)
        self._last[model] = max(known, default=0)
        self._known[model] = {number for number in known if number > self._last[model] - _OVERLAP}
        return rows

    def _take_in(self, session: Any, row: Landmarks) -> None:
        from watermark import landmarks  # loads OpenCV, which a process that never searches can do without

        tenant = session.scalars(everywhere(Tenant).where(Tenant.id == row.tenant_id)).one()
        own = self._vault.tenant(tenant.id, tenant.wrapped_key)
        data = own.unseal(row.data, place=f"asset/{row.asset_id}/landmarks")
        index = self._features.setdefault(row.tenant_id, landmarks.LandmarkIndex())
        index.add(row.asset_id, landmarks.Landmarks.from_bytes(data))
