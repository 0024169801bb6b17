"""Granting, exchanging, renewing and revoking (RFC 6749, RFC 7636, RFC 7009), as RFC 9700 advises for public clients.

A code works once and for a minute; a refresh token works once. One that comes a second time was stolen from either its
owner or its thief, and nobody can tell which, so the whole grant ends (RFC 9700, 4.14.2). That must be kept although
the request is refused; refusals are therefore values here, not exceptions, which would undo it.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from service.authorization.clients import CLIENT_ID, ROLES
from service.authorization.requests import AuthorizationRequest
from service.context import Context
from service.db import everywhere, new_id, now, scoped
from service.errors import NotFound
from service.events.models import EventKind
from service.events.service import record
from service.identity.grants import Grant, GrantSecret, SecretKind
from service.identity.roles import Principal
from service.identity.tokens import ACCESS, CODE, REFRESH, is_well_formed, new_token
from service.vault.keys import Vault

CODE_S, ACCESS_S, REFRESH_S = 60, 15 * 60, 30 * 24 * 3600
_PREFIXES = {SecretKind.CODE: CODE, SecretKind.ACCESS: ACCESS, SecretKind.REFRESH: REFRESH}
_LIFETIMES = {SecretKind.CODE: CODE_S, SecretKind.ACCESS: ACCESS_S, SecretKind.REFRESH: REFRESH_S}


class GrantNotFound(NotFound):
    """There is no such signed-in extension."""


@dataclass(frozen=True)
class Tokens:
    """What a client gets (RFC 6749, 5.1)."""

    access: str
    refresh: str
    roles: str


@dataclass(frozen=True)
class Refusal:
    """Why a client gets nothing, as one of the words of RFC 6749, 5.2."""

    error: str
    description: str


def grantable(principal: Principal) -> list[str]:
    """List the roles that a seat can lend to the extension."""
    return sorted(role.value for role in principal.roles & ROLES)


def granted_before(session: Session, *, principal: Principal, redirect_uri: str) -> Grant | None:
    """Return a grant of this seat for the same client, with what it would be asked for again."""
    query = scoped(session, Grant, principal).where(Grant.member_id == principal.id, Grant.revoked_at.is_(None))
    query = query.where(Grant.client_id == CLIENT_ID, Grant.redirect_uri == redirect_uri)
    return session.scalar(query.where(Grant.roles == ",".join(grantable(principal))).limit(1))


def grant(session: Session, *, context: Context, principal: Principal, request: AuthorizationRequest) -> str:
    """Record a seat's consent; returns the code that the client exchanges."""
    made = Grant(
        id=new_id("gnt"),
        tenant_id=principal.tenant_id,
        member_id=principal.id,
        client_id=CLIENT_ID,
        redirect_uri=request.redirect_uri,
        roles=",".join(grantable(principal)),
    )
    session.add(made)
    session.flush()
    record(
        session, kind=EventKind.EXTENSION_ADMITTED, tenant_id=made.tenant_id, principal_id=principal.id, grant=made.id
    )
    return _secret(session, context.vault, made, SecretKind.CODE, challenge=request.challenge)


def exchange(
    session: Session, *, context: Context, code: str, redirect_uri: str, client_id: str, verifier: str
) -> Tokens | Refusal:
    """Give tokens for a code to whoever knows the verifier behind its challenge."""
    found = _take(session, context.vault, SecretKind.CODE, code)
    if isinstance(found, Refusal):
        return found
    secret, held = found
    known = client_id == held.client_id and redirect_uri == held.redirect_uri
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if not known or not secrets.compare_digest(challenge, secret.challenge or ""):
        _end(session, held, "a code came without its verifier")
        return Refusal("invalid_grant", "The code is not for this client.")
    return _tokens(session, context.vault, held)


def renew(session: Session, *, context: Context, refresh: str, client_id: str) -> Tokens | Refusal:
    """Give new tokens for a refresh token, which is used up by that."""
    found = _take(session, context.vault, SecretKind.REFRESH, refresh)
    if isinstance(found, Refusal):
        return found
    held = found[1]
    if client_id != held.client_id:
        _end(session, held, "a refresh token came from another client")
        return Refusal("invalid_grant", "The token is not for this client.")
    return _tokens(session, context.vault, held)


def revoke_by_token(session: Session, *, context: Context, token: str) -> None:
    """End the grant behind a token; an unknown token is no error (RFC 7009, 2.2)."""
    query = everywhere(GrantSecret).where(GrantSecret.secret_hash == context.vault.keyed("token", token))
    secret = session.scalar(query)
    if secret is not None:
        _end(session, session.scalars(everywhere(Grant).where(Grant.id == secret.grant_id)).one(), "signed out")


def list_grants(session: Session, *, principal: Principal) -> Sequence[Grant]:
    """List a seat's signed-in extensions, newest first."""
    query = scoped(session, Grant, principal).where(Grant.member_id == principal.id, Grant.revoked_at.is_(None))
    return list(session.scalars(query.order_by(Grant.created_at.desc(), Grant.id)))


def revoke_grant(session: Session, *, principal: Principal, grant_id: str) -> None:
    """Sign one of a seat's own extensions out; raises :class:`GrantNotFound`."""
    query = scoped(session, Grant, principal).where(Grant.member_id == principal.id, Grant.id == grant_id)
    held = session.scalar(query)
    if held is None:
        raise GrantNotFound
    _end(session, held, "revoked in the console")


def _take(session: Session, vault: Vault, kind: SecretKind, text: str) -> tuple[GrantSecret, Grant] | Refusal:
    """Use a secret up; the second use of one ends its grant."""
    refused = Refusal("invalid_grant", f"The {kind.value} is not valid, or not any more.")
    if not is_well_formed(text, _PREFIXES[kind]):
        return refused
    query = everywhere(GrantSecret).where(GrantSecret.secret_hash == vault.keyed("token", text))
    secret = session.scalar(query.where(GrantSecret.kind == kind.value).with_for_update())
    if secret is None:
        return refused
    held = session.scalars(everywhere(Grant).where(Grant.id == secret.grant_id)).one()
    if secret.used_at is not None:
        _end(session, held, f"a used {kind.value} came again")
        return refused
    if secret.expires_at <= now() or held.revoked_at is not None:
        return refused
    secret.used_at = now()
    return secret, held


def _tokens(session: Session, vault: Vault, held: Grant) -> Tokens:
    access = _secret(session, vault, held, SecretKind.ACCESS)
    refresh = _secret(session, vault, held, SecretKind.REFRESH)
    return Tokens(access, refresh, held.roles)


def _secret(session: Session, vault: Vault, held: Grant, kind: SecretKind, challenge: str | None = None) -> str:
    text = new_token(_PREFIXES[kind])
    session.add(
        GrantSecret(
            tenant_id=held.tenant_id,
            grant_id=held.id,
            kind=kind.value,
            secret_hash=vault.keyed("token", text),
            challenge=challenge,
            expires_at=now() + timedelta(seconds=_LIFETIMES[kind]),
        )
    )
    return text


def _end(session: Session, held: Grant, because: str) -> None:
    if held.revoked_at is not None:
        return
    held.revoked_at, held.revoked_because = now(), because
    record(
        session,
        kind=EventKind.EXTENSION_REVOKED,
        tenant_id=held.tenant_id,
        principal_id=held.member_id,
        grant=held.id,
        because=because,
    )
