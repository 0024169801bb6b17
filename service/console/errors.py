"""Refusals as pages: what the API says as problem+json, the console says in HTML with the same title, detail and hint.

A page asked for by a browser gets a whole page; a fragment asked for by htmx gets a fragment; a script that asks for
JSON gets the problem itself. Nobody signed in gets the page that says how to sign in.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response

from service.console.templating import is_fragment, onward_of, page

Handler = Callable[[Request, Exception], Response | Awaitable[Response]]
_OURS = ("/console", "/sign-in", "/oauth/authorize")
_PASSED_ON = ("retry-after", "allow")


def install(app: FastAPI) -> None:
    """Wrap every error handler the application has."""
    for key, handler in list(app.exception_handlers.items()):
        if isinstance(key, int) or not key.__name__.startswith("WebSocket"):
            app.add_exception_handler(key, _in_html(handler))


def wants_html(request: Request) -> bool:
    """Whether a page of the console was asked for, by something that can show one."""
    path = request.url.path
    ours = path == "/" or any(path == start or path.startswith(f"{start}/") for start in _OURS)
    return ours and "json" not in request.headers.get("accept", "")


def _in_html(handler: Handler) -> Handler:
    async def answer(request: Request, error: Exception) -> Response:
        made = handler(request, error)
        told: Response = await made if inspect.isawaitable(made) else made
        if not wants_html(request) or not isinstance(told, JSONResponse):
            return told
        problem: dict[str, Any] = json.loads(bytes(told.body))
        shown = _show(request, problem)
        for name in _PASSED_ON:
            if name in told.headers:
                shown.headers[name] = told.headers[name]
        return shown

    return answer


def _show(request: Request, problem: dict[str, Any]) -> Response:
    status = int(problem["status"])
    if is_fragment(request):
        return page(request, "_problem.html", problem=problem, status=status)
    if status == 401:
        return page(request, "signed_out.html", problem=problem, onward=onward_of(request), status=status)
    return page(request, "error.html", problem=problem, status=status)
