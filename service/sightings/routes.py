"""``/v1/sightings``: submit a found picture, watch the trace, read the verdict."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, Response, UploadFile

from service.identity.access import AnyRole, Ctx, Finder, Investigator, Reading, Writing
from service.net.problems import declared
from service.pages import Page, PageOf
from service.sightings import service
from service.sightings.schemas import SightingOut
from service.sightings.showing import show

router = APIRouter(prefix="/v1/sightings", tags=["sightings"], responses=declared(401, 403, 422, 429))


@router.post("", status_code=202, summary="Submit a sighting", responses=declared(404, 413, 503))
def submit_sighting(
    picture: Annotated[UploadFile, File(description="The picture as found: a file, a screenshot, a photograph of it.")],
    context: Ctx,
    session: Writing,
    principal: Finder,
    page_url: Annotated[
        str | None, Form(description="Where it was found.", examples=["https://example.org/p/1"])
    ] = None,
    notes: Annotated[str | None, Form(description="Anything worth keeping.", max_length=4000)] = None,
    asset_id: Annotated[str | None, Form(description="Trace against this asset, found by look-up or not.")] = None,
) -> SightingOut:
    """Store a found picture and trace it; poll the sighting until its state is `done` or `failed`."""
    sighting = service.receive(
        session,
        context=context,
        principal=principal,
        data=picture.file.read(),
        page_url=page_url,
        notes=notes,
        asset_id=asset_id,
    )
    return show(session, principal=principal, sightings=[sighting])[0]


@router.get("", summary="List sightings")
def list_sightings(session: Reading, principal: AnyRole, window: PageOf) -> Page[SightingOut]:
    """List sightings, newest first, each cut to what your role may know."""
    rows, total = service.list_(session, principal=principal, window=window)
    items = show(session, principal=principal, sightings=rows)
    return Page(items=items, total=total, limit=window.limit, offset=window.offset)


@router.get("/{sighting_id}", summary="Show a sighting", responses=declared(404))
def show_sighting(sighting_id: str, session: Reading, principal: AnyRole) -> SightingOut:
    """Show one sighting: progress while it runs, then the verdict, cut to what your role may know."""
    row = service.require(session, principal=principal, sighting_id=sighting_id)
    return show(session, principal=principal, sightings=[row])[0]


@router.get(
    "/{sighting_id}/heatmap.png",
    summary="Where the mark was read",
    response_class=Response,
    responses={
        200: {"description": "A transparent overlay for the asset.", "content": {"image/png": {}}},
        **declared(404),
    },
)
def show_heat_map(sighting_id: str, context: Ctx, principal: Investigator) -> Response:
    """Return where on the asset the mark was read: an overlay with the asset's aspect ratio."""
    return Response(service.heat_map(context, principal=principal, sighting_id=sighting_id), media_type="image/png")


@router.get(
    "/{sighting_id}/leak.jpg",
    summary="The found picture",
    response_class=Response,
    responses={200: {"description": "At most 480 px.", "content": {"image/jpeg": {}}}, **declared(404)},
)
def show_leak(sighting_id: str, context: Ctx, principal: Investigator) -> Response:
    """Return the found picture, small."""
    data = service.leak_thumbnail(context, principal=principal, sighting_id=sighting_id)
    return Response(data, media_type="image/jpeg")
