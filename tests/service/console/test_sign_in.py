"""Signing in, out, and setting up: by links that previews cannot use up."""

from __future__ import annotations

from conftest import Brand
from console_seats import HTML, enter, with_all_roles
from fastapi.testclient import TestClient


def test_opening_a_link_uses_nothing_up(client: TestClient, brand: Brand) -> None:
    link = brand.sign_in_url.rsplit("/", 1)[1]
    for _ in range(3):
        page = client.get(f"/sign-in/{link}", headers=HTML)
        assert page.status_code == 200
        assert "set-cookie" not in page.headers
    assert enter(client, link).get("/console/assets").status_code == 200


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: TestClient, brand: Brand) -> None:
    link = brand.sign_in_url.rsplit("/", 1)[1]
    answer = client.post(f"/sign-in/{link}", headers=HTML, follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie


def test_a_used_link_says_what_to_do(client: TestClient, brand: Brand) -> None:
    link = brand.sign_in_url.rsplit("/", 1)[1]
    enter(client, link)
    answer = client.post(f"/sign-in/{link}", headers=HTML)
    assert answer.status_code == 410
    assert "used already or is too old" in answer.text
    assert "Ask the operator for a new sign-in link" in answer.text


def test_guessing_links_is_slowed_down(client: TestClient, brand: Brand) -> None:
    statuses = {client.post(f"/sign-in/{n}", headers=HTML).status_code for n in range(30)}
    assert statuses == {410, 429}


def test_signed_out_pages_say_how_to_sign_in(client: TestClient, brand: Brand) -> None:
    for path in ("/console", "/console/assets", "/console/sightings/sgt_x", "/console/provenance"):
        answer = client.get(path, headers=HTML)
        assert answer.status_code == 401
        assert answer.headers["content-type"].startswith("text/html")
        assert "Sign in to Telltale" in answer.text


def test_signing_out_ends_the_session(brand: Brand) -> None:
    seat = with_all_roles(brand)
    answer = seat.post("/console/sign-out")
    assert answer.status_code == 303
    assert seat.get("/console/assets").status_code == 401


def test_a_pasted_link_leads_to_its_button(client: TestClient, brand: Brand) -> None:
    token = brand.sign_in_url.rsplit("/", 1)[1]
    for text in (brand.sign_in_url, f"  {token} ", f"{brand.sign_in_url}/"):
        answer = client.post("/console/sign-in", data={"link": text}, headers=HTML, follow_redirects=False)
        assert answer.headers["location"] == f"/sign-in/{token}"
    odd = client.post("/console/sign-in", data={"link": "https://evil.example/?x=//y"}, headers=HTML)
    assert odd.status_code == 200


def test_the_first_brand_is_set_up_with_the_operators_secret(client: TestClient) -> None:
    assert "Set up a brand" in client.get("/console/sign-in", headers=HTML).text
    secret = client.app.state.context.settings.operator_token_file.read_text()  # type: ignore[attr-defined]
    wrong = client.post("/console/set-up", data={"name": "Aurore", "secret": "tto_x"}, headers=HTML)
    assert wrong.status_code == 403
    assert "operator.token" in wrong.text
    right = client.post("/console/set-up", data={"name": "Aurore", "secret": secret}, headers=HTML)
    assert right.status_code == 200
    assert right.text.count("tt_") == 3
    assert client.get("/console/assets", headers=HTML).status_code == 200
    client.cookies.clear()
    assert "Set up a brand" not in client.get("/console/sign-in", headers=HTML).text
