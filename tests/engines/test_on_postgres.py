"""The whole application on PostgreSQL: records, jobs and the look-up, from an upload to an answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from conftest import Brand, jpeg, new_brand
from fastapi.testclient import TestClient

from service.app import create_app
from service.db import Database
from service.jobs.pool import PixelPool
from service.lookups.engines.embedded import EmbeddedEngine
from service.lookups.index import LookupIndex
from service.migrations.upgrade import upgrade
from service.models import Base
from service.settings import Settings
from watermark import fingerprint

from .servers import Server

pytestmark = pytest.mark.engine


@pytest.fixture(params=["memory://", "postgresql://"])
def brand(request: pytest.FixtureRequest, postgres: Server, settings: Settings, pool: PixelPool) -> Iterator[Brand]:
    here = settings.model_copy(update={"database_url": postgres.new_database(), "lookup_url": request.param})
    with TestClient(create_app(here, pool=pool), raise_server_exceptions=False) as client:
        yield new_brand(client)


def test_an_upload_is_found_and_a_deletion_ends_that(brand: Brand, astronaut: np.ndarray) -> None:
    picture = astronaut[:256, 128:384]
    asset = brand.upload(jpeg(picture))
    assert asset["state"] == "ready", asset
    question = {"hashes": [{"pdq": fingerprint.pdq(picture)[0][0].tobytes().hex()}, {"pdq": "5a" * 32}]}

    def ask() -> list[dict[str, Any]]:
        return brand.client.post("/v1/lookup", json=question, headers=brand.investigator).json()["results"]

    assert [(item["result"], item["asset_id"]) for item in ask()] == [("ours", asset["id"]), ("not_ours", None)]
    brand.client.delete(f"/v1/assets/{asset['id']}", params={"confirm": asset["title"]}, headers=brand.uploader)
    assert [item["result"] for item in ask()] == ["not_ours", "not_ours"]


def test_a_copy_is_issued_and_traced(brand: Brand, astronaut: np.ndarray) -> None:
    asset = brand.upload(jpeg(astronaut[:256, 128:384]))
    brand.import_recipients(2)
    brand.issue(asset["id"])
    copy = brand.copies(asset["id"])[1]
    leak = brand.client.get(f"/v1/copies/{copy['id']}/file", headers=brand.uploader).content
    found = brand.report(leak)
    assert found["outcome"] == "copy_named", found
    assert [named["copy_id"] for named in found["named"]] == [copy["id"]]


def test_other_processes_find_an_asset_within_a_second_of_its_commit(brand: Brand, astronaut: np.ndarray) -> None:
    """Another process' index is asked all the while; what it may lag behind is half a second and the asking."""
    context = brand.client.app.state.context  # type: ignore[attr-defined]
    other = LookupIndex(context.database, context.vault, EmbeddedEngine(context.database))
    assert other.count(brand.id) == 0
    noticed: list[float] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set() and not noticed:
            if other.count(brand.id):
                noticed.append(time.monotonic())
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    asset = brand.upload(jpeg(astronaut[:256, 128:384]))
    ready = time.monotonic()
    watcher.join(5)
    stop.set()
    watcher.join()
    assert asset["state"] == "ready"
    assert noticed
    assert noticed[0] - ready < 1.0
    other.close()


def test_models_and_migrations_agree_here_too(postgres: Server) -> None:
    database = Database(postgres.new_database())
    upgrade(database)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    database.close()
