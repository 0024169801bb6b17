"""What a seat has let a program of ours do for it: the grant, and the short-lived secrets that hang on it.

A grant lives until somebody revokes it; an access token for minutes, so that a stolen one is soon worthless; a refresh
token until it is used once. Only keyed hashes are stored.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.db import Base, TenantRow, UtcDateTime, everywhere, new_id, now
from service.identity.models import Member
from service.identity.roles import Principal, Role
from service.vault.keys import Vault


class SecretKind(StrEnum):
    """The secrets of a grant."""

    CODE = "code"
    ACCESS = "access"
    REFRESH = "refresh"


class Grant(TenantRow, Base):
    """A seat's consent that one program acts for it, with some of its roles."""

    __tablename__ = "grants"

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("gnt"))
    member_id: Mapped[str] = mapped_column(ForeignKey("members.id"), index=True)
    client_id: Mapped[str] = mapped_column(String(60))
    redirect_uri: Mapped[str] = mapped_column(Text)
    roles: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_because: Mapped[str | None] = mapped_column(String(100))


class GrantSecret(TenantRow, Base):
    """One secret of a grant; ``challenge`` is a code's PKCE challenge."""

    __tablename__ = "grant_secrets"

    id: Mapped[int] = mapped_column(primary_key=True)
    grant_id: Mapped[str] = mapped_column(ForeignKey("grants.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    challenge: Mapped[str | None] = mapped_column(String(64))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def by_access_token(session: Session, *, vault: Vault, token: str) -> Principal | None:
    """Say for whom an access token speaks: the seat itself, with the roles granted that it still holds."""
    query = everywhere(GrantSecret).where(GrantSecret.secret_hash == vault.keyed("token", token))
    secret = session.scalar(query.where(GrantSecret.kind == SecretKind.ACCESS.value))
    if secret is None or secret.expires_at <= now():
        return None
    grant = session.scalars(everywhere(Grant).where(Grant.id == secret.grant_id)).one()
    if grant.revoked_at is not None:
        return None
    member = session.scalars(everywhere(Member).where(Member.id == grant.member_id)).one()
    granted = frozenset(Role(role) for role in grant.roles.split(","))
    held = frozenset(Role(role) for role in member.roles.split(","))
    return Principal(member.id, member.tenant_id, granted & held, member.name)
