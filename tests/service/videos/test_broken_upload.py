"""An upload that stops half-way: nothing of it stays."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from conftest import Brand
from fastapi.testclient import TestClient
from starlette.requests import ClientDisconnect

HEAD = (
    b'--edge\r\nContent-Disposition: form-data; name="title"\r\n\r\nTrailer\r\n'
    b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
)
PIECE = b"\0\0\0\x18ftypisom" + bytes(2_000_000)  # more than a form keeps in memory


END = b"\r\n--edge--\r\n"


def sent(app: Any, headers: dict[str, str], pieces: list[bytes]) -> list[int]:
    """Send pieces of a form, hang up, and return the status that was answered, if any."""
    coming, answered = iter(pieces), []

    async def receive() -> dict[str, Any]:
        body = next(coming, None)
        if body is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": body, "more_body": body is not END}

    async def send(message: dict[str, Any]) -> None:
        if "status" in message:
            answered.append(message["status"])

    fields = {**headers, "content-type": "multipart/form-data; boundary=edge", "host": "testserver"}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/assets",
        "raw_path": b"/v1/assets",
        "root_path": "",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in fields.items()],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }
    with contextlib.suppress(ClientDisconnect):
        asyncio.run(app(scope, receive, send))
    return answered


def test_an_upload_that_stops_half_way_leaves_nothing(brand: Brand, client: TestClient, context: Any) -> None:
    blobs = context.settings.data_dir / "blobs"
    before = {path for path in blobs.rglob("*") if path.is_file()}
    assert sent(client.app, brand.uploader, [HEAD, PIECE, END]) == [422]  # whole, and refused for what it is
    assert 200 not in sent(client.app, brand.uploader, [HEAD, PIECE])
    assert {path for path in blobs.rglob("*") if path.is_file()} == before
    assert client.get("/v1/assets", headers=brand.uploader).json()["items"] == []
    assert client.get("/healthz").status_code == 200
