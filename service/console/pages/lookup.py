"""Look up: is this ours? The picture is asked about and forgotten."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, Request, UploadFile
from starlette.responses import Response

from service.console.templating import is_fragment, page
from service.errors import Invalid
from service.identity.access import AnyRole, Ctx
from service.lookups import pixels, service
from service.lookups.schemas import HashQuery

router = APIRouter(prefix="/console/lookup")


class NothingAsked(Invalid):
    """There is neither a hash nor a picture to look up."""

    hint = "Paste a PDQ hash of 64 hex digits, or choose a picture."


@router.get("")
def ask(request: Request, principal: AnyRole) -> Response:
    """Show the form."""
    return page(request, "lookup.html", principal=principal, answer=None, asked="")


@router.post("/hash")
def ask_for_hash(
    request: Request, context: Ctx, principal: AnyRole, pdq: Annotated[str, Form(max_length=200)] = ""
) -> Response:
    """Answer for one PDQ hash."""
    code = "".join(pdq.split())
    if not code:
        raise NothingAsked
    answer = service.lookup(context, principal=principal, queries=[HashQuery(pdq=code)])[0]
    return _shown(request, principal, answer, code)


@router.post("/picture")
def ask_for_picture(
    request: Request,
    picture: Annotated[UploadFile, File()],
    context: Ctx,
    principal: AnyRole,
) -> Response:
    """Answer for a picture, which is not kept."""
    data = picture.file.read()
    found = context.pool.run_within(60.0, 30.0, pixels.describe, data, context.settings.max_pixels)
    answer = service.lookup_picture(context, principal=principal, found=found)
    return _shown(request, principal, answer, "")


def _shown(request: Request, principal: AnyRole, answer: object, asked: str) -> Response:
    template = "_lookup_answer.html" if is_fragment(request) else "lookup.html"
    return page(request, template, principal=principal, answer=answer, asked=asked)
