"""Issue copies, list them, fetch their files; and look at an asset through a copy of one's own."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from service.copies import service
from service.copies.models import BatchState
from service.copies.schemas import BatchOut, CopyOut, Issued, NewCopies
from service.identity.access import Ctx, Reading, Sender, Uploader, Writing
from service.net.problems import declared
from service.net.ranges import answer
from service.pages import Page, PageOf
from service.videos import delivery

router = APIRouter(prefix="/v1", tags=["copies"], responses=declared(401, 403, 404, 409, 422, 429))
_FILE: dict[str, Any] = {f"image/{kind}": {} for kind in ("jpeg", "png", "tiff", "webp", "avif")} | {"video/mp4": {}}


@router.post("/assets/{asset_id}/copies", status_code=201, summary="Issue copies")
def issue_copies(asset_id: str, body: NewCopies, context: Ctx, session: Writing, principal: Uploader) -> Issued:
    """Give each recipient a copy with a serial of its own; recipients who have one keep it.

    A sample of the new copies is read back before any of them can be downloaded: poll the batch until it is `released`.
    Asking again has batches of this asset that were held checked again.
    """
    done = service.issue(session, context=context, principal=principal, asset_id=asset_id, recipients=body.recipients)
    return Issued(
        issued=done.issued,
        existing=done.existing,
        total=done.total,
        batch_id=done.batch.id if done.batch else None,
        batch_state=BatchState(done.batch.state) if done.batch else None,
    )


@router.get("/copy-batches/{batch_id}", summary="Show a batch of copies")
def show_batch(batch_id: str, session: Reading, principal: Sender) -> BatchOut:
    """Show whether a batch was released, and why not if it was held."""
    return BatchOut.of(service.require_batch(session, principal=principal, batch_id=batch_id))


@router.get("/assets/{asset_id}/copies", summary="List an asset's copies")
def list_copies(asset_id: str, session: Reading, principal: Sender, window: PageOf) -> Page[CopyOut]:
    """List the copies that were issued to recipients, by serial."""
    rows, total = service.list_(session, principal=principal, asset_id=asset_id, window=window)
    items = [CopyOut.of(row, alias, state) for row, alias, state in rows]
    return Page(items=items, total=total, limit=window.limit, offset=window.offset)


@router.get(
    "/copies/{copy_id}/file",
    summary="Download a copy",
    response_class=Response,
    responses={
        200: {"description": "The marked file, in the asset's own format; of a video, MP4.", "content": _FILE},
        206: {"description": "A range of it.", "content": _FILE},
        **declared(416, 503),
    },
)
def download_copy(copy_id: str, request: Request, context: Ctx, principal: Uploader) -> Response:
    """Fetch the marked file of one released copy, whole or in ranges; downloads are recorded with time and caller.

    A picture's SHA-256 is recorded too and sent along. A video is assembled while it is sent, the same whenever it is.
    """
    file = delivery.file_of(context, principal=principal, copy_id=copy_id)
    digest = {"X-Content-SHA256": file.sha256} if file.sha256 else {}
    name = f'attachment; filename="{ascii_name(file.name)}"'
    return answer(
        request.headers,
        length=file.length,
        read=file.read,
        media_type=file.media_type,
        etag=file.etag,
        headers={"Content-Disposition": name, **digest},
    )


@router.get(
    "/assets/{asset_id}/preview",
    summary="Look at an asset",
    response_class=Response,
    responses={200: {"description": "Your own marked copy, shrunk.", "content": {"image/jpeg": {}}}, **declared(503)},
)
def preview_asset(
    asset_id: str,
    context: Ctx,
    principal: Sender,
    size: Annotated[int, Query(ge=16, le=1600, description="Long side in pixels, rounded up to a size we keep.")] = 480,
    at_s: Annotated[
        float | None, Query(ge=0, allow_inf_nan=False, description="Which moment of a video, to the second.")
    ] = None,
) -> Response:
    """Return a marked copy that belongs to you, shrunk, of a video one frame; the original itself is never served."""
    data = delivery.preview_of(context, principal=principal, asset_id=asset_id, size=size, at_s=at_s)
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=300"})


def ascii_name(name: str) -> str:
    """Make a file name that fits a header."""
    return name.encode("ascii", "replace").decode().replace("?", "-").replace('"', "-")
