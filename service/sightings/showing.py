"""What each role sees of a sighting.

Flaggers learn whether it is ours and that a trace has begun or ended. Uploaders also learn the outcome, but not which
copy: they know whom each copy went to. Investigators see everything, and read of copies, not of culprits.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from service.assets.models import Asset
from service.copies.models import Copy, CopyKind
from service.copies.schemas import copy_name
from service.copies.service import aliases, by_ids
from service.db import scoped
from service.identity.roles import Principal, Role
from service.identity.service import seat_names
from service.sightings.models import OPEN_STATES, NamedCopy, Outcome, Sighting, SightingState
from service.sightings.schemas import ALTERNATIVES, NamedCopyOut, SightingOut
from service.sightings.service import named_copies
from service.videos.content import Kind


def show(session: Session, *, principal: Principal, sightings: Sequence[Sighting]) -> list[SightingOut]:
    """Show sightings to a caller, cut to the caller's roles."""
    if not principal.may(Role.UPLOADER, Role.INVESTIGATOR):
        return [_minimum(row) for row in sightings]
    titles = _titles(session, principal, [row.asset_id for row in sightings])
    shown = [_with_outcome(row, titles) for row in sightings]
    if not principal.may(Role.INVESTIGATOR):
        return shown
    links = named_copies(session, principal=principal, sighting_ids=[row.id for row in sightings])
    copies = by_ids(session, principal=principal, copy_ids=[link.copy_id for link in links])
    names = aliases(session, principal=principal, recipient_ids=[copy.recipient_id for copy in copies.values()])
    names |= seat_names(session, principal=principal, member_ids=[copy.viewer_id for copy in copies.values()])
    return [_whole(row, out, links, copies, names) for row, out in zip(sightings, shown, strict=True)]


def _minimum(row: Sighting) -> SightingOut:
    state = SightingState(row.state)
    return SightingOut(
        id=row.id,
        kind=Kind(row.kind),
        state=state,
        stage="ended" if state not in OPEN_STATES else row.stage,
        progress=row.progress,
        ours=row.ours,
        trace_begun=state is not SightingState.RECEIVED,
        trace_ended=state not in OPEN_STATES,
        created_at=row.created_at,
        problem=row.problem,
        hint=row.hint if state is SightingState.FAILED else None,
    )


def _with_outcome(row: Sighting, titles: dict[str, str]) -> SightingOut:
    verdict = row.verdict or {}
    return _minimum(row).model_copy(
        update={
            "stage": row.stage,
            "hint": row.hint or verdict.get("hint"),
            "outcome": Outcome(row.outcome) if row.outcome else None,
            "reason": verdict.get("reason"),
            "asset_id": row.asset_id,
            "asset_title": titles.get(row.asset_id or ""),
            "from_s": verdict.get("from_s"),
            "to_s": verdict.get("to_s"),
            "page_url": row.page_url,
            "notes": row.notes,
            "finished_at": row.finished_at,
        }
    )


def _whole(
    row: Sighting, out: SightingOut, links: Sequence[NamedCopy], copies: dict[str, Copy], names: dict[str, str]
) -> SightingOut:
    verdict = row.verdict or {}
    figures = {item["copy_id"]: item for item in verdict.get("named", [])}
    named = [
        _named(copies[link.copy_id], figures[link.copy_id], names, "clip" if row.kind == Kind.VIDEO else "picture")
        for link in links
        if link.sighting_id == row.id and link.copy_id in copies and link.copy_id in figures
    ]
    return out.model_copy(
        update={
            "coverage": verdict.get("coverage"),
            "named": sorted(named, key=lambda item: item.log10_false_accusation),
            "mixture": verdict.get("mixture"),
            "alternatives": list(ALTERNATIVES) if named else None,
            "copies_tried": verdict.get("copies"),
            "looks": verdict.get("looks"),
            "homography": verdict.get("homography"),
            "strip": f"/v1/sightings/{row.id}/strip" if verdict.get("strip") else None,
            "heat_map": f"/v1/sightings/{row.id}/heatmap.png" if row.has_heat_map else None,
            "leak": f"/v1/sightings/{row.id}/leak.jpg" if row.ours is not None or row.outcome else None,
            "sha256": row.sha256,
            "timings_s": row.timings,
        }
    )


def _named(copy: Copy, figures: dict[str, float], names: dict[str, str], what: str) -> NamedCopyOut:
    viewer = copy.kind == CopyKind.VIEWER.value
    whom = names.get((copy.viewer_id if viewer else copy.recipient_id) or "", "somebody since removed")
    name = copy_name(copy.serial)
    return NamedCopyOut(
        copy_id=copy.id,
        serial=copy.serial,
        name=name,
        kind=copy.kind,
        recipient_id=copy.recipient_id,
        issued_to=whom,
        statement=f"The {what} shows {name}, {'shown' if viewer else 'issued'} to {whom}.",
        log10_false_accusation=figures["log10_bound"],
        score=figures["score"],
    )


def _titles(session: Session, principal: Principal, asset_ids: Sequence[str | None]) -> dict[str, str]:
    known = [asset_id for asset_id in asset_ids if asset_id]
    rows = session.scalars(scoped(session, Asset, principal).where(Asset.id.in_(known)))
    return {row.id: row.title for row in rows}
