"""Serials are dense and never used again; issuing again changes nothing."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from conftest import Brand, jpeg
from fastapi.testclient import TestClient


def test_issuing_again_issues_to_newcomers_only(client: TestClient, brand: Brand, asset: dict[str, Any]) -> None:
    brand.import_recipients(3)
    assert brand.issue(asset["id"]).items() >= {"issued": 3, "existing": 0, "total": 3}.items()
    assert brand.issue(asset["id"]).items() >= {"issued": 0, "existing": 3, "total": 3}.items()
    brand.import_recipients(2, prefix="Shop")
    assert brand.issue(asset["id"]).items() >= {"issued": 2, "existing": 3, "total": 5}.items()
    assert [copy["serial"] for copy in brand.copies(asset["id"])] == [1, 2, 3, 4, 5]
    assert client.get(f"/v1/assets/{asset['id']}", headers=brand.uploader).json()["copies"] == 5


def test_issuing_at_the_same_time_gives_each_recipient_one_serial(brand: Brand, asset: dict[str, Any]) -> None:
    brand.import_recipients(40)
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda _: brand.issue(asset["id"]), range(4)))
    assert sum(answer["issued"] for answer in done) == 40
    assert [copy["serial"] for copy in brand.copies(asset["id"])] == list(range(1, 41))


def test_copies_go_to_known_recipients_only(client: TestClient, brand: Brand, asset: dict[str, Any]) -> None:
    path = f"/v1/assets/{asset['id']}/copies"
    nobody = client.post(path, json={"recipients": "all"}, headers=brand.uploader)
    assert nobody.status_code == 422
    unknown = client.post(path, json={"recipients": ["rcp_unknown"]}, headers=brand.uploader)
    assert unknown.status_code == 404
    assert unknown.json()["missing"] == ["rcp_unknown"]
    assert client.post(path, json={"recipients": []}, headers=brand.uploader).status_code == 422


def test_an_asset_that_failed_has_no_copies(client: TestClient, brand: Brand, astronaut: np.ndarray) -> None:
    failed = brand.upload(jpeg(astronaut)[:20_000])
    brand.import_recipients(1)
    answer = client.post(f"/v1/assets/{failed['id']}/copies", json={"recipients": "all"}, headers=brand.uploader)
    assert answer.status_code == 409
    assert client.get(f"/v1/assets/{failed['id']}/preview", headers=brand.uploader).status_code == 409


def test_a_download_is_the_same_each_time_and_recorded(client: TestClient, brand: Brand, asset: dict[str, Any]) -> None:
    brand.import_recipients(2)
    brand.issue(asset["id"])
    first, second = brand.copies(asset["id"])
    files = [client.get(first["file"], headers=brand.uploader) for _ in range(2)]
    assert files[0].content == files[1].content
    assert files[0].content != client.get(second["file"], headers=brand.uploader).content
    digest = hashlib.sha256(files[0].content).hexdigest()
    assert files[0].headers["x-content-sha256"] == digest
    assert 'filename="Look-3-0001.jpg"' in files[0].headers["content-disposition"]
    trail = client.get(f"/v1/provenance?recipient={first['recipient_id']}", headers=brand.investigator).json()
    downloads = [entry for entry in trail["items"] if entry["kind"] == "copy.downloaded"]
    assert [entry["detail"]["sha256"] for entry in downloads] == [digest, digest]
    assert all(entry["principal_id"].startswith("tok_") for entry in downloads)
