"""Provenance: what happened to one asset, one copy or one recipient's copies, in order of time."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from service.console import trail, views
from service.console.pages.assets import Offset
from service.console.templating import page, pager
from service.identity.access import Investigator, Reading
from service.pages import Window
from service.provenance import service

router = APIRouter(prefix="/console/provenance")
EVENTS_A_PAGE = 2000
_Id = Annotated[str, Query(max_length=60)]


@router.get("")
def follow(
    request: Request,
    session: Reading,
    principal: Investigator,
    asset: _Id = "",
    copy: _Id = "",
    recipient: _Id = "",
    only: Literal["", "asset", "issued", "opened", "seen", "named"] = "",
    offset: Offset = 0,
) -> Response:
    """Show the record of one subject, or ask for one."""
    choices = views.asset_titles(session, principal=principal)
    if not (asset or copy or recipient):
        return page(request, "provenance.html", principal=principal, choices=choices, subject=None)
    window = Window(EVENTS_A_PAGE, offset)
    entries, total = service.trail(
        session, principal=principal, window=window, asset_id=asset, copy_id=copy, recipient_id=recipient
    )
    lines = trail.lines(entries, only=only)
    ids = {entry.event.principal_id for entry in entries if entry.event.principal_id}
    given = {"asset": asset, "copy": copy, "recipient": recipient}
    return page(
        request,
        "provenance.html",
        principal=principal,
        choices=choices,
        subject=views.subject(session, principal=principal, asset_id=asset, copy_id=copy, recipient_id=recipient),
        link=next(f"{name}={value}" for name, value in given.items() if value),
        lines=lines,
        marks=trail.marks(lines, left=110, right=700),
        lanes=trail.LANES,
        only=only,
        total=total,
        actors=views.actors(session, principal=principal, ids=ids),
        pager=pager(request, window=window, total=total),
    )
