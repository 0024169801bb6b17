"""The built extension, a real service on this machine, and a small web with leaks on it.

Needs ``apt-get install -y chromium nodejs``; the real menu and shortcut also ``xvfb xdotool``, Firefox ``firefox-esr``.
What is missing skips its tests and says so; where ``CI=true`` they fail instead. Screenshots go to
``$TELLTALE_ARTEFACTS``, where that is set.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.browsers import chromium as chromium_module
from benchmarks.browsers.chromium import Chromium, Page
from benchmarks.browsers.site import Web
from benchmarks.browsers.stage import Site, built, free_port, has_node, running_site, until
from service.jobs.pool import PixelPool

__all__ = ["Site", "built", "free_port", "until"]
ARTEFACTS = os.environ.get("TELLTALE_ARTEFACTS")


def missing(what: str) -> None:
    message = f"{what} is missing: see tests/extension/conftest.py"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, pool: PixelPool) -> Iterator[Site]:
    if not has_node():
        missing("node")
    with running_site(tmp_path_factory.mktemp("service"), pool) as running:
        yield running


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


def report(panel: Page, tab: int, item: int, **wish: Any) -> str:
    """Have the extension report an item of a scan, as the panel does after the confirmation."""
    script = "async (tab, id, wish) => chrome.runtime.sendMessage({ ask: 'report', tab, frame: 0, id, wish })"
    return str(panel.run(script, tab, item, wish)["value"])


def verdicts(scan: dict[str, Any]) -> dict[str, str]:
    """Return verdicts by the file name of each item's first address."""
    return {item["urls"][0].split("/")[-1] if item["urls"] else item["kind"]: item["verdict"] for item in scan["items"]}


@pytest.fixture
def unused_port() -> Callable[[], int]:
    return free_port
