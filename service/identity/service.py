"""Issuing and checking of credentials."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from service.db import everywhere, now, scoped
from service.errors import NotFound, ServiceError, Unauthenticated
from service.events.models import EventKind
from service.events.service import record
from service.identity.grants import by_access_token
from service.identity.models import ApiToken, ConsoleSession, Member, SignInLink
from service.identity.roles import Principal, Role
from service.identity.tokens import ACCESS, API, LINK, OPERATOR, SESSION, is_well_formed, new_token
from service.vault.keys import Vault, write_secret


class TokenNotFound(NotFound):
    """There is no token under this id."""


class LinkUsedOrExpired(ServiceError):
    """This sign-in link was used already or is too old."""

    status = 410
    hint = "Ask the operator for a new sign-in link."


def issue_token(session: Session, *, vault: Vault, tenant_id: str, role: Role) -> str:
    """Make an API token; the text is returned once and only its keyed hash is kept."""
    token = new_token(API)
    session.add(ApiToken(tenant_id=tenant_id, role=role.value, token_hash=vault.keyed("token", token)))
    return token


def list_tokens(session: Session, *, tenant_id: str) -> list[ApiToken]:
    """List a brand's API tokens, oldest first, for the operator; their texts are known to nobody."""
    query = everywhere(ApiToken).where(ApiToken.tenant_id == tenant_id)
    return list(session.scalars(query.order_by(ApiToken.created_at, ApiToken.id)))


def revoke_token(session: Session, *, tenant_id: str, token_id: str) -> None:
    """End an API token at once; raises :class:`TokenNotFound`. Revoking it again changes nothing."""
    query = everywhere(ApiToken).where(ApiToken.tenant_id == tenant_id, ApiToken.id == token_id)
    row = session.scalar(query)
    if row is None:
        raise TokenNotFound
    if row.revoked_at is None:
        row.revoked_at = now()
        record(session, kind=EventKind.TOKEN_REVOKED, tenant_id=tenant_id, token=token_id, role=row.role)


def add_member(session: Session, *, tenant_id: str, name: str, roles: frozenset[Role]) -> Member:
    """Make a console seat."""
    member = Member(tenant_id=tenant_id, name=name, roles=",".join(sorted(roles)))
    session.add(member)
    session.flush()
    return member


def seat_names(session: Session, *, principal: Principal, member_ids: Sequence[str | None]) -> dict[str, str]:
    """Return the names of some console seats by id."""
    known = [member_id for member_id in member_ids if member_id]
    rows = session.scalars(scoped(session, Member, principal).where(Member.id.in_(known)))
    return {row.id: f"the console seat “{row.name}”" for row in rows}


def issue_link(session: Session, *, vault: Vault, member: Member, lifetime_s: int) -> str:
    """Make a one-time sign-in link for a member; returns its secret."""
    token = new_token(LINK)
    session.add(
        SignInLink(
            tenant_id=member.tenant_id,
            member_id=member.id,
            token_hash=vault.keyed("token", token),
            expires_at=now() + timedelta(seconds=lifetime_s),
        )
    )
    return token


def sign_in(session: Session, *, vault: Vault, link: str, lifetime_s: int) -> str:
    """Use up a sign-in link and open a console session; returns the session's secret, for the cookie.

    Raises
    ------
    LinkUsedOrExpired
        Also when there never was such a link.
    """
    query = everywhere(SignInLink).where(SignInLink.token_hash == vault.keyed("token", link)).with_for_update()
    row = session.scalar(query) if is_well_formed(link, LINK) else None
    if row is None or row.used_at is not None or row.expires_at <= now():
        raise LinkUsedOrExpired
    row.used_at = now()
    token = new_token(SESSION)
    session.add(
        ConsoleSession(
            tenant_id=row.tenant_id,
            member_id=row.member_id,
            token_hash=vault.keyed("token", token),
            expires_at=now() + timedelta(seconds=lifetime_s),
        )
    )
    record(session, kind=EventKind.SIGNED_IN, tenant_id=row.tenant_id, principal_id=row.member_id)
    return token


def sign_out(session: Session, *, vault: Vault, token: str) -> None:
    """End a console session."""
    row = session.scalar(everywhere(ConsoleSession).where(ConsoleSession.token_hash == vault.keyed("token", token)))
    if row is not None:
        row.ended_at = now()


def by_token(session: Session, *, vault: Vault, token: str) -> Principal:
    """Say whose API token, or access token of the extension, this is; raises :class:`Unauthenticated`."""
    if is_well_formed(token, ACCESS) and (principal := by_access_token(session, vault=vault, token=token)) is not None:
        return principal
    if is_well_formed(token, API):
        row = session.scalar(everywhere(ApiToken).where(ApiToken.token_hash == vault.keyed("token", token)))
        if row is not None and row.revoked_at is None:
            return Principal(row.id, row.tenant_id, frozenset({Role(row.role)}), f"{row.role} token")
    raise Unauthenticated("This token is not known, or was revoked.")


def by_session(session: Session, *, vault: Vault, token: str) -> Principal:
    """Say who is signed in with this cookie; raises :class:`Unauthenticated`."""
    if is_well_formed(token, SESSION):
        query = everywhere(ConsoleSession).where(ConsoleSession.token_hash == vault.keyed("token", token))
        row = session.scalar(query)
        if row is not None and row.ended_at is None and row.expires_at > now():
            member = session.scalars(everywhere(Member).where(Member.id == row.member_id)).one()
            roles = frozenset(Role(role) for role in member.roles.split(","))
            return Principal(member.id, member.tenant_id, roles, member.name)
    raise Unauthenticated("You are not signed in, or the session has ended.", hint="Sign in again with a new link.")


def operator_token(path: Path) -> str:
    """Read the operator's secret, making it on the first run."""
    if not path.exists():
        write_secret(path, new_token(OPERATOR) + "\n")
    return path.read_text().strip()


def is_operator(path: Path, token: str) -> bool:
    """Whether this is the operator's secret."""
    return is_well_formed(token, OPERATOR) and secrets.compare_digest(token.encode(), operator_token(path).encode())
