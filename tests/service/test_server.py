"""A real server in its own process: it survives being killed, and ends when it is told to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from conftest import jpeg


def until(check: Callable[[], Any], timeout_s: float = 60.0) -> Any:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            if found := check():
                return found
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


@pytest.mark.fault
def test_a_server_killed_while_preparing_goes_on_at_the_next_start(tmp_path: Path, astronaut: np.ndarray) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "TELLTALE_DATA_DIR": str(tmp_path), "TELLTALE_PORT": str(port)}
    command = [sys.executable, "-m", "uvicorn", "service.app:create_app", "--factory", "--port", str(port)]
    http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)

    def serve() -> subprocess.Popen[bytes]:
        server = subprocess.Popen([*command, "--log-level", "warning"], env=environment)
        until(lambda: http.get("/healthz").status_code == 200)
        return server

    server = serve()
    try:
        operator = {"Authorization": f"Bearer {(tmp_path / 'operator.token').read_text().strip()}"}
        tokens = http.post("/v1/brands", json={"name": "M"}, headers=operator).json()["tokens"]
        uploader = {"Authorization": f"Bearer {tokens['uploader']}"}
        picture = {"file": ("a.jpg", jpeg(astronaut))}
        asset = http.post("/v1/assets", data={"title": "x"}, files=picture, headers=uploader).json()["id"]

        def state() -> str:
            return str(http.get(f"/v1/assets/{asset}", headers=uploader).json()["state"])

        until(lambda: state() == "preparing")
        server.kill()
        server.wait()
        server = serve()
        until(lambda: state() == "ready")
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=20) in (0, -signal.SIGTERM)
    finally:
        server.kill()
        server.wait()
