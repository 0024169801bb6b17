"""Roles and the one who calls."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a credential may do; an API token carries exactly one."""

    UPLOADER = "uploader"
    FLAGGER = "flagger"
    INVESTIGATOR = "investigator"


@dataclass(frozen=True)
class Principal:
    """Who is calling: a token or a member, of one brand, with roles."""

    id: str
    tenant_id: str
    roles: frozenset[Role]
    name: str

    def may(self, *roles: Role) -> bool:
        """Whether any of these roles is held."""
        return not self.roles.isdisjoint(roles)
