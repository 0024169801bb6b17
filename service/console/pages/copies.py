"""Issuing copies from an asset's page: to everybody, to those chosen, or to a list that is dropped there."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from service.assets.service import require as require_asset
from service.console import recipient_list
from service.console.templating import is_fragment, onward, page
from service.copies import service
from service.errors import Invalid
from service.identity.access import Ctx, Reading, Uploader, Writing

router = APIRouter(prefix="/console/assets/{asset_id}/copies")


class NobodyChosen(Invalid):
    """Nobody is chosen."""

    hint = "Tick at least one recipient, or issue to all of them."


class NoList(Invalid):
    """There is no list to check."""

    hint = "Choose a CSV file, or paste the list into the field."


async def list_form(request: Request) -> FormData:
    """Read a form that may carry a list of 10,000 recipients as text."""
    return await request.form(max_fields=2000, max_part_size=16 * 2**20)


ListForm = Annotated[FormData, Depends(list_form)]


def list_in(form: FormData) -> bytes:
    """Return the list a form carries: a file, or text; raises :class:`NoList`."""
    file = form.get("file")
    data = file.file.read() if isinstance(file, UploadFile) else b""
    text = form.get("text")
    data = data or (text.encode() if isinstance(text, str) else b"")
    if not data.strip():
        raise NoList
    return data


@router.post("")
def issue(
    request: Request, asset_id: str, form: ListForm, context: Ctx, session: Writing, principal: Uploader
) -> Response:
    """Issue to all recipients, or to those ticked."""
    chosen = [str(value) for value in form.getlist("recipient")]
    everybody = form.get("who") == "all"
    if not everybody and not chosen:
        raise NobodyChosen
    done = service.issue(
        session,
        context=context,
        principal=principal,
        asset_id=asset_id,
        recipients="all" if everybody else chosen,
    )
    return onward(request, f"/console/assets/{asset_id}", note="issued", n=done.issued, m=done.existing)


@router.post("/check-again")
def check_again(request: Request, asset_id: str, context: Ctx, session: Writing, principal: Uploader) -> Response:
    """Have the batches that are held checked again."""
    service.check_again(session, context=context, principal=principal, asset_id=asset_id)
    return onward(request, f"/console/assets/{asset_id}")


@router.post("/check")
def check_list(request: Request, asset_id: str, form: ListForm, session: Reading, principal: Uploader) -> Response:
    """Say what a list would do, and change nothing."""
    asset = require_asset(session, principal=principal, asset_id=asset_id)
    checked = recipient_list.check(session, principal=principal, data=list_in(form))
    template = "_list_checked.html" if is_fragment(request) else "list_checked.html"
    return page(
        request,
        template,
        principal=principal,
        checked=checked,
        asset=asset,
        action=f"/console/assets/{asset_id}/copies/import",
    )


@router.post("/import")
def import_and_issue(
    request: Request, asset_id: str, form: ListForm, context: Ctx, session: Writing, principal: Uploader
) -> Response:
    """Add whoever is new on the list and issue copies to everybody on it."""
    ids, _ = recipient_list.take(session, vault=context.vault, principal=principal, data=list_in(form))
    done = service.issue(session, context=context, principal=principal, asset_id=asset_id, recipients=ids)
    return onward(request, f"/console/assets/{asset_id}", note="issued", n=done.issued, m=done.existing)
