"""``/healthz``: whether the parts that must work do work. ``/v1/me``: who the service thinks is calling."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from service.context import Context
from service.identity.access import AnyRole, Ctx
from service.identity.roles import Role
from service.net.problems import declared

router = APIRouter(tags=["service"])


class Health(BaseModel):
    """The state of each part."""

    ok: bool
    parts: dict[str, bool] = Field(
        examples=[{"database": True, "blobs": True, "key": True, "jobs": True}],
        description="database, blobs (the file store), key (it opens what was sealed), jobs (the job engine).",
    )


class Me(BaseModel):
    """The caller."""

    id: str = Field(examples=["tok_1f…"])
    brand_id: str
    name: str = Field(examples=["uploader token"])
    roles: list[Role]


@router.get("/healthz", summary="Health", responses={503: {"model": Health, "description": "Some part does not work."}})
def healthz(context: Ctx, response: Response) -> Health:
    """Check the database, the file store, the key and the job engine; 503 when one of them does not work."""
    parts = {name: _works(check) for name, check in _checks(context).items()}
    ok = all(parts.values())
    response.status_code = 200 if ok else 503
    return Health(ok=ok, parts=parts)


@router.get("/v1/me", summary="Who am I", responses=declared(401, 403, 429))
def who_am_i(principal: AnyRole) -> Me:
    """Return the caller's brand and roles."""
    return Me(id=principal.id, brand_id=principal.tenant_id, name=principal.name, roles=sorted(principal.roles))


def _checks(context: Context) -> dict[str, Any]:
    def key() -> bool:
        return context.vault.unseal(context.vault.seal(b"health", place="health"), place="health") == b"health"

    return {
        "database": context.database.healthy,
        "blobs": context.blobs.healthy,
        "key": key,
        "jobs": context.jobs.healthy,
    }


def _works(check: Any) -> bool:
    try:
        return bool(check())
    except Exception:
        return False
