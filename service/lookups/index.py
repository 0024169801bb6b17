"""Both tiers of the look-up, following the database: codes in an engine, local features in memory.

Level-triggered: before a search, unless that was done a moment ago, everything new since the last seen id is taken in
and everything with a tombstone is dropped. So another process's asset is found within a second, a lost notification
cannot happen, and a start is the same code from id 0. Ids become visible in order, on PostgreSQL by a trigger.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.db import Database, everywhere
from service.lookups.engines.port import Hit, LookupEngine, Shelf
from service.lookups.models import HashKind, Landmarks, Removal
from service.tenants.models import Tenant
from service.vault.keys import Vault
from service.vault.secrets import Unsealable

log = logging.getLogger("telltale.lookups")

_FRESH_S = 0.5


@dataclass(frozen=True)
class Sight:
    """An asset recognised by its local features, with the homography (3 × 3) between asset and query.

    ``at_s`` is the moment of a video that was recognised.
    """

    asset_id: str
    inliers: int
    homography: np.ndarray | None
    mirrored: bool
    in_other_colours: bool
    at_s: float | None = None


class LookupIndex:
    """Tier 1 (codes) and tier 2 (local features) of all brands, kept apart by brand."""

    def __init__(self, database: Database, vault: Vault, engine: LookupEngine) -> None:
        self._database, self._vault, self._engine = database, vault, engine
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._fresh_until = 0.0
        self._last: dict[Any, int] = {Landmarks: 0, Removal: 0}
        self._features: dict[str, Any] = {}
        self._names: dict[str, list[str]] = {}
        self._removed: set[str] = set()
        self._unreadable: set[str] = set()

    def codes(
        self, tenant_id: str, kind: HashKind, codes: Sequence[bytes], *, radius: int, limit: int
    ) -> list[list[Hit]]:
        """Search tier 1 for a batch of codes, each nearest first, as far as the engine reaches while people wait."""
        self.refresh()
        shelf = Shelf(tenant_id, kind.value)
        return self._engine.search(shelf, codes, radius=min(radius, self._engine.reach(shelf)), limit=limit)

    def nearest(
        self, tenant_id: str, kind: HashKind, codes: Sequence[bytes], *, confident: int, candidate: int, limit: int
    ) -> list[list[Hit]]:
        """Search within the small radius, and within the large one, which is dear, for codes without a hit so far."""
        found = self.codes(tenant_id, kind, codes, radius=confident, limit=limit)
        left = [place for place, hits in enumerate(found) if not hits]
        if left:
            farther = self.codes(tenant_id, kind, [codes[place] for place in left], radius=candidate, limit=limit)
            for place, hits in zip(left, farther, strict=True):
                found[place] = hits
        return found

    def sights(self, tenant_id: str, query: Any, details: Callable[[str], Any]) -> list[Sight]:
        """Search tier 2 with the result of ``landmarks.query``, best first; each is verified geometrically.

        Of colourways of one shot, the one in the picture's colours comes first. ``details`` gives, by an asset's id,
        its landmarks for a closer look, or None.
        """
        self.refresh()
        index = self._features.get(tenant_id)
        found = index.search(query, details) if index is not None else []
        best: dict[str, Sight] = {}
        for c in found:
            asset_id, at_s = _read(c.asset_id)
            best.setdefault(asset_id, Sight(asset_id, c.inliers, c.homography, c.mirrored, c.in_other_colours, at_s))
        return list(best.values())

    def count(self, tenant_id: str) -> int:
        """Return how many PDQ codes a brand has (8 per asset)."""
        self.refresh()
        return self._engine.count(Shelf(tenant_id, HashKind.PDQ.value))

    def unreadable(self) -> list[str]:
        """Name the assets whose local features are of an older format or damaged: they want describing again."""
        with self._lock:
            return sorted(self._unreadable - self._removed)

    def close(self) -> None:
        """Give the engine back."""
        self._engine.close()

    def refresh(self, *, force: bool = False) -> None:
        """Take in what is new and drop what was removed, unless that was done half a second ago or is being done.

        Only who forces it waits for another thread's: then whatever was committed before the call is findable after it.
        """
        if not self._turn.acquire(blocking=force or not self._fresh_until):
            return
        try:
            if not force and time.monotonic() < self._fresh_until:
                return
            self._engine.refresh()
            with self._lock, self._database.reading() as session:
                removals = self._news(session, Removal)
                self._removed.update(row.asset_id for row in removals)
                for features in self._news(session, Landmarks):
                    if features.asset_id not in self._removed:
                        self._take_in(session, features)
                for row in removals:
                    for name in self._names.pop(row.asset_id, ()):
                        self._features[row.tenant_id].remove(name)
            self._fresh_until = time.monotonic() + _FRESH_S
        finally:
            self._turn.release()

    def _news(self, session: Any, model: Any) -> list[Any]:
        query = everywhere(model).where(model.id > self._last[model]).order_by(model.id)
        rows = list(session.scalars(query))
        if rows:
            self._last[model] = rows[-1].id
        return rows

    def _take_in(self, session: Any, row: Landmarks) -> None:
        from watermark import landmarks  # loads OpenCV, which a process that never searches can do without

        tenant = session.scalars(everywhere(Tenant).where(Tenant.id == row.tenant_id)).one()
        own = self._vault.tenant(tenant.id, tenant.wrapped_key)
        name = _name(row.asset_id, row.at_s)
        try:
            data = own.unseal(row.data, place=f"asset/{row.asset_id}/landmarks")
            described = landmarks.Landmarks.from_bytes(data)
        except (landmarks.DamagedLandmarks, Unsealable) as error:
            log.warning("the local features of asset %s cannot be read (%s); its hashes still find it", name, error)
            self._unreadable.add(row.asset_id)
            return
        self._unreadable.discard(row.asset_id)
        self._names.setdefault(row.asset_id, []).append(name)
        self._features.setdefault(row.tenant_id, landmarks.LandmarkIndex()).add(name, described)


def _name(asset_id: str, at_s: float | None) -> str:
    """Name a picture, or one moment of a video, in the index of local features."""
    return asset_id if at_s is None else f"{asset_id}@{at_s!r}"


def _read(name: str) -> tuple[str, float | None]:
    """Read a name again.

    >>> _read(_name("ast_1", 2.5)), _read(_name("ast_1", None))
    (('ast_1', 2.5), ('ast_1', None))
    """
    asset_id, _, at_s = name.partition("@")
    return asset_id, float(at_s) if at_s else None
