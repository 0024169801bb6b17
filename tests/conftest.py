"""An application per test, in a directory of its own; worker processes are shared, because they start slowly."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from service.context import Context
    from service.jobs.pool import PixelPool
    from service.settings import Settings


def jpeg(array: np.ndarray, quality: int = 95) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(array).save(out, "JPEG", quality=quality)
    return out.getvalue()


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    from skimage import data

    return np.asarray(data.astronaut())


@pytest.fixture(scope="session")
def pool() -> Iterator[PixelPool]:
    from service.jobs.pool import PixelPool

    shared = PixelPool(workers=2, memory_bytes=8 * 2**30, timeout_s=120)
    yield shared
    shared.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    from service.settings import Settings

    return Settings(_env_file=None, data_dir=tmp_path / "data", jobs_url="memory://", workers=2)


@pytest.fixture
def app(settings: Settings, pool: PixelPool) -> FastAPI:
    from service.app import create_app

    return create_app(settings, pool=pool)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    from fastapi.testclient import TestClient

    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def context(client: TestClient) -> Context:
    return client.app.state.context  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Brand:
    """A brand and its credentials, and what a test does with them."""

    client: TestClient
    id: str
    uploader: dict[str, str]
    flagger: dict[str, str]
    investigator: dict[str, str]
    sign_in_url: str

    def upload(self, data: bytes, title: str = "Look 3", wait: bool = True, **fields: str) -> dict[str, Any]:
        answer = self.client.post(
            "/v1/assets", data={"title": title, **fields}, files={"file": ("a.jpg", data)}, headers=self.uploader
        )
        assert answer.status_code == 202, answer.text
        return self.settled(f"/v1/assets/{answer.json()['id']}") if wait else answer.json()

    def import_recipients(self, count: int, prefix: str = "Press") -> None:
        text = "alias\n" + "".join(f"{prefix} {number:05d}\n" for number in range(1, count + 1))
        answer = self.client.post("/v1/recipients/import", files={"file": ("r.csv", text)}, headers=self.uploader)
        assert answer.status_code == 201, answer.text

    def issue(self, asset_id: str, wait: bool = True) -> dict[str, Any]:
        answer = self.client.post(f"/v1/assets/{asset_id}/copies", json={"recipients": "all"}, headers=self.uploader)
        assert answer.status_code == 201, answer.text
        body = answer.json()
        if wait and body["batch_id"]:
            assert self.settled(f"/v1/copy-batches/{body['batch_id']}")["state"] == "released"
        return body

    def copies(self, asset_id: str) -> list[dict[str, Any]]:
        answer = self.client.get(f"/v1/assets/{asset_id}/copies?limit=1000", headers=self.uploader)
        return answer.json()["items"]

    def report(self, picture: bytes, wait: bool = True, **fields: str) -> dict[str, Any]:
        answer = self.client.post(
            "/v1/sightings", data=fields, files={"picture": ("leak.jpg", picture)}, headers=self.flagger
        )
        assert answer.status_code == 202, answer.text
        return self.settled(f"/v1/sightings/{answer.json()['id']}") if wait else answer.json()

    def settled(self, path: str, timeout_s: float = 300.0) -> dict[str, Any]:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            body = self.client.get(path, headers=self.investigator).json()
            if body["state"] in ("ready", "held", "failed", "done", "released"):
                return body
            time.sleep(0.05)
        raise AssertionError(f"{path} did not settle: {body}")


def new_brand(client: TestClient, name: str = "Maison Aurore") -> Brand:
    context = client.app.state.context  # type: ignore[attr-defined]
    operator = context.settings.operator_token_file.read_text().strip()
    answer = client.post("/v1/brands", json={"name": name}, headers={"Authorization": f"Bearer {operator}"})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    headers = {role: {"Authorization": f"Bearer {token}"} for role, token in body["tokens"].items()}
    return Brand(client, body["id"], sign_in_url=body["sign_in_url"], **headers)


@pytest.fixture
def brand(client: TestClient) -> Brand:
    return new_brand(client)


@pytest.fixture
def other_brand(client: TestClient) -> Brand:
    return new_brand(client, "Rival")


@pytest.fixture
def asset(brand: Brand, astronaut: np.ndarray) -> dict[str, Any]:
    """A small asset, ready."""
    ready = brand.upload(jpeg(astronaut[:256, 128:384]))
    assert ready["state"] == "ready", ready
    return ready
