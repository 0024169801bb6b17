"""Signing in and out, and the first brand.

A sign-in link works once, and mail programs and chats fetch links to preview them; so opening it only shows a button,
and the button's POST uses the link up. The operator's secret is typed or comes in the address's fragment, which
browsers never send, so that no log holds it.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from service.console.templating import onward, page, safe_onward
from service.context import Context
from service.errors import Forbidden
from service.identity.access import AnyRole, Ctx, Reading, Writing, address_of, session_cookie
from service.identity.roles import Role
from service.identity.service import LinkUsedOrExpired, is_operator, sign_in, sign_out
from service.tenants import service as tenants
from service.tenants.schemas import Name

router = APIRouter()


class NotTheOperator(Forbidden):
    """This is not the operator's secret."""

    hint = "It begins with tto_ and is the content of the file operator.token in the data directory."


@router.get("/")
def root() -> Response:
    """Send people to the console."""
    return RedirectResponse("/console", status_code=307)


@router.get("/console")
def home(principal: AnyRole) -> Response:
    """Open the page that a seat's work begins on."""
    first = "assets" if principal.may(Role.UPLOADER, Role.INVESTIGATOR) else "sightings"
    return RedirectResponse(f"/console/{first}", status_code=303)


@router.get("/console/sign-in")
def ask_for_link(request: Request, session: Reading) -> Response:
    """Say how one signs in."""
    return page(request, "signed_out.html", problem=None, onward="", first_run=not tenants.exists(session))


@router.post("/console/sign-in")
def open_pasted_link(
    link: Annotated[str, Form(max_length=500)], further: Annotated[str, Form(max_length=3000)] = ""
) -> Response:
    """Go to a link that was pasted."""
    token = link.strip().rstrip("/").rsplit("/", 1)[-1].rsplit("=", 1)[-1]
    safe = "".join(c for c in token if c.isalnum() or c == "_")
    then = f"?{urlencode({'further': safe_onward(further)})}" if safe_onward(further) else ""
    return RedirectResponse(f"/sign-in/{safe or 'empty'}{then}", status_code=303)


@router.get("/sign-in/{token}")
def show_button(request: Request, token: str, further: str = "") -> Response:
    """Show the button that signs in; the link is not used up by looking."""
    return page(request, "sign_in.html", token=token, onward=safe_onward(further))


@router.post("/sign-in/{token}")
def use_link(
    request: Request,
    token: str,
    context: Ctx,
    session: Writing,
    further: Annotated[str, Form(max_length=3000)] = "",
) -> Response:
    """Use the link up and sign in."""
    answer = RedirectResponse(safe_onward(further) or "/console", status_code=303)
    try:
        _enter(session, context, token, answer)
    except LinkUsedOrExpired:
        context.limiter.failed(address_of(request))
        raise
    return answer


@router.post("/console/sign-out")
def leave(request: Request, context: Ctx, session: Writing) -> Response:
    """End the session."""
    name = session_cookie(secure=context.settings.secure)
    sign_out(session, vault=context.vault, token=request.cookies.get(name, ""))
    answer = onward(request, "/console/sign-in", note="signed-out")
    answer.delete_cookie(name, path="/", secure=context.settings.secure, httponly=True, samesite="lax")
    return answer


@router.get("/console/set-up")
def ask_for_brand(request: Request) -> Response:
    """Ask the operator for the brand's name."""
    return page(request, "set_up.html")


@router.post("/console/set-up")
def create_brand(
    request: Request,
    name: Annotated[Name, Form()],
    secret: Annotated[str, Form(max_length=200)],
    context: Ctx,
    session: Writing,
) -> Response:
    """Create a brand, show its tokens this once, and sign the operator in."""
    if not is_operator(context.settings.operator_token_file, secret.strip()):
        context.limiter.failed(address_of(request))
        raise NotTheOperator
    made = tenants.create(session, context=context, name=name)
    session.flush()
    answer = page(request, "set_up_done.html", name=made.tenant.name, tokens=made.tokens)
    _enter(session, context, made.sign_in_url.rsplit("/", 1)[1], answer)
    return answer


def _enter(session: Session, context: Context, link: str, answer: Response) -> None:
    settings = context.settings
    token = sign_in(session, vault=context.vault, link=link, lifetime_s=settings.session_s)
    answer.set_cookie(
        session_cookie(secure=settings.secure),
        token,
        max_age=settings.session_s,
        path="/",
        secure=settings.secure,
        httponly=True,
        samesite="lax",
    )
