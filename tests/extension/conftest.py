"""The built extension, a real service on this machine, and a small web with leaks on it.

Needs ``apt-get install -y chromium nodejs``; the real menu and shortcut also ``xvfb xdotool``, and Firefox ``firefox-esr``.
What is missing skips its tests and says so; where ``CI=true`` they fail instead. Screenshots go to
``$TELLTALE_ARTEFACTS``, where that is set.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from PIL import Image

from benchmarks.browsers import chromium as chromium_module
from benchmarks.browsers.chromium import Chromium, Page
from benchmarks.browsers.site import Web
from service.app import create_app
from service.context import Context
from service.jobs.pool import PixelPool
from service.settings import Settings

ROOT = Path(__file__).parents[2]
ARTEFACTS = os.environ.get("TELLTALE_ARTEFACTS")


def missing(what: str) -> None:
    message = f"{what} is missing: see tests/extension/conftest.py"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def built(out: Path, service: str, browser: str = "chrome", permissions: tuple[str, ...] = ()) -> Path:
    """Build the extension for a service; ``permissions`` stand for prompts that a person has answered with yes."""
    if shutil.which("node") is None:
        missing("node")
    script = f"""
      import {{ build }} from {str(ROOT / "extension" / "build.mjs")!r};
      const more = {list(permissions)!r};
      const alter = (manifest) => {{ manifest.host_permissions.push(...more); }};
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
        return {"Authorization": f"Bearer {self.brand['tokens'][role]}"}

    def call(self, method: str, path: str, role: str, **request: Any) -> Any:
        answer = httpx.request(method, f"{self.url}{path}", headers=self.headers(role), timeout=90, **request)
        assert answer.is_success, answer.text
        return answer.json()

    def settled(self, path: str, role: str = "investigator") -> dict[str, Any]:
        ended = ("ready", "held", "failed", "done", "released")
        return until(lambda: (body := self.call("GET", path, role)) and body["state"] in ended and body, path, 120)

    def fresh_link(self) -> str:
        secret = self.context.settings.operator_token_file.read_text().strip()
        path = f"{self.url}/v1/brands/{self.brand['id']}/sign-in-links"
        return str(httpx.post(path, headers={"Authorization": f"Bearer {secret}"}).json()["sign_in_url"])

    def stock(self, pictures: dict[str, bytes]) -> dict[str, str]:
        """Make the look-up know pictures, without preparing assets for copies; returns asset ids by name."""
        import io

        from service.assets.models import Asset, AssetState
        from service.db import new_id
        from service.lookups.models import Fingerprint
        from watermark import fingerprint

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
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited {timeout_s:.0f} s for {what}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, pool: PixelPool) -> Iterator[Site]:
    port = free_port()
    data_dir = tmp_path_factory.mktemp("service")
    settings = Settings(
        _env_file=None,
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
        secret = settings.operator_token_file.read_text().strip()
        headers = {"Authorization": f"Bearer {secret}"}
        brand = httpx.post(f"{url}/v1/brands", json={"name": "Maison Aurore"}, headers=headers).json()
        yield Site(url, app.state.context, brand)
    finally:
        server.should_exit = True
        thread.join(timeout=20)


@pytest.fixture
def web() -> Iterator[Web]:
    made = Web()
    yield made
    made.close()


@pytest.fixture(scope="session")
def extension(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the extension as `build.mjs --service` makes it: no permission but for the service."""
    return built(tmp_path_factory.mktemp("extension"), site.url)


@pytest.fixture
def open_chromium(tmp_path: Path) -> Iterator[Callable[..., Chromium]]:
    if chromium_module.program() is None:
        missing("chromium")
    opened: list[Chromium] = []

    def make(folder: Path, **options: Any) -> Chromium:
        profile = options.pop("profile", tmp_path / f"profile-{len(opened)}")
        opened.append(Chromium(folder, profile, **options))
        return opened[-1]

    yield make
    for browser in opened:
        if browser.cdp.process.poll() is None:
            browser.close()


@pytest.fixture
def chromium(open_chromium: Callable[..., Chromium], extension: Path, site: Site) -> Chromium:
    """Chromium with the extension, signed in with an investigator's token."""
    browser = open_chromium(extension)
    sign_in(browser, site)
    return browser


def sign_in(browser: Chromium, site: Site, role: str = "investigator") -> None:
    held = {"access": site.brand["tokens"][role], "service": site.url}
    browser.worker.run("async (held) => { await chrome.storage.session.set({ credentials: held }); }", held)


def keep(page: Page, name: str) -> None:
    """Save a screenshot as an artefact of the run."""
    if ARTEFACTS:
        page.screenshot(Path(ARTEFACTS) / f"{name}.png")


def verdicts(scan: dict[str, Any]) -> dict[str, str]:
    """Return verdicts by the file name of each item's first address."""
    return {item["urls"][0].split("/")[-1] if item["urls"] else item["kind"]: item["verdict"] for item in scan["items"]}
