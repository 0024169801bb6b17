"""A signed-in person at the console, without a browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conftest import Brand
from fastapi.testclient import TestClient

from service.identity.roles import Role
from service.identity.service import add_member, issue_link

HTML = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Seat:
    """Somebody's browser: a cookie, and what it asks for."""

    client: TestClient
    cookie: str

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers=self._headers(headers), follow_redirects=False)

    def post(self, path: str, htmx: bool = False, **body: Any) -> Any:
        headers = {"HX-Request": "true"} if htmx else {}
        return self.client.post(path, headers=self._headers(headers), follow_redirects=False, **body)

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return {**HTML, "Cookie": f"telltale={self.cookie}", **more}


def enter(client: TestClient, link: str) -> Seat:
    answer = client.post(f"/sign-in/{link}", headers=HTML, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    cookie = answer.cookies["telltale"]
    client.cookies.clear()
    return Seat(client, cookie)


def with_all_roles(brand: Brand) -> Seat:
    return enter(brand.client, brand.sign_in_url.rsplit("/", 1)[1])


def with_roles(brand: Brand, *roles: Role) -> Seat:
    context = brand.client.app.state.context  # type: ignore[attr-defined]
    with context.database.writing() as session:
        member = add_member(session, tenant_id=brand.id, name="Seat", roles=frozenset(roles))
        link = issue_link(session, vault=context.vault, member=member, lifetime_s=60)
    return enter(brand.client, link)
