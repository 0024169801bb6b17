"""``/v1/assets``: upload, watch, look at, release, delete."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, Query, Response, UploadFile
from pydantic import AwareDatetime

from service.assets import service
from service.assets.schemas import AssetOut, Release
from service.identity.access import Ctx, Reading, Sender, Uploader, Writing
from service.net.problems import declared
from service.pages import Page, PageOf

router = APIRouter(prefix="/v1/assets", tags=["assets"], responses=declared(401, 403, 422, 429))


@router.post("", status_code=202, summary="Upload an asset", responses=declared(413, 503))
def upload_asset(
    file: Annotated[UploadFile, File(description="JPEG, PNG, TIFF, WebP, AVIF, HEIC; or MP4, MOV, MKV, WebM.")],
    title: Annotated[str, Form(description="What you call it.", examples=["Autumn campaign, look 3"], max_length=300)],
    context: Ctx,
    session: Writing,
    principal: Uploader,
    embargo_until: Annotated[AwareDatetime | None, Form(description="When it may be public, with a zone.")] = None,
) -> AssetOut:
    """Store a picture or a video encrypted and prepare it; poll the asset until it is `ready`, `held` or `failed`."""
    asset = service.receive(
        session,
        context=context,
        principal=principal,
        data=file.file.read(),
        title=title,
        embargo_until=embargo_until,
        name=file.filename,
    )
    return AssetOut.of(asset)


@router.get("", summary="List assets")
def list_assets(session: Reading, principal: Sender, window: PageOf) -> Page[AssetOut]:
    """List assets, newest first."""
    rows, total = service.list_(session, principal=principal, window=window)
    return Page(items=[AssetOut.of(row) for row in rows], total=total, limit=window.limit, offset=window.offset)


@router.get("/{asset_id}", summary="Show an asset", responses=declared(404))
def show_asset(asset_id: str, session: Reading, principal: Sender) -> AssetOut:
    """Show one asset: its state, its progress from 0 to 1, its certificate, and why it is held or failed if it is."""
    return AssetOut.of(service.require(session, principal=principal, asset_id=asset_id))


@router.post("/{asset_id}/release", summary="Release a held asset", responses=declared(404, 409))
def release_asset(asset_id: str, body: Release, session: Writing, principal: Uploader) -> AssetOut:
    """Make an asset ready although its preflight failed; who did so is recorded."""
    return AssetOut.of(service.release(session, principal=principal, asset_id=asset_id, confirm=body.confirm))


@router.get(
    "/{asset_id}/carries.png",
    summary="Where an asset carries its mark",
    response_class=Response,
    responses={
        200: {"description": "A transparent overlay for the asset.", "content": {"image/png": {}}},
        **declared(404, 503),
    },
)
def show_carries(asset_id: str, context: Ctx, principal: Sender) -> Response:
    """Return where the asset carries its mark, as its preflight measured: an overlay with its aspect ratio."""
    return Response(
        service.carries_map(context, principal=principal, asset_id=asset_id),
        media_type="image/png",
        headers={"Cache-Control": "private, max-age=300"},
    )


@router.delete("/{asset_id}", status_code=204, summary="Delete an asset", responses=declared(404))
def delete_asset(
    asset_id: str,
    confirm: Annotated[str, Query(description="The asset's title, repeated.")],
    context: Ctx,
    session: Writing,
    principal: Uploader,
) -> None:
    """Shred an asset's keys, files and fingerprints for good; the record of issues and downloads stays."""
    service.delete(session, context=context, principal=principal, asset_id=asset_id, confirm=confirm)
