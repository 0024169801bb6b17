"""Every refusal in one form: RFC 9457 problem details, with a hint for a person.

Also what went wrong unexpectedly: the answer says so and carries a reference, the details go to the log.
"""

from __future__ import annotations

import logging
import secrets
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from service.errors import ServiceError, SetupError, TooLarge, kebab
from watermark.errors import WatermarkError

log = logging.getLogger("telltale.http")

MEDIA_TYPE = "application/problem+json"
_HINTS = {
    400: "Check how the request is written.",
    404: "Check the address; the API is described in /openapi.json.",
    405: "Use one of the methods that the Allow header lists.",
    413: TooLarge.hint,
}


class Problem(BaseModel):
    """A refusal (RFC 9457)."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "type": "urn:telltale:problem:asset-not-found",
                "title": "Asset not found",
                "status": 404,
                "detail": "There is no asset under this id.",
                "hint": "Check the id; ids of other brands are not found either.",
            }
        },
    )

    type: str = Field(description="A stable name of the kind of problem.")
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What happened this time.")
    hint: str = Field(description="What a person can do about it.")


def problem(
    status: int, code: str, detail: str, hint: str, *, headers: dict[str, str] | None = None, **extra: Any
) -> JSONResponse:
    """Make a problem answer."""
    body = {
        "type": f"urn:telltale:problem:{code}",
        "title": code.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
        "hint": hint,
        **extra,
    }
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def problem_response(error: ServiceError) -> JSONResponse:
    """Answer a refusal."""
    headers = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="telltale"'
    if error.status in (429, 503):
        headers["Retry-After"] = "30"
    return problem(error.status, error.code, str(error), error.hint, headers=headers, **error.extra)


def install(app: FastAPI) -> None:
    """Answer every error as a problem."""
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(WatermarkError, _watermark_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Declare error answers for OpenAPI."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def _service_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ServiceError):
        raise error
    if isinstance(error, SetupError):
        log.error("%s %s", type(error).__name__, error)
    return problem_response(error)


def _watermark_error(request: Request, error: Exception) -> JSONResponse:
    hint = getattr(error, "hint", "")
    return problem(422, kebab(type(error).__name__), str(error), hint)


def _validation_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    found = [
        {"where": ".".join(str(part) for part in item["loc"]), "what": str(item["msg"])} for item in error.errors()
    ]
    what = "; ".join(f"{item['where']}: {item['what']}" for item in found[:3])
    return problem(422, "invalid-request", what, "Correct the fields named in 'errors'.", errors=found[:50])


def _http_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 413:
        raise error  # the guard on request sizes answers, outside of the application
    phrase = HTTPStatus(error.status_code).phrase
    code = phrase.lower().replace(" ", "-")
    hint = _HINTS.get(error.status_code, "Check the request and try again.")
    return problem(error.status_code, code, str(error.detail), hint, headers=dict(error.headers or {}))


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    reference = secrets.token_hex(6)
    log.error("unexpected error, reference %s, %s %s", reference, request.method, request.url.path, exc_info=error)
    return problem(
        500,
        "unexpected",
        "Something went wrong on our side.",
        f"Try again; if it happens again, give the operator the reference {reference}.",
        reference=reference,
    )
