"""Assets: the list, the upload, one asset's page, its release, and its end."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from starlette.responses import Response

from service.assets import service
from service.console import views
from service.console.templating import onward, page, pager
from service.identity.access import Ctx, Reading, Sender, Uploader, Writing
from service.pages import Window

router = APIRouter(prefix="/console/assets")
Offset = Annotated[int, Query(ge=0, le=10**6)]


@router.get("")
def list_assets(request: Request, session: Reading, principal: Sender, offset: Offset = 0) -> Response:
    """Show the assets, newest first."""
    window = Window(views.ASSETS_A_PAGE, offset)
    cards, total = views.cards(session, principal=principal, window=window)
    place = pager(request, window=window, total=total)
    return page(request, "assets.html", principal=principal, cards=cards, pager=place, query=request.query_params)


@router.get("/cards")
def list_cards(request: Request, session: Reading, principal: Sender) -> Response:
    """Give the first page of cards, for a page that has just uploaded something."""
    cards, _ = views.cards(session, principal=principal, window=Window(views.ASSETS_A_PAGE))
    return page(request, "_asset_cards.html", principal=principal, cards=cards)


@router.post("")
def upload(
    request: Request,
    file: Annotated[UploadFile, File()],
    context: Ctx,
    session: Writing,
    principal: Uploader,
    title: Annotated[str, Form(max_length=300)] = "",
    embargo: Annotated[date | None, Form()] = None,
) -> Response:
    """Take one picture or video from the form."""
    asset = service.receive(
        session,
        context=context,
        principal=principal,
        data=file.file.read(),
        title=title.strip() or title_from(file.filename),
        embargo_until=datetime.combine(embargo, time.min, UTC) if embargo else None,
        name=file.filename,
    )
    return onward(request, f"/console/assets/{asset.id}", note="uploaded")


@router.get("/{asset_id}")
def show_asset(request: Request, asset_id: str, session: Reading, principal: Sender, offset: Offset = 0) -> Response:
    """Show one asset and its copies."""
    window = Window(views.ROWS_A_PAGE, offset)
    lines, total = views.copy_lines(session, principal=principal, asset_id=asset_id, window=window)
    waiting, waiting_total = views.without_copy(session, principal=principal, asset_id=asset_id)
    return page(
        request,
        "asset.html",
        principal=principal,
        card=views.card(session, principal=principal, asset_id=asset_id),
        lines=lines,
        pager=pager(request, window=window, total=total),
        waiting=waiting,
        waiting_total=waiting_total,
        batches=views.batches_of(session, principal=principal, asset_id=asset_id),
        query=request.query_params,
    )


@router.get("/{asset_id}/card")
def show_card(request: Request, asset_id: str, session: Reading, principal: Sender) -> Response:
    """Give one card again, while its asset is being prepared."""
    card = views.card(session, principal=principal, asset_id=asset_id)
    return page(request, "_asset_card.html", principal=principal, card=card)


@router.get("/{asset_id}/progress")
def show_progress(request: Request, asset_id: str, session: Reading, principal: Sender) -> Response:
    """Give the progress of one asset; has the page loaded anew when there is more to show."""
    card = views.card(session, principal=principal, asset_id=asset_id)
    answer = page(request, "_asset_progress.html", principal=principal, card=card)
    if not card.moving:
        answer.headers["HX-Refresh"] = "true"
    return answer


@router.get("/{asset_id}/checking")
def show_checking(request: Request, asset_id: str, session: Reading, principal: Sender) -> Response:
    """Say that copies are being checked; has the page loaded anew when none is any more."""
    service.require(session, principal=principal, asset_id=asset_id)
    batches = views.batches_of(session, principal=principal, asset_id=asset_id)
    answer = page(request, "_copies_checking.html", principal=principal, batches=batches)
    if not batches.checking:
        answer.headers["HX-Refresh"] = "true"
    return answer


@router.post("/{asset_id}/release")
def release_asset(
    request: Request,
    asset_id: str,
    confirm: Annotated[str, Form(max_length=400)],
    session: Writing,
    principal: Uploader,
) -> Response:
    """Release a held asset whose title was typed again."""
    service.release(session, principal=principal, asset_id=asset_id, confirm=confirm)
    return onward(request, f"/console/assets/{asset_id}", note="released")


@router.post("/{asset_id}/delete")
def delete_asset(
    request: Request,
    asset_id: str,
    confirm: Annotated[str, Form(max_length=400)],
    context: Ctx,
    session: Writing,
    principal: Uploader,
) -> Response:
    """Delete an asset whose title was typed again."""
    service.delete(session, context=context, principal=principal, asset_id=asset_id, confirm=confirm)
    return onward(request, "/console/assets", note="deleted")


def title_from(name: str | None) -> str:
    """Make a title of a file's name.

    >>> title_from("autumn_look-03.final.jpg")
    'autumn look 03.final'
    """
    stem = (name or "").replace("\\", "/").rsplit("/", 1)[-1].rpartition(".")
    return " ".join((stem[0] or stem[2]).replace("_", " ").replace("-", " ").split())[:300]
