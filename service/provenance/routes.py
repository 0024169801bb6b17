"""``/v1/provenance``: everything that happened, in order of time."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from service.copies.schemas import copy_name
from service.identity.access import Investigator, Reading
from service.net.problems import declared
from service.pages import Page, PageOf
from service.provenance import service
from service.provenance.schemas import ProvenanceEntry, SightingBrief

router = APIRouter(prefix="/v1/provenance", tags=["provenance"], responses=declared(401, 403, 404, 422, 429))


@router.get("", summary="Follow an asset, a copy or a recipient")
def follow(
    session: Reading,
    principal: Investigator,
    window: PageOf,
    asset: Annotated[str | None, Query(description="An asset's id.")] = None,
    copy: Annotated[str | None, Query(description="A copy's id.")] = None,
    recipient: Annotated[str | None, Query(description="A recipient's id.")] = None,
) -> Page[ProvenanceEntry]:
    """List every issue, download, view, sighting and verdict of one subject, oldest first; give exactly one."""
    entries, total = service.trail(
        session, principal=principal, window=window, asset_id=asset, copy_id=copy, recipient_id=recipient
    )
    return Page(items=[_shown(entry) for entry in entries], total=total, limit=window.limit, offset=window.offset)


def _shown(entry: service.Entry) -> ProvenanceEntry:
    event, sighting = entry.event, entry.sighting
    return ProvenanceEntry.model_validate(
        {
            "at": event.at,
            "kind": event.kind,
            "principal_id": event.principal_id,
            "asset_id": event.asset_id,
            "copy_id": event.copy_id,
            "copy_name": copy_name(entry.copy.serial) if entry.copy else None,
            "recipient_id": event.recipient_id,
            "alias": entry.alias,
            "sighting": SightingBrief.model_validate(
                {"id": sighting.id, "outcome": sighting.outcome, "page_url": sighting.page_url}
            )
            if sighting
            else None,
            "detail": event.detail,
        }
    )
