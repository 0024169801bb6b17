"""Every route, taken from the OpenAPI document, refuses wrong roles, no token, unknown tokens and foreign ids."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from conftest import Brand, jpeg
from fastapi.testclient import TestClient

from service.app import create_app
from service.identity.tokens import API, new_token
from service.settings import Settings

ROLES = ("uploader", "flagger", "investigator")
OPEN = {("get", "/healthz")}


def routes() -> list[tuple[str, str, list[str]]]:
    document = create_app(Settings(_env_file=None)).openapi()
    return [
        (method, path, operation["x-roles"])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


ROUTES = routes()
GUARDED = [route for route in ROUTES if route[:2] not in OPEN]


def call(client: TestClient, method: str, path: str, headers: dict[str, str], ids: dict[str, str] | None = None) -> Any:
    """Send a request that is well-formed, so that only the caller can be at fault."""
    picture = {"file": ("a.jpg", b"x"), "picture": ("a.jpg", b"x")}
    body: dict[str, Any] = {}
    if path.endswith(("/import", "/image", "/sightings", "/v1/assets")) and method == "post":
        body = {"files": picture, "data": {"title": "x"}}
    elif path.endswith("/copies") and method == "post":
        body = {"json": {"recipients": ["rcp_x"]}}
    elif method == "post":
        body = {"json": {"name": "x", "alias": "x", "confirm": "x", "hashes": [{"pdq": "00"}]}}
    for name, value in (ids or {}).items():
        path = path.replace("{" + name + "}", value)
    path = re.sub(r"\{\w+\}", "unknown", path)
    if method == "delete":
        path += "?confirm=x"
    if path.endswith("/provenance"):
        path += "?asset=unknown"
    return client.request(method, path, headers=headers, **body)


def assert_problem(answer: Any, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["hint"]
    assert body["type"].startswith("urn:telltale:problem:")


def test_every_route_says_who_may_call_it() -> None:
    assert {(method, path) for method, path, roles in ROUTES if not roles} == OPEN
    assert len(ROUTES) > 20


def test_no_route_answers_without_a_valid_credential(client: TestClient, brand: Brand) -> None:
    client.app.state.context.limiter.failed = lambda address: None  # type: ignore[attr-defined]
    for method, path, _ in GUARDED:
        assert_problem(call(client, method, path, {}), 401)
        assert_problem(call(client, method, path, {"Authorization": f"Bearer {new_token(API)}"}), 401)
        assert_problem(call(client, method, path, {"Authorization": "Bearer tt_mistyped"}), 401)


def test_every_route_refuses_the_wrong_roles_and_admits_the_right_ones(client: TestClient, brand: Brand) -> None:
    client.app.state.context.limiter.failed = lambda address: None  # type: ignore[attr-defined]
    for method, path, allowed in GUARDED:
        for role in ROLES:
            answer = call(client, method, path, getattr(brand, role))
            if role in allowed:
                assert answer.status_code not in (401, 403), (method, path, role, answer.text)
            else:
                assert_problem(answer, 401 if allowed == ["operator"] else 403)


@pytest.fixture
def ids(brand: Brand, client: TestClient, asset: dict[str, Any], astronaut: np.ndarray) -> dict[str, str]:
    brand.import_recipients(2)
    brand.issue(asset["id"])
    copy = brand.copies(asset["id"])[0]
    files = {"picture": ("a.jpg", jpeg(astronaut[:256, 128:384])), "screenshot": ("b.jpg", jpeg(astronaut))}
    sighting = client.post("/v1/sightings", files=files, headers=brand.flagger).json()
    brand.settled(f"/v1/sightings/{sighting['id']}")
    shown = client.get(f"/v1/sightings/{sighting['id']}/evidence", headers=brand.investigator).json()
    return {
        "asset_id": asset["id"],
        "copy_id": copy["id"],
        "batch_id": copy["batch_id"],
        "recipient_id": copy["recipient_id"],
        "sighting_id": sighting["id"],
        "exhibit_id": shown["exhibits"][0]["id"],
    }


def test_foreign_ids_answer_like_unknown_ids(
    client: TestClient, brand: Brand, other_brand: Brand, ids: dict[str, str]
) -> None:
    with_ids = [route for route in GUARDED if "{" in route[1] and route[2] != ["operator"]]
    assert len(with_ids) >= 9
    for method, path, allowed in with_ids:
        own = call(client, method, path, getattr(brand, allowed[-1]), ids)
        foreign = call(client, method, path, getattr(other_brand, allowed[-1]), ids)
        unknown = call(client, method, path, getattr(other_brand, allowed[-1]))
        assert own.status_code != 404 or method == "post", (method, path, own.text)
        assert_problem(foreign, 404)
        assert foreign.content == unknown.content, (method, path)


def test_foreign_ids_in_questions_answer_like_unknown_ids(
    client: TestClient, brand: Brand, other_brand: Brand, ids: dict[str, str]
) -> None:
    for name in ("asset", "copy", "recipient"):
        own, foreign, unknown = (
            client.get(f"/v1/provenance?{name}={value}", headers=who.investigator)
            for who, value in ((brand, ids[f"{name}_id"]), (other_brand, ids[f"{name}_id"]), (other_brand, "unknown"))
        )
        assert own.json()["total"] >= 1
        assert_problem(foreign, 404)
        assert foreign.content == unknown.content
    foreign = client.post(
        "/v1/sightings",
        data={"asset_id": ids["asset_id"]},
        files={"picture": ("a.jpg", jpeg(np.zeros((64, 64, 3), np.uint8)))},
        headers=other_brand.flagger,
    )
    assert_problem(foreign, 404)


def test_lists_and_look_ups_show_ones_own_brand_only(
    client: TestClient, other_brand: Brand, ids: dict[str, str], astronaut: np.ndarray
) -> None:
    for path in ("/v1/assets", "/v1/recipients", "/v1/sightings"):
        assert client.get(path, headers=other_brand.investigator).json()["total"] == 0
    answer = client.post(
        "/v1/lookup/image", files={"file": ("a.jpg", jpeg(astronaut[:256, 128:384]))}, headers=other_brand.investigator
    )
    assert answer.json()["result"] == "not_ours"


def test_flaggers_and_uploaders_do_not_learn_who_received_the_named_copy(
    client: TestClient, brand: Brand, ids: dict[str, str]
) -> None:
    file = client.get(f"/v1/copies/{ids['copy_id']}/file", headers=brand.uploader).content
    sighting = brand.report(file, page_url="https://x.example/")
    assert sighting["named"][0]["copy_id"] == ids["copy_id"]
    for headers, knows_outcome in ((brand.flagger, False), (brand.uploader, True)):
        for path in (f"/v1/sightings/{sighting['id']}", "/v1/sightings"):
            answer = client.get(path, headers=headers)
            for secret in (ids["copy_id"], ids["recipient_id"], "Press", "copy 0001", "log10"):
                assert secret not in answer.text.replace("named_copy", "").replace('"named"', "")
            assert ("copy_named" in answer.text) is knows_outcome
    seen = client.get(f"/v1/sightings/{sighting['id']}", headers=brand.flagger).json()
    assert (seen["ours"], seen["trace_begun"], seen["trace_ended"]) == (True, True, True)
