"""The real service on this machine, and the extension built for it."""

from __future__ import annotations

import io
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn
from PIL import Image

from service.app import create_app
from service.assets.models import Asset, AssetState
from service.context import Context
from service.db import new_id
from service.jobs.pool import PixelPool
from service.lookups.models import Fingerprint
from service.settings import Settings
from watermark import fingerprint

ROOT = Path(__file__).parents[2]


def has_node() -> bool:
    """Whether the extension can be built here."""
    return shutil.which("node") is not None


def built(out: Path, service: str, browser: str = "chrome", permissions: tuple[str, ...] = ()) -> Path:
    """Build the extension for a service; ``permissions`` stand for prompts that a person has answered with yes."""
    script = f"""
      import {{ build }} from {str(ROOT / "extension" / "build.mjs")!r};
      const more = {list(permissions)!r};
      const alter = (manifest) => {{ (manifest.host_permissions ??= []).push(...more); }};
      await build({browser!r}, {{ out: {str(out)!r}, service: {service!r}, alter }});
    """
    subprocess.run(["node", "--input-type=module", "-e", script], check=True)
    return out / browser


@dataclass
class Site:
    """A running service with one brand."""

    url: str
    context: Context
    brand: dict[str, Any]

    def headers(self, role: str) -> dict[str, str]:
        """Return the header that carries a role's token."""
        return {"Authorization": f"Bearer {self.brand['tokens'][role]}"}

    def call(self, method: str, path: str, role: str, **request: Any) -> Any:
        """Call the API and return its answer."""
        answer = httpx.request(method, f"{self.url}{path}", headers=self.headers(role), timeout=90, **request)
        assert answer.is_success, answer.text
        return answer.json()

    def settled(self, path: str, role: str = "investigator") -> dict[str, Any]:
        """Wait until something has ended and return it."""
        ended = ("ready", "held", "failed", "done", "released")
        return until(lambda: (body := self.call("GET", path, role)) and body["state"] in ended and body, path, 120)

    def fresh_link(self) -> str:
        """Make a sign-in link for the console."""
        secret = self.context.settings.operator_token_file.read_text().strip()
        path = f"{self.url}/v1/brands/{self.brand['id']}/sign-in-links"
        return str(httpx.post(path, headers={"Authorization": f"Bearer {secret}"}).json()["sign_in_url"])

    def stock(self, pictures: dict[str, bytes]) -> dict[str, str]:
        """Make the look-up know pictures, without preparing assets for copies; returns asset ids by name."""

        known = {}
        with self.context.database.writing() as session:
            for name, data in pictures.items():
                codes, quality = fingerprint.pdq(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
                asset = Asset(
                    id=new_id("ast"),
                    tenant_id=self.brand["id"],
                    title=name,
                    state=AssetState.READY.value,
                    progress=1.0,
                    size_bytes=len(data),
                    sha256="",
                    data_key=b"",
                    mark_key=b"",
                    last_serial=0,
                    created_by="test",
                )
                session.add(asset)
                session.flush()
                known[name] = asset.id
                for orientation, code in enumerate(codes):
                    session.add(
                        Fingerprint(
                            tenant_id=self.brand["id"],
                            asset_id=asset.id,
                            kind="pdq",
                            orientation=orientation,
                            code=code.tobytes(),
                            quality=quality,
                        )
                    )
        return known


def until(true: Callable[[], Any], what: str, timeout_s: float = 60.0) -> Any:
    """Ask again until the answer is truthy, and return it."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited {timeout_s:.0f} s for {what}")


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_site(data_dir: Path, pool: PixelPool | None = None) -> Iterator[Site]:
    """Run a service with one brand while the block runs."""
    port = free_port()
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        data_dir=data_dir,
        jobs_url="memory://",
        workers=2,
        port=port,
        failed_sign_in_limit="1000/minute",
    )
    app = create_app(settings, pool=pool)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started, "the server to start")
        url = f"http://127.0.0.1:{port}"
        headers = {"Authorization": f"Bearer {settings.operator_token_file.read_text().strip()}"}
        brand = httpx.post(f"{url}/v1/brands", json={"name": "Maison Aurore"}, headers=headers).json()
        yield Site(url, app.state.context, brand)
    finally:
        server.should_exit = True
        thread.join(timeout=20)
