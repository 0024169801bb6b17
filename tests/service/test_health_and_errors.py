"""Health, problem answers, headers, limits: what every caller meets."""

from __future__ import annotations

import pytest
from conftest import Brand, new_brand
from fastapi.testclient import TestClient

from service.app import create_app
from service.settings import Settings


def test_healthz_checks_every_part(client: TestClient) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"ok": True, "parts": {"database": True, "blobs": True, "key": True, "jobs": True}}


def test_healthz_says_which_part_is_broken(client: TestClient) -> None:
    client.app.state.context.jobs.stop()  # type: ignore[attr-defined]
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["jobs"] is False


def test_me_tells_the_caller_who_they_are(client: TestClient, brand: Brand) -> None:
    body = client.get("/v1/me", headers=brand.flagger).json()
    assert (body["brand_id"], body["roles"]) == (brand.id, ["flagger"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("get", "/nowhere", 404), ("put", "/v1/assets", 405), ("get", "/v1/assets?limit=x", 422)],
)
def test_refusals_are_problems_with_hints(
    client: TestClient, brand: Brand, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path, headers=brand.uploader)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["hint"]


def test_an_unexpected_error_tells_nothing_but_a_reference(
    client: TestClient, brand: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("service.assets.service.list_", broken)
    answer = client.get("/v1/assets", headers=brand.uploader)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert answer.json()["reference"] in answer.json()["hint"]


def test_a_body_past_the_limit_is_cut_off(settings: Settings, pool: object) -> None:
    small = settings.model_copy(update={"max_upload_bytes": 5000})
    with TestClient(create_app(small, pool=pool), raise_server_exceptions=False) as client:  # type: ignore[arg-type]

        def endless() -> object:
            for _ in range(100):
                yield b"x" * 1000

        for content in (b"x" * 6000, endless()):
            answer = client.post("/v1/lookup", content=content, headers={"content-type": "application/json"})
            assert answer.status_code == 413, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
        form = {"file": ("a.jpg", b"x" * 6000)}
        brand = new_brand(client)
        for extra in ({}, {"Idempotency-Key": "k"}):
            answer = client.post("/v1/assets", data={"title": "x"}, files=form, headers={**brand.uploader, **extra})
            assert answer.status_code == 413, answer.text
            assert answer.json()["hint"]
        assert client.get("/healthz").status_code == 200


def test_answers_carry_a_strict_policy(client: TestClient) -> None:
    headers = client.get("/healthz").headers
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_too_many_requests_are_refused(settings: Settings, pool: object) -> None:
    strict = settings.model_copy(update={"rate_limit": "3/minute", "failed_sign_in_limit": "2/minute"})
    with TestClient(create_app(strict, pool=pool)) as client:  # type: ignore[arg-type]
        brand = new_brand(client)
        statuses = [client.get("/v1/me", headers=brand.flagger).status_code for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        guesses = [client.get("/v1/me", headers={"Authorization": "Bearer tt_x"}).status_code for _ in range(4)]
        assert guesses == [401, 401, 429, 429]


def test_the_api_describes_itself(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert operation["description"], (method, path)
            assert any(status.startswith("2") for status in operation["responses"])
            if operation["x-roles"]:
                assert "401" in operation["responses"], (method, path)


def test_a_repeated_post_is_done_once(client: TestClient, brand: Brand) -> None:
    headers = {**brand.uploader, "Idempotency-Key": "6d1c"}
    first = client.post("/v1/recipients", json={"alias": "Press 1"}, headers=headers)
    again = client.post("/v1/recipients", json={"alias": "Press 1"}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    other = client.post("/v1/recipients", json={"alias": "Press 2"}, headers=headers)
    assert other.status_code == 422
    assert client.get("/v1/recipients", headers=brand.uploader).json()["total"] == 1


def test_a_refused_post_may_be_sent_again_with_its_key(client: TestClient, brand: Brand) -> None:
    headers = {**brand.uploader, "Idempotency-Key": "6d1d"}
    assert client.post("/v1/assets/unknown/copies", json={"recipients": "all"}, headers=headers).status_code == 404
    assert client.post("/v1/assets/unknown/copies", json={"recipients": "all"}, headers=headers).status_code == 404


def test_a_kept_answer_is_not_given_to_somebody_else(client: TestClient, brand: Brand, other_brand: Brand) -> None:
    for who in (brand, other_brand):
        headers = {**who.uploader, "Idempotency-Key": "same"}
        assert client.post("/v1/recipients", json={"alias": "Press 1"}, headers=headers).status_code == 201
    assert client.get("/v1/recipients", headers=other_brand.uploader).json()["total"] == 1
