"""Which brand a command acts for: the operator at the machine may act for any of them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from service.cli.terminal import WrongUse
from service.errors import NotFound
from service.identity.roles import Principal, Role
from service.tenants import service as tenants


@dataclass(frozen=True)
class Brand:
    """A brand by id and name."""

    id: str
    name: str

    @property
    def operator(self) -> Principal:
        """Whoever sits at the machine, acting for this brand."""
        return Principal("cli", self.id, frozenset(Role), "command line")


class NoSuchBrand(NotFound):
    """There is no such brand here."""


class WhichBrand(WrongUse):
    """There are several brands here."""


def all_brands(session: Session) -> list[Brand]:
    """List the brands, oldest first."""
    return [Brand(row.id, row.name) for row in tenants.list_(session)]


def choose(brands: list[Brand], wanted: str | None) -> Brand | None:
    """Return the brand of that id or name, or the only one there is, or None when there is none.

    Raises
    ------
    NoSuchBrand, WhichBrand
    """
    if wanted is None:
        if len(brands) > 1:
            raise WhichBrand(hint=f"Choose one with --brand: {_names(brands)}.")
        return brands[0] if brands else None
    found = [brand for brand in brands if brand.id == wanted]
    found = found or [brand for brand in brands if brand.name.casefold() == wanted.strip().casefold()]
    if not found:
        hint = f"There are: {_names(brands)}." if brands else "Make one with 'telltale brand create NAME'."
        raise NoSuchBrand(f"There is no brand called “{wanted}” here.", hint=hint)
    if len(found) > 1:
        raise WhichBrand(
            f"Several brands are called “{wanted}”.", hint=f"Use the id: {', '.join(b.id for b in found)}."
        )
    return found[0]


def _names(brands: list[Brand]) -> str:
    return ", ".join(f"“{brand.name}”" for brand in brands[:10])
