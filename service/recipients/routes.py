"""``/v1/recipients``: who gets copies."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Query, UploadFile

from service.identity.access import Ctx, Reading, Sender, Uploader, Writing
from service.net.problems import declared
from service.pages import Page, PageOf
from service.recipients import service
from service.recipients.schemas import ImportReport, NewRecipient, RecipientOut

router = APIRouter(prefix="/v1/recipients", tags=["recipients"], responses=declared(401, 403, 422, 429))


@router.post("", status_code=201, summary="Add a recipient", responses=declared(409))
def add_recipient(body: NewRecipient, context: Ctx, session: Writing, principal: Uploader) -> RecipientOut:
    """Add one recipient by alias; a contact is optional, sealed with the brand's key, and never returned."""
    row = service.add(session, vault=context.vault, principal=principal, alias=body.alias, contact=body.contact)
    return RecipientOut.of(row)


@router.post("/import", status_code=201, summary="Import recipients from CSV", responses=declared(413))
def import_recipients(
    file: Annotated[UploadFile, File(description="CSV in UTF-8 with the header `alias` or `alias,contact`.")],
    context: Ctx,
    session: Writing,
    principal: Uploader,
    dry_run: Annotated[bool, Query(description="Check the file and change nothing.")] = False,
) -> ImportReport:
    """Import up to 10,000 recipients, all or nothing; every bad line is named with its number."""
    done = service.import_csv(session, vault=context.vault, principal=principal, data=file.file.read(), dry_run=dry_run)
    return ImportReport(added=done.added, dry_run=done.dry_run)


@router.get("", summary="List recipients")
def list_recipients(
    session: Reading,
    principal: Sender,
    window: PageOf,
    search: Annotated[str, Query(max_length=200, description="Part of an alias.")] = "",
) -> Page[RecipientOut]:
    """List recipients in order of alias."""
    rows, total = service.list_(session, principal=principal, window=window, search=search)
    return Page(items=[RecipientOut.of(row) for row in rows], total=total, limit=window.limit, offset=window.offset)


@router.get("/{recipient_id}", summary="Show a recipient", responses=declared(404))
def show_recipient(recipient_id: str, session: Reading, principal: Sender) -> RecipientOut:
    """Show one recipient."""
    return RecipientOut.of(service.require(session, principal=principal, recipient_id=recipient_id))
