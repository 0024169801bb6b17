"""``/v1/sightings``: submit a found picture, watch the trace, read the verdict."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, Response, UploadFile

from service.identity.access import AnyRole, Ctx, Finder, Investigator, Reading, Writing
from service.net.problems import declared
from service.pages import Page, PageOf
from service.sightings import exhibits, service
from service.sightings.schemas import EvidenceOut, SightingOut, StripOut
from service.sightings.showing import show

router = APIRouter(prefix="/v1/sightings", tags=["sightings"], responses=declared(401, 403, 422, 429))


@router.post("", status_code=202, summary="Submit a sighting", responses=declared(404, 413, 503))
def submit_sighting(
    picture: Annotated[
        UploadFile, File(description="The picture or clip as found: a file, a screenshot, a photograph.")
    ],
    context: Ctx,
    session: Writing,
    principal: Finder,
    page_url: Annotated[
        str | None, Form(description="Where it was found.", examples=["https://example.org/p/1"])
    ] = None,
    notes: Annotated[str | None, Form(description="Anything worth keeping.", max_length=4000)] = None,
    asset_id: Annotated[str | None, Form(description="Trace against this asset, found by look-up or not.")] = None,
    evidence: Annotated[
        str | None,
        Form(
            description="How, where and when it was taken: `CaptureClaim` as JSON.",
            max_length=30_000,
            examples=['{"obtained": "file", "seen_at": "2031-03-01T09:30:00Z"}'],
        ),
    ] = None,
    screenshot: Annotated[UploadFile | None, File(description="The page around the picture.")] = None,
    frames: Annotated[list[UploadFile] | None, File(description="More frames of a video, at most 10.")] = None,
) -> SightingOut:
    """Store a found picture or clip and trace it; poll the sighting until its state is `done` or `failed`."""
    claim = exhibits.read_claim(evidence)
    sighting = service.receive(
        session,
        context=context,
        principal=principal,
        data=picture.file.read(),
        page_url=page_url,
        notes=notes,
        asset_id=asset_id,
        name=picture.filename,
    )
    exhibits.attach(
        session,
        context=context,
        principal=principal,
        sighting=sighting,
        claim=claim,
        screenshot=screenshot.file.read() if screenshot else None,
        frames=[frame.file.read() for frame in frames or []],
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


@router.get("/{sighting_id}/strip", summary="Where in a video the mark was read", responses=declared(404, 409))
def show_strip(sighting_id: str, context: Ctx, principal: Investigator) -> StripOut:
    """Return when, where in the picture and how strongly the mark of a video was read, to be drawn as a chart."""
    return service.strip_chart(context, principal=principal, sighting_id=sighting_id)


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


@router.get("/{sighting_id}/evidence", summary="How the picture was taken", responses=declared(404))
def show_evidence(sighting_id: str, context: Ctx, session: Reading, principal: Investigator) -> EvidenceOut:
    """Return what came with a found picture: files with their SHA-256, and the sender's words, kept apart."""
    return exhibits.evidence(session, context=context, principal=principal, sighting_id=sighting_id)


@router.get(
    "/{sighting_id}/exhibits/{exhibit_id}.jpg",
    summary="A file that came with the picture",
    response_class=Response,
    responses={200: {"description": "At most 480 px.", "content": {"image/jpeg": {}}}, **declared(404)},
)
def show_exhibit(sighting_id: str, exhibit_id: str, context: Ctx, principal: Investigator) -> Response:
    """Return a screenshot or a frame, small."""
    data = exhibits.show_exhibit(context, principal=principal, sighting_id=sighting_id, exhibit_id=exhibit_id)
    return Response(data, media_type="image/jpeg")
