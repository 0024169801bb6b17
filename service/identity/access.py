"""What a route may ask for in its signature: the context, a session, and a caller with a role.

``Depends(require(Role.X))`` is the only way to a :class:`Principal`, and carries its roles openly, so that OpenAPI and
the role test can list them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.orm import Session

from service.context import Context
from service.errors import Forbidden, Unauthenticated
from service.identity.roles import Principal, Role
from service.identity.service import by_session, by_token, is_operator

_bearer = HTTPBearer(auto_error=False, description="An API token (`tt_…`), or the operator's secret (`tto_…`).")
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def get_context(request: Request) -> Context:
    """Return what the application was built with; on the event loop, for a thread would cost more than it does."""
    context: Context = request.app.state.context
    return context


Ctx = Annotated[Context, Depends(get_context)]


def _reading(context: Ctx) -> Iterator[Session]:
    with context.database.reading() as session:
        yield session


def _writing(context: Ctx) -> Iterator[Session]:
    with context.database.writing() as session:
        yield session


Reading = Annotated[Session, Depends(_reading, scope="function")]
Writing = Annotated[Session, Depends(_writing, scope="function")]


def session_cookie(*, secure: bool) -> str:
    """Name the console's cookie; over TLS it is bound to this host by its prefix (RFC 6265bis, ``__Host-``)."""
    return "__Host-telltale" if secure else "telltale"


def address_of(request: Request) -> str:
    """Return the peer's address, for limits on guessing."""
    return request.client.host if request.client else "unknown"


def identify(request: Request, context: Context, token: str | None) -> Principal:
    """Find out who calls, by bearer token or else by cookie, and count the request.

    Raises
    ------
    Unauthenticated, TooManyRequests
    """
    cookie = request.cookies.get(session_cookie(secure=context.settings.secure))
    if token is None and cookie is None:
        raise Unauthenticated
    try:
        with context.database.reading() as session:
            if token is not None:
                principal = by_token(session, vault=context.vault, token=token)
            else:
                principal = by_session(session, vault=context.vault, token=cookie or "")
    except Unauthenticated:
        context.limiter.failed(address_of(request))
        raise
    context.limiter.hit(principal.id)
    return principal


class Requires:
    """A dependency that admits callers who hold one of ``roles``."""

    def __init__(self, roles: tuple[Role, ...]) -> None:
        self.roles = roles

    def __call__(self, request: Request, context: Ctx, bearer: Bearer) -> Principal:
        """Admit or refuse."""
        principal = identify(request, context, bearer.credentials if bearer else None)
        if not principal.may(*self.roles):
            raise Forbidden(f"This needs the role {' or '.join(self.roles)}.")
        return principal


def require(*roles: Role) -> Requires:
    """Require one of these roles."""
    return Requires(roles)


class RequiresOperator:
    """A dependency that admits the operator only."""

    roles = ("operator",)

    def __call__(self, request: Request, context: Ctx, bearer: Bearer) -> None:
        """Admit or refuse."""
        if bearer is None or not is_operator(context.settings.operator_token_file, bearer.credentials):
            context.limiter.failed(address_of(request))
            raise Unauthenticated(
                "This needs the operator's secret.",
                hint="Send the content of operator.token in the data directory as 'Authorization: Bearer tto_…'.",
            )


AnyRole = Annotated[Principal, Depends(require(*Role))]
Uploader = Annotated[Principal, Depends(require(Role.UPLOADER))]
Investigator = Annotated[Principal, Depends(require(Role.INVESTIGATOR))]
Sender = Annotated[Principal, Depends(require(Role.UPLOADER, Role.INVESTIGATOR))]
Finder = Annotated[Principal, Depends(require(Role.FLAGGER, Role.INVESTIGATOR))]
Operator = Depends(RequiresOperator())
