"""Credentials: recognisable, checked, stored as hashes, ended when they should be."""

from __future__ import annotations

import pytest
from conftest import Brand
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from service.context import Context
from service.errors import Unauthenticated
from service.identity.service import LinkUsedOrExpired, by_session, sign_in, sign_out
from service.identity.tokens import API, LINK, is_well_formed, new_token


@given(st.integers(0, 40), st.characters(codec="ascii"))
def test_a_mistyped_token_is_noticed_without_asking_the_database(at: int, letter: str) -> None:
    token = new_token(API)
    position = len("tt_") + at % (len(token) - 3)
    if token[position] != letter:
        assert not is_well_formed(token[:position] + letter + token[position + 1 :], API)
    assert is_well_formed(token, API)
    assert not is_well_formed(token, LINK)
    assert not is_well_formed(token[:-1], API)


def link_of(brand: Brand) -> str:
    return brand.sign_in_url.rsplit("/", 1)[1]


def enter(context: Context, link: str) -> str:
    with context.database.writing() as session:
        return sign_in(session, vault=context.vault, link=link, lifetime_s=3600)


def test_a_link_signs_in_once(context: Context, brand: Brand) -> None:
    token = enter(context, link_of(brand))
    with context.database.reading() as session:
        principal = by_session(session, vault=context.vault, token=token)
    assert (principal.tenant_id, len(principal.roles)) == (brand.id, 3)
    with pytest.raises(LinkUsedOrExpired):
        enter(context, link_of(brand))


def test_an_old_or_invented_link_signs_nobody_in(
    context: Context, brand: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    from service import db
    from service.identity import service

    with pytest.raises(LinkUsedOrExpired):
        enter(context, new_token(LINK))
    monkeypatch.setattr(service, "now", lambda: db.now() + timedelta(hours=2))
    with pytest.raises(LinkUsedOrExpired):
        enter(context, link_of(brand))


def test_signing_out_ends_the_session(context: Context, brand: Brand) -> None:
    token = enter(context, link_of(brand))
    with context.database.writing() as session:
        sign_out(session, vault=context.vault, token=token)
    with context.database.reading() as session, pytest.raises(Unauthenticated):
        by_session(session, vault=context.vault, token=token)


def test_a_cookie_admits_to_the_api_but_not_from_other_sites(
    client: TestClient, context: Context, brand: Brand
) -> None:
    cookie = {"Cookie": f"telltale={enter(context, link_of(brand))}"}
    assert client.get("/v1/me", headers=cookie).json()["roles"] == ["flagger", "investigator", "uploader"]
    body = {"alias": "Press 1"}
    for foreign in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
    ):
        answer = client.post("/v1/recipients", json=body, headers={**cookie, **foreign})
        assert answer.status_code == 403
        assert answer.json()["type"].endswith("cross-site-request")
    own = {**cookie, "Sec-Fetch-Site": "same-origin"}
    assert client.post("/v1/recipients", json=body, headers=own).status_code == 201


def test_the_operator_makes_a_new_link_when_the_first_is_lost(
    client: TestClient, context: Context, brand: Brand
) -> None:
    secret = context.settings.operator_token_file.read_text().strip()
    answer = client.post(f"/v1/brands/{brand.id}/sign-in-links", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 201
    assert enter(context, answer.json()["sign_in_url"].rsplit("/", 1)[1])


def test_a_revoked_token_is_refused_from_its_next_request_on(
    client: TestClient, brand: Brand, other_brand: Brand, context: Context
) -> None:
    operator = {"Authorization": f"Bearer {context.settings.operator_token_file.read_text().strip()}"}
    listed = client.get(f"/v1/brands/{brand.id}/tokens", headers=operator).json()
    (flagger,) = [token["id"] for token in listed if token["role"] == "flagger"]
    assert "tt_" not in str(listed)
    foreign = client.delete(f"/v1/brands/{other_brand.id}/tokens/{flagger}", headers=operator)
    assert foreign.status_code == 404
    assert client.get("/v1/sightings", headers=brand.flagger).status_code == 200
    assert client.delete(f"/v1/brands/{brand.id}/tokens/{flagger}", headers=operator).status_code == 204
    assert client.get("/v1/sightings", headers=brand.flagger).status_code == 401
    assert client.get("/v1/sightings", headers=brand.investigator).status_code == 200
    listed = client.get(f"/v1/brands/{brand.id}/tokens", headers=operator).json()
    assert [token["id"] for token in listed if token["revoked_at"]] == [flagger]
