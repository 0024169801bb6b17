"""The extension signs in as RFC 6749, 7636 and 9700 say, and whatever is stolen on the way is worthless."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlparse

import numpy as np
import pytest
from conftest import Brand, jpeg
from fastapi.testclient import TestClient

from service import db
from service.authorization.clients import CLIENT_ID, REDIRECTS
from service.context import Context
from service.identity.roles import Role
from service.identity.service import add_member, issue_link

HTML = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "response_type": "code",
    "client_id": CLIENT_ID,
    "redirect_uri": REDIRECTS[0],
    "state": "s3cret",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def cookie_of(client: TestClient, link: str) -> dict[str, str]:
    answer = client.post(f"/sign-in/{link}", headers=HTML, follow_redirects=False)
    cookie = answer.cookies["telltale"]
    client.cookies.clear()
    return {**HTML, "Cookie": f"telltale={cookie}"}


@pytest.fixture
def seat(client: TestClient, brand: Brand) -> dict[str, str]:
    return cookie_of(client, brand.sign_in_url.rsplit("/", 1)[1])


def authorize(client: TestClient, seat: dict[str, str], decision: str = "allow", **changed: str) -> dict[str, str]:
    address = f"/oauth/authorize?{urlencode({**ASKED, **changed})}"
    answer = client.post(address, data={"decision": decision}, headers=seat, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    location = urlparse(answer.headers["location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == REDIRECTS[0]
    return {name: values[0] for name, values in parse_qs(location.query).items()}


def exchange(client: TestClient, code: str, **changed: str) -> Any:
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECTS[0], "client_id": CLIENT_ID}
    # From an extension: another site to the browser, without a cookie, without a bearer token.
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": f"chrome-extension://{'a' * 32}"}
    return client.post("/oauth/token", data={**body, "code_verifier": VERIFIER, **changed}, headers=headers)


def renew(client: TestClient, refresh: str) -> Any:
    return client.post(
        "/oauth/token", data={"grant_type": "refresh_token", "refresh_token": refresh, "client_id": CLIENT_ID}
    )


def signed_in(client: TestClient, seat: dict[str, str]) -> dict[str, Any]:
    return dict(exchange(client, authorize(client, seat)["code"]).json())


def ask(client: TestClient, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return int(client.post("/v1/lookup", json={"hashes": [{"pdq": "0" * 64}]}, headers=headers).status_code)


def test_a_seat_that_allows_it_signs_the_extension_in(client: TestClient, seat: dict[str, str]) -> None:
    shown = client.get(f"/oauth/authorize?{urlencode(ASKED)}", headers=seat)
    assert "Let the Telltale browser extension in?" in shown.text
    assert "https://efgagaokmdojhickekjpejgdcclmbdop.chromiumapp.org" in shown.headers["content-security-policy"]
    back = authorize(client, seat)
    assert back["state"] == "s3cret"
    assert back["iss"] == client.get("/.well-known/oauth-authorization-server").json()["issuer"]
    answer = exchange(client, back["code"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert tokens["scope"] == "flagger investigator"
    assert ask(client, tokens["access_token"]) == 200
    assert client.post("/v1/assets", headers={"Authorization": f"Bearer {tokens['access_token']}"}).status_code == 403


def test_nobody_signed_in_is_asked_to_sign_in_and_comes_back(client: TestClient, brand: Brand) -> None:
    address = f"/oauth/authorize?{urlencode(ASKED)}"
    shown = client.get(address, headers=HTML)
    assert shown.status_code == 401
    further = re.search(r'name="further" value="([^"]+)"', shown.text)
    assert further
    assert further.group(1).replace("&amp;", "&") == address
    link = brand.sign_in_url.rsplit("/", 1)[1]
    entered = client.post(f"/sign-in/{link}", data={"further": address}, headers=HTML, follow_redirects=False)
    assert entered.headers["location"] == address


@pytest.mark.parametrize("further", ["https://evil.example/", "//evil.example/oauth/authorize?", "/console/assets"])
def test_signing_in_leads_nowhere_else(client: TestClient, brand: Brand, further: str) -> None:
    link = brand.sign_in_url.rsplit("/", 1)[1]
    entered = client.post(f"/sign-in/{link}", data={"further": further}, headers=HTML, follow_redirects=False)
    assert entered.headers["location"] == "/console"


@pytest.mark.parametrize(
    "changed", [{"client_id": "other"}, {"redirect_uri": "https://evil.example/"}, {"redirect_uri": REDIRECTS[0] + "x"}]
)
def test_an_unknown_client_is_never_sent_anything(
    client: TestClient, seat: dict[str, str], changed: dict[str, str]
) -> None:
    answer = client.get(f"/oauth/authorize?{urlencode({**ASKED, **changed})}", headers=seat, follow_redirects=False)
    assert answer.status_code == 422
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
    ],
)
def test_a_request_without_proof_is_sent_back(
    client: TestClient, seat: dict[str, str], changed: dict[str, str], error: str
) -> None:
    assert authorize(client, seat, **changed)["error"] == error


def test_a_no_is_a_no(client: TestClient, seat: dict[str, str]) -> None:
    assert authorize(client, seat, decision="deny")["error"] == "access_denied"


def test_a_foreign_page_cannot_consent_for_somebody(client: TestClient, seat: dict[str, str]) -> None:
    address = f"/oauth/authorize?{urlencode(ASKED)}"
    headers = {**seat, "Sec-Fetch-Site": "cross-site"}
    assert client.post(address, data={"decision": "allow"}, headers=headers).status_code == 403


def test_a_seat_without_a_fitting_role_cannot_lend_one(client: TestClient, brand: Brand, context: Context) -> None:
    with context.database.writing() as session:
        member = add_member(session, tenant_id=brand.id, name="Uploads", roles=frozenset({Role.UPLOADER}))
        link = issue_link(session, vault=context.vault, member=member, lifetime_s=60)
    assert authorize(client, cookie_of(client, link))["error"] == "access_denied"


def test_a_code_is_worthless_without_its_verifier(client: TestClient, seat: dict[str, str]) -> None:
    code = authorize(client, seat)["code"]
    stolen = exchange(client, code, code_verifier="w" * 43)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert exchange(client, code).status_code == 400, "and it is used up"


def test_a_code_that_comes_twice_ends_what_it_gave(client: TestClient, seat: dict[str, str]) -> None:
    code = authorize(client, seat)["code"]
    tokens = exchange(client, code).json()
    assert ask(client, tokens["access_token"]) == 200
    assert exchange(client, code).status_code == 400
    assert ask(client, tokens["access_token"]) == 401


def test_an_old_code_or_token_is_refused(
    client: TestClient, seat: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from service.authorization import service
    from service.identity import grants

    code = authorize(client, seat)["code"]
    tokens = signed_in(client, seat)
    later = db.now() + timedelta(minutes=16)
    monkeypatch.setattr(service, "now", lambda: later)
    monkeypatch.setattr(grants, "now", lambda: later)
    assert exchange(client, code).status_code == 400
    assert ask(client, tokens["access_token"]) == 401
    assert ask(client, renew(client, tokens["refresh_token"]).json()["access_token"]) == 200


def test_a_refresh_token_that_comes_twice_ends_everything(client: TestClient, seat: dict[str, str]) -> None:
    first = signed_in(client, seat)
    second = renew(client, first["refresh_token"]).json()
    assert ask(client, second["access_token"]) == 200
    assert renew(client, first["refresh_token"]).json()["error"] == "invalid_grant"
    assert ask(client, second["access_token"]) == 401
    assert renew(client, second["refresh_token"]).status_code == 400


def test_signing_out_there_or_in_the_console_ends_it_at_once(client: TestClient, seat: dict[str, str]) -> None:
    there = signed_in(client, seat)
    assert client.post("/oauth/revoke", data={"token": there["refresh_token"]}).status_code == 200
    assert client.post("/oauth/revoke", data={"token": "unknown"}).status_code == 200
    assert ask(client, there["access_token"]) == 401
    here = signed_in(client, seat)
    listed = client.get("/console/extensions", headers=seat).text
    (grant,) = re.findall(r"/console/extensions/(gnt_\w+)/revoke", listed)
    client.post(f"/console/extensions/{grant}/revoke", headers=seat)
    assert ask(client, here["access_token"]) == 401
    assert "None is signed in" in client.get("/console/extensions", headers=seat).text


def test_nobody_signs_somebody_elses_extension_out(
    client: TestClient, seat: dict[str, str], other_brand: Brand
) -> None:
    tokens = signed_in(client, seat)
    (grant,) = re.findall(r"extensions/(gnt_\w+)/", client.get("/console/extensions", headers=seat).text)
    stranger = cookie_of(client, other_brand.sign_in_url.rsplit("/", 1)[1])
    assert client.post(f"/console/extensions/{grant}/revoke", headers=stranger).status_code == 404
    assert ask(client, tokens["access_token"]) == 200


def test_without_a_question_only_what_was_granted_before(client: TestClient, seat: dict[str, str]) -> None:
    address = f"/oauth/authorize?{urlencode({**ASKED, 'prompt': 'none'})}"
    assert "error=login_required" in client.get(address, follow_redirects=False).headers["location"]
    assert "error=interaction_required" in client.get(address, headers=seat, follow_redirects=False).headers["location"]
    signed_in(client, seat)
    assert "code=" in client.get(address, headers=seat, follow_redirects=False).headers["location"]


def test_only_hashes_of_secrets_are_kept(client: TestClient, seat: dict[str, str], context: Context) -> None:
    from service.identity.grants import GrantSecret

    tokens = signed_in(client, seat)
    with context.database.reading() as session:
        kept = {row.secret_hash for row in session.scalars(db.everywhere(GrantSecret))}
    assert len(kept) == 3
    assert not kept & {tokens["access_token"], tokens["refresh_token"]}


def test_a_sighting_sent_again_after_a_renewal_is_the_same_one(client: TestClient, seat: dict[str, str]) -> None:
    tokens = signed_in(client, seat)
    picture = jpeg(np.zeros((64, 64, 3), np.uint8))

    def submit(token: str) -> str:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k1"}
        answer = client.post("/v1/sightings", files={"picture": ("a.jpg", picture)}, headers=headers)
        return str(answer.json()["id"])

    first = submit(tokens["access_token"])
    assert submit(renew(client, tokens["refresh_token"]).json()["access_token"]) == first
