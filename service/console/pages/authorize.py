"""Signing the browser extension in: the page that asks, and the one that lists who is signed in and can be signed out.

The consent is a form of this site's own, which another site can neither send nor frame; the answer leads to an address
that belongs to the extension alone.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlparse

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from service.authorization import requests, service
from service.authorization.clients import CLIENT_NAME
from service.authorization.requests import AuthorizationRequest, Faulty
from service.console.templating import onward, page
from service.context import Context
from service.errors import ServiceError
from service.identity.access import AnyRole, Ctx, Reading, Writing, identify
from service.identity.roles import Principal
from service.net.headers import CONTENT_SECURITY_POLICY

router = APIRouter()


@router.get("/oauth/authorize")
def ask(request: Request, context: Ctx, session: Writing) -> Response:
    """Ask a seat whether the extension may act for it; silently where it has said so before."""
    asked = requests.read(context.settings, dict(request.query_params))
    if isinstance(asked, Faulty):
        return RedirectResponse(asked.location, status_code=303)
    principal = _seat(request, context, asked)
    if principal is None:
        return RedirectResponse(asked.back(context.settings, error="login_required"), status_code=303)
    roles = service.grantable(principal)
    if asked.silent:
        known = service.granted_before(session, principal=principal, redirect_uri=asked.redirect_uri)
        if known is None:
            return RedirectResponse(asked.back(context.settings, error="interaction_required"), status_code=303)
        code = service.grant(session, context=context, principal=principal, request=asked)
        return RedirectResponse(asked.back(context.settings, code=code), status_code=303)
    answer = page(request, "authorize.html", principal=None, seat=principal.name, client=CLIENT_NAME, roles_asked=roles)
    # A form's answer may lead only where the policy says; the extension's own address has to be named.
    origin = "{0.scheme}://{0.netloc}".format(urlparse(asked.redirect_uri))
    answer.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace(
        "form-action 'self'", f"form-action 'self' {origin}"
    )
    return answer


@router.post("/oauth/authorize")
def decide(
    request: Request, context: Ctx, session: Writing, principal: AnyRole, decision: Annotated[str, Form(max_length=10)]
) -> Response:
    """Send the browser back to the extension with a code, or with a no."""
    asked = requests.read(context.settings, dict(request.query_params))
    if isinstance(asked, Faulty):
        return RedirectResponse(asked.location, status_code=303)
    if decision != "allow" or not service.grantable(principal):
        return RedirectResponse(asked.back(context.settings, error="access_denied"), status_code=303)
    code = service.grant(session, context=context, principal=principal, request=asked)
    return RedirectResponse(asked.back(context.settings, code=code), status_code=303)


@router.get("/console/extensions")
def list_extensions(request: Request, session: Reading, principal: AnyRole) -> Response:
    """Show where this seat's extensions are signed in."""
    held = service.list_grants(session, principal=principal)
    return page(request, "extensions.html", principal=principal, grants=held, query=request.query_params)


@router.post("/console/extensions/{grant_id}/revoke")
def revoke(request: Request, session: Writing, principal: AnyRole, grant_id: str) -> Response:
    """Sign one out."""
    service.revoke_grant(session, principal=principal, grant_id=grant_id)
    return onward(request, "/console/extensions", note="extension-revoked")


def _seat(request: Request, context: Context, asked: AuthorizationRequest) -> Principal | None:
    """Return who is signed in; None where nobody is and nobody may be asked."""
    try:
        return identify(request, context, None)
    except ServiceError:
        if asked.silent:
            return None
        raise
