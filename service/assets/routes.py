"""``/v1/assets``: upload, watch, look at, delete."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, Query, UploadFile
from pydantic import AwareDatetime

from service.assets import service
from service.assets.schemas import AssetOut
from service.identity.access import Ctx, Reading, Sender, Uploader, Writing
from service.net.problems import declared
from service.pages import Page, PageOf

router = APIRouter(prefix="/v1/assets", tags=["assets"], responses=declared(401, 403, 422, 429))


@router.post("", status_code=202, summary="Upload an asset", responses=declared(413, 503))
def upload_asset(
    file: Annotated[UploadFile, File(description="JPEG, PNG, TIFF, WebP, AVIF or HEIC, of 8 or 16 bits; still.")],
    title: Annotated[str, Form(description="What you call it.", examples=["Autumn campaign, look 3"], max_length=300)],
    context: Ctx,
    session: Writing,
    principal: Uploader,
    embargo_until: Annotated[AwareDatetime | None, Form(description="When it may be public, with a zone.")] = None,
) -> AssetOut:
    """Store a picture encrypted and prepare it for issuing; poll the asset until its state is `ready`."""
    asset = service.receive(
        session,
        context=context,
        principal=principal,
        data=file.file.read(),
        title=title,
        embargo_until=embargo_until,
    )
    return AssetOut.of(asset)


@router.get("", summary="List assets")
def list_assets(session: Reading, principal: Sender, window: PageOf) -> Page[AssetOut]:
    """List assets, newest first."""
    rows, total = service.list_(session, principal=principal, window=window)
    return Page(items=[AssetOut.of(row) for row in rows], total=total, limit=window.limit, offset=window.offset)


@router.get("/{asset_id}", summary="Show an asset", responses=declared(404))
def show_asset(asset_id: str, session: Reading, principal: Sender) -> AssetOut:
    """Show one asset: its state, its progress from 0 to 1, and why it failed if it did."""
    return AssetOut.of(service.require(session, principal=principal, asset_id=asset_id))


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
