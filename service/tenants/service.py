"""Creating brands, and opening their keys."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from service.context import Context
from service.db import everywhere, new_id
from service.errors import NotFound
from service.events.models import EventKind
from service.events.service import record
from service.identity.models import Member
from service.identity.roles import Role
from service.identity.service import add_member, issue_link, issue_token
from service.tenants.models import Tenant
from service.vault.keys import TenantVault, Vault


class BrandNotFound(NotFound):
    """There is no brand under this id."""


@dataclass(frozen=True)
class NewTenant:
    """A brand just made, with the secrets that exist nowhere else."""

    tenant: Tenant
    tokens: dict[Role, str]
    sign_in_url: str


def create(session: Session, *, context: Context, name: str) -> NewTenant:
    """Make a brand with its key, a token per role, and a first console seat that holds all roles."""
    tenant_id = new_id("brd")
    tenant = Tenant(id=tenant_id, name=name, wrapped_key=context.vault.new_tenant_key(tenant_id))
    session.add(tenant)
    session.flush()
    tokens = {role: issue_token(session, vault=context.vault, tenant_id=tenant_id, role=role) for role in Role}
    add_member(session, tenant_id=tenant_id, name=f"{name} team", roles=frozenset(Role))
    record(session, kind=EventKind.BRAND_CREATED, tenant_id=tenant_id)
    return NewTenant(tenant, tokens, sign_in_url(session, context=context, tenant_id=tenant_id))


def sign_in_url(session: Session, *, context: Context, tenant_id: str) -> str:
    """Make a fresh sign-in link for a brand's first seat; raises :class:`BrandNotFound`."""
    query = everywhere(Member).where(Member.tenant_id == tenant_id).order_by(Member.created_at)
    member = session.scalar(query.limit(1))
    if member is None:
        raise BrandNotFound
    link = issue_link(session, vault=context.vault, member=member, lifetime_s=context.settings.sign_in_link_s)
    return f"{context.settings.public_url.rstrip('/')}/sign-in/{link}"


def exists(session: Session) -> bool:
    """Whether there is any brand yet; before the first one, the console offers to set one up."""
    return session.scalar(everywhere(Tenant).limit(1)) is not None


def list_(session: Session) -> list[Tenant]:
    """All brands, oldest first: for the operator at the machine, to whom the list of brands belongs."""
    return list(session.scalars(everywhere(Tenant).order_by(Tenant.created_at, Tenant.id)))


def require(session: Session, *, tenant_id: str) -> Tenant:
    """Return a brand; raises :class:`BrandNotFound`."""
    tenant = session.scalar(everywhere(Tenant).where(Tenant.id == tenant_id))
    if tenant is None:
        raise BrandNotFound
    return tenant


def vault_of(session: Session, *, vault: Vault, tenant_id: str) -> TenantVault:
    """Open a brand's key."""
    return vault.tenant(tenant_id, require(session, tenant_id=tenant_id).wrapped_key)
