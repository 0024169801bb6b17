"""Recipients: the list, one more, or many from a spreadsheet."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from service.console import recipient_list, views
from service.console.pages.assets import Offset
from service.console.pages.copies import ListForm, list_in
from service.console.templating import is_fragment, onward, page, pager
from service.identity.access import Ctx, Reading, Sender, Uploader, Writing
from service.pages import Window
from service.recipients import service

router = APIRouter(prefix="/console/recipients")


@router.get("")
def list_recipients(
    request: Request,
    session: Reading,
    principal: Sender,
    search: Annotated[str, Query(max_length=200)] = "",
    offset: Offset = 0,
) -> Response:
    """Show the recipients in order of alias."""
    window = Window(views.ROWS_A_PAGE, offset)
    rows, total = service.list_(session, principal=principal, window=window, search=search)
    return page(
        request,
        "recipients.html",
        principal=principal,
        lines=views.recipient_lines(session, principal=principal, rows=rows),
        pager=pager(request, window=window, total=total),
        search=search,
        query=request.query_params,
    )


@router.post("")
def add(
    request: Request,
    alias: Annotated[str, Form(max_length=1000)],
    context: Ctx,
    session: Writing,
    principal: Uploader,
    contact: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Add one recipient."""
    service.add(session, vault=context.vault, principal=principal, alias=alias, contact=contact)
    return onward(request, "/console/recipients", note="added")


@router.post("/check")
def check_list(request: Request, form: ListForm, session: Reading, principal: Uploader) -> Response:
    """Say what a list would add, and change nothing."""
    checked = recipient_list.check(session, principal=principal, data=list_in(form))
    template = "_list_checked.html" if is_fragment(request) else "list_checked.html"
    return page(
        request, template, principal=principal, checked=checked, asset=None, action="/console/recipients/import"
    )


@router.post("/import")
def import_list(request: Request, form: ListForm, context: Ctx, session: Writing, principal: Uploader) -> Response:
    """Add whoever is new on a list."""
    _, added = recipient_list.take(session, vault=context.vault, principal=principal, data=list_in(form))
    return onward(request, "/console/recipients", note="imported", n=added)
