"""Hang the console into the application: its pages, its static files, its form of errors."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from service.console import errors
from service.console.pages import assets, authorize, copies, lookup, provenance, recipients, sightings, sign_in
from service.console.templating import STATIC

PAGES = (sign_in, authorize, assets, copies, recipients, sightings, provenance, lookup)


class _Static(StaticFiles):
    """Files that may be cached, because their address carries a hash of their content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Serve a file."""
        answer = await super().get_response(path, scope)
        answer.headers.setdefault("Cache-Control", "public, max-age=86400")
        return answer


def install(app: FastAPI) -> None:
    """Add the console; called after the API's own error handlers are in place, which it wraps."""
    for page in PAGES:
        app.include_router(page.router, include_in_schema=False)
    app.mount("/console/static", _Static(directory=STATIC), name="console-static")
    errors.install(app)
