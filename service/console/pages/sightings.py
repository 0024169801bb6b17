"""Sightings: a found picture goes in, the trace is watched, the result is read."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, Request, UploadFile
from starlette.responses import Response

from service.assets.service import get as get_asset
from service.console import views, wording
from service.console.pages.assets import Offset
from service.console.result import result_of
from service.console.strip import chart_of
from service.console.templating import onward, page, pager
from service.identity.access import AnyRole, Ctx, Finder, Reading, Writing
from service.identity.roles import Role
from service.pages import Window
from service.sightings import exhibits, service
from service.sightings.models import OPEN_STATES
from service.sightings.showing import show

router = APIRouter(prefix="/console/sightings")
_SENDERS = (Role.UPLOADER, Role.INVESTIGATOR)


@router.get("")
def list_sightings(
    request: Request, session: Reading, principal: AnyRole, offset: Offset = 0, asset: str = ""
) -> Response:
    """Show the sightings, newest first, and the form for another."""
    window = Window(views.ROWS_A_PAGE, offset)
    rows, total = service.list_(session, principal=principal, window=window)
    shown = show(session, principal=principal, sightings=rows)
    return page(
        request,
        "sightings.html",
        principal=principal,
        lines=[(item, wording.verdict(item)) for item in shown],
        pager=pager(request, window=window, total=total),
        assets=views.asset_titles(session, principal=principal) if principal.may(*_SENDERS) else [],
        chosen=asset,
    )


@router.post("")
def submit(
    request: Request,
    picture: Annotated[UploadFile, File()],
    context: Ctx,
    session: Writing,
    principal: Finder,
    page_url: Annotated[str, Form(max_length=4000)] = "",
    notes: Annotated[str, Form(max_length=4000)] = "",
    asset_id: Annotated[str, Form(max_length=60)] = "",
) -> Response:
    """Take a found picture or clip and have it traced."""
    sighting = service.receive(
        session,
        context=context,
        principal=principal,
        data=picture.file.read(),
        page_url=page_url.strip(),
        notes=notes,
        asset_id=asset_id,
        name=picture.filename,
    )
    return onward(request, f"/console/sightings/{sighting.id}")


@router.get("/{sighting_id}")
def show_sighting(request: Request, sighting_id: str, context: Ctx, session: Reading, principal: AnyRole) -> Response:
    """Show how far the trace is, or its result."""
    row = service.require(session, principal=principal, sighting_id=sighting_id)
    shown = show(session, principal=principal, sightings=[row])[0]
    asset = get_asset(session, principal=principal, asset_id=row.asset_id or "") if shown.asset_id else None
    evidence = None
    if principal.may(Role.INVESTIGATOR):
        evidence = exhibits.evidence(session, context=context, principal=principal, sighting_id=sighting_id)
    return page(
        request,
        "sighting.html",
        principal=principal,
        sighting=shown,
        verdict=wording.verdict(shown),
        result=result_of(row, shown),
        chart=chart_of(service.strip_chart(context, principal=principal, sighting_id=row.id)) if shown.strip else None,
        asset=asset,
        preview=preview_of(asset.id, shown.from_s) if asset is not None else None,
        evidence=evidence,
    )


@router.get("/{sighting_id}/progress")
def show_progress(request: Request, sighting_id: str, session: Reading, principal: AnyRole) -> Response:
    """Give the stage of the trace; has the page loaded anew when it has ended."""
    row = service.require(session, principal=principal, sighting_id=sighting_id)
    shown = show(session, principal=principal, sightings=[row])[0]
    answer = page(request, "_sighting_progress.html", principal=principal, sighting=shown)
    if row.state not in OPEN_STATES:
        answer.headers["HX-Refresh"] = "true"
    return answer


def preview_of(asset_id: str, at_s: float | None) -> str:
    """Return the address of the viewer's own marked picture of an asset, of a video at one moment.

    >>> preview_of("ast_1", None), preview_of("ast_1", 2.46)
    ('/v1/assets/ast_1/preview?size=960', '/v1/assets/ast_1/preview?size=960&at_s=2.5')
    """
    return f"/v1/assets/{asset_id}/preview?size=960" + ("" if at_s is None else f"&at_s={at_s:.1f}")
