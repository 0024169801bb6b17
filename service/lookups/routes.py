"""``/v1/lookup``: is this ours?"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Response, UploadFile

from service.identity.access import AnyRole, Ctx
from service.lookups import pixels, service
from service.lookups.schemas import LookupAnswer, LookupAnswers, LookupQuery
from service.net.problems import declared

router = APIRouter(prefix="/v1/lookup", tags=["look-up"], responses=declared(401, 403, 422, 429))


@router.post("", summary="Look up hashes", response_model=LookupAnswers)
def lookup_hashes(body: LookupQuery, context: Ctx, principal: AnyRole) -> Response:
    """Answer for up to 500 perceptual hashes; hashes that match nothing are neither stored nor logged."""
    answers = LookupAnswers(results=service.lookup(context, principal=principal, queries=body.hashes))
    return Response(answers.model_dump_json(), media_type="application/json")  # valid: FastAPI need not check it anew


@router.post("/image", summary="Look up a picture", responses=declared(413, 503))
def lookup_image(
    file: Annotated[UploadFile, File(description="The picture, as found.")],
    context: Ctx,
    principal: AnyRole,
) -> LookupAnswer:
    """Answer for a picture by its hash and then by its local features; the picture is not kept."""
    found = context.pool.run_within(60.0, 30.0, pixels.describe, file.file.read(), context.settings.max_pixels)
    return service.lookup_picture(context, principal=principal, found=found)
