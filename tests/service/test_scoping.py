"""No query forgets its brand: the syntax tree of the service is walked."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from service.db import Base, new_id, scoped
from service.identity.roles import Principal

SERVICE = Path(__file__).parents[2] / "service"
MAY_SEE_ALL_BRANDS = {
    "assets/work.py",
    "authorization/service.py",
    "copies/work.py",
    "identity/grants.py",
    "identity/service.py",
    "lookups/engines/view.py",
    "lookups/index.py",
    "net/idempotency.py",
    "sightings/work.py",
    "tenants/service.py",
    "vault/keys.py",
    "videos/work.py",
}


def calls(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name):
                found.append(function.id)
            elif isinstance(function, ast.Attribute):
                owner = function.value.id if isinstance(function.value, ast.Name) else "?"
                found.append(f"{owner}.{function.attr}")
    return found


@pytest.mark.parametrize("path", sorted(SERVICE.rglob("*.py")), ids=lambda path: str(path.relative_to(SERVICE)))
def test_every_query_begins_in_one_place(path: Path) -> None:
    name = str(path.relative_to(SERVICE))
    if name == "db.py" or name.startswith("migrations/"):
        return
    made = calls(ast.parse(path.read_text()))
    bare = {"select", "sa.select", "sqlalchemy.select", "session.query", "session.get", "session.get_one"}
    assert not bare & set(made), "begin with scoped(...)"
    if "everywhere" in made:
        assert name in MAY_SEE_ALL_BRANDS, "this file has a caller: use scoped(...)"


def test_a_session_serves_one_brand_only(context) -> None:
    from service.assets.models import Asset

    with context.database.reading() as session:
        scoped(session, Asset, Principal("a", new_id("brd"), frozenset(), ""))
        with pytest.raises(PermissionError):
            scoped(session, Asset, Principal("b", new_id("brd"), frozenset(), ""))


def test_every_table_belongs_to_a_brand_or_says_why_not() -> None:
    import service.models  # noqa: F401

    shared = {name for name, table in Base.metadata.tables.items() if "tenant_id" not in table.columns}
    assert shared == {"tenants", "key_checks", "kept_answers"}
