"""What a closer look at an asset needs: five times the landmarks, in an encrypted file beside its original.

A search of the index proposes a dozen assets, and only their files are opened. Videos have none, and assets described
before there were any get theirs at the next start; until then the landmarks of the index decide.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from service.assets.models import Asset
from service.assets.service import data_key
from service.blobs.store import BlobMissing
from service.context import Context
from service.db import scoped
from service.identity.roles import Principal
from service.vault.streams import DamagedFile

if TYPE_CHECKING:
    from watermark.landmarks import Landmarks

log = logging.getLogger("telltale.lookups")

DETAILS = "landmarks"


def details_of(context: Context, *, tenant_id: str) -> Callable[[str], Landmarks | None]:
    """Return what fetches an asset's landmarks for a closer look by its id; it returns None where there are none."""
    machine = Principal("system", tenant_id, frozenset(), "system")

    def fetch(asset_id: str) -> Landmarks | None:
        from watermark import landmarks

        with context.database.reading() as session:
            query = scoped(session, Asset, machine).where(Asset.id == asset_id, Asset.deleted_at.is_(None))
            asset = session.scalar(query)
            if asset is None:
                return None
            name, key = asset.blob(DETAILS), data_key(session, context=context, asset=asset)
        try:
            return landmarks.Landmarks.from_bytes(context.blobs.get(name, key=key))
        except BlobMissing:
            return None
        except (landmarks.DamagedLandmarks, DamagedFile) as error:
            log.warning("the landmarks beside asset %s cannot be read (%s)", asset_id, error)
            return None

    return fetch
