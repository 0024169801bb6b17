"""Templates and the few things every page needs: who is looking, what they may open, and how figures are written.

Autoescaping is on for everything. Templates hold no inline script or style, because the policy of
:mod:`service.net.headers` would not run it; a test walks them.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from service.console import wording
from service.copies.schemas import copy_name
from service.identity.roles import Principal, Role
from service.pages import Window

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
_SENDERS = (Role.UPLOADER, Role.INVESTIGATOR)
SECTIONS: tuple[tuple[str, str, str, tuple[Role, ...]], ...] = (
    ("assets", "Assets", "/console/assets", _SENDERS),
    ("recipients", "Recipients", "/console/recipients", _SENDERS),
    ("sightings", "Sightings", "/console/sightings", tuple(Role)),
    ("provenance", "Provenance", "/console/provenance", (Role.INVESTIGATOR,)),
    ("lookup", "Look up", "/console/lookup", tuple(Role)),
)


def page(
    request: Request, template: str, *, principal: Principal | None = None, status: int = 200, **data: Any
) -> HTMLResponse:
    """Render a page, or a fragment whose template's name begins with an underscore."""
    sections = [section for section in SECTIONS if principal is not None and principal.may(*section[3])]
    html = (
        _environment()
        .get_template(template)
        .render(principal=principal, roles=_roles(principal), sections=sections, path=request.url.path, **data)
    )
    return HTMLResponse(html, status_code=status, headers={"Vary": "HX-Request, Accept"})


def onward(request: Request, url: str, **note: object) -> Response:
    """Send the browser on after a form was accepted; a note in the query says what was done."""
    target = f"{url}?{urlencode(note)}" if note else url
    if is_fragment(request):
        return HTMLResponse("", headers={"HX-Redirect": target})
    return RedirectResponse(target, status_code=303)


def onward_of(request: Request) -> str:
    """Return where to go after signing in: on with an extension's sign-in, or nowhere in particular."""
    return safe_onward(f"{request.url.path}?{request.url.query}")


def safe_onward(address: str) -> str:
    """Keep an address of the one page that people are sent back to; anything else becomes empty."""
    return address if address.startswith("/oauth/authorize?") and address.isascii() and address.isprintable() else ""


def is_fragment(request: Request) -> bool:
    """Whether htmx asks, and so wants a piece of a page."""
    return request.headers.get("hx-request") == "true"


def pager(request: Request, *, window: Window, total: int) -> dict[str, Any]:
    """Say where in a list we are, with addresses of the neighbouring pages."""

    def at(offset: int) -> str:
        return f"{request.url.path}?{urlencode({**dict(request.query_params), 'offset': offset})}"

    before, after = window.offset - window.limit, window.offset + window.limit
    return {
        "first": min(window.offset + 1, total),
        "last": min(after, total),
        "total": total,
        "before": at(max(0, before)) if window.offset > 0 else None,
        "after": at(after) if after < total else None,
    }


@cache
def static_url(name: str) -> str:
    """Return the address of a static file, which changes with its content."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/console/static/{name}?v={digest}"


def _roles(principal: Principal | None) -> dict[str, bool]:
    return {role.value: principal is not None and principal.may(role) for role in Role}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"static": static_url, "note_of": wording.note}
    environment.filters |= {
        "copy_name": copy_name,
        "moment": wording.moment,
        "day": wording.day,
        "size": wording.size,
        "number": wording.number,
        "percent": wording.percent,
        "duration": wording.duration,
        "clock": wording.clock,
        "thing": wording.thing,
        "state": wording.state,
        "obtained": wording.obtained,
        "odds": wording.odds,
        "strength": wording.strength,
        "power": wording.power_of_ten,
    }
    return environment
