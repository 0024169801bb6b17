"""``/v1/brands``: for the operator."""

from __future__ import annotations

from fastapi import APIRouter

from service.identity.access import Ctx, Operator, Reading, Writing
from service.identity.service import list_tokens, revoke_token
from service.net.problems import declared
from service.tenants import service
from service.tenants.schemas import BrandCreated, NewBrand, SignInUrl, TokenOut

router = APIRouter(
    prefix="/v1/brands",
    tags=["brands"],
    dependencies=[Operator],
    responses=declared(401, 422, 429),
)


@router.post("", status_code=201, summary="Create a brand")
def create_brand(body: NewBrand, context: Ctx, session: Writing) -> BrandCreated:
    """Create a brand; returns three tokens, one per role, and a one-time console sign-in link, all shown this once."""
    made = service.create(session, context=context, name=body.name)
    return BrandCreated(id=made.tenant.id, name=made.tenant.name, tokens=made.tokens, sign_in_url=made.sign_in_url)


@router.post("/{brand_id}/sign-in-links", status_code=201, summary="Make a new sign-in link", responses=declared(404))
def create_sign_in_link(brand_id: str, context: Ctx, session: Writing) -> SignInUrl:
    """Make a fresh one-time sign-in link, when the first has expired."""
    return SignInUrl(sign_in_url=service.sign_in_url(session, context=context, tenant_id=brand_id))


@router.get("/{brand_id}/tokens", summary="List API tokens", responses=declared(404))
def show_tokens(brand_id: str, session: Reading) -> list[TokenOut]:
    """List a brand's API tokens by id and role; their texts are kept nowhere."""
    service.require(session, tenant_id=brand_id)
    return [TokenOut.model_validate(row, from_attributes=True) for row in list_tokens(session, tenant_id=brand_id)]


@router.delete("/{brand_id}/tokens/{token_id}", status_code=204, summary="Revoke a token", responses=declared(404))
def delete_token(brand_id: str, token_id: str, session: Writing) -> None:
    """Revoke an API token: the next request that carries it is refused."""
    revoke_token(session, tenant_id=brand_id, token_id=token_id)
