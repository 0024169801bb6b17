"""``/oauth``: what a machine asks of the authorization server; the page for people is the console's.

These answers are shaped by their RFCs, not by this API's problems, and are described by the metadata (RFC 8414), so
they stay out of the OpenAPI document. No cookie is read here: a code, a verifier or a token is all that counts.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse

from service.authorization import service
from service.authorization.requests import issuer
from service.authorization.service import ACCESS_S, Refusal
from service.identity.access import Ctx, Writing, address_of

TOKEN, REVOKE = "/oauth/token", "/oauth/revoke"
METADATA = "/.well-known/oauth-authorization-server"

router = APIRouter(include_in_schema=False)
Field = Annotated[str, Form(max_length=1000)]


@router.get(METADATA)
def metadata(context: Ctx) -> dict[str, Any]:
    """Describe the server (RFC 8414)."""
    here = issuer(context.settings)
    return {
        "issuer": here,
        "authorization_endpoint": f"{here}/oauth/authorize",
        "token_endpoint": f"{here}{TOKEN}",
        "revocation_endpoint": f"{here}{REVOKE}",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": True,
    }


@router.post(TOKEN)
def token(
    request: Request,
    context: Ctx,
    session: Writing,
    grant_type: Field = "",
    code: Field = "",
    redirect_uri: Field = "",
    client_id: Field = "",
    code_verifier: Field = "",
    refresh_token: Field = "",
) -> Response:
    """Exchange a code, or renew (RFC 6749, 4.1.3 and 6)."""
    answer: service.Tokens | Refusal = Refusal("unsupported_grant_type", "Use authorization_code or refresh_token.")
    if grant_type == "authorization_code":
        answer = service.exchange(
            session,
            context=context,
            code=code,
            redirect_uri=redirect_uri,
            client_id=client_id,
            verifier=code_verifier,
        )
    elif grant_type == "refresh_token":
        answer = service.renew(session, context=context, refresh=refresh_token, client_id=client_id)
    if isinstance(answer, Refusal):
        session.commit()  # what a refusal has ended stays ended, whatever the limiter says now
        context.limiter.failed(address_of(request))
        return JSONResponse({"error": answer.error, "error_description": answer.description}, status_code=400)
    return JSONResponse(
        {
            "access_token": answer.access,
            "token_type": "Bearer",
            "expires_in": ACCESS_S,
            "refresh_token": answer.refresh,
            "scope": answer.roles.replace(",", " "),
        }
    )


@router.post(REVOKE)
def revoke(context: Ctx, session: Writing, token: Field = "") -> Response:
    """Revoke (RFC 7009); the answer is the same whether there was anything to revoke."""
    service.revoke_by_token(session, context=context, token=token)
    return Response()
