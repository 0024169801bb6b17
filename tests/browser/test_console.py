"""The main job in a real browser, by a person with a mouse, and again by one with a phone and no script.

Needs Chromium and its driver: ``apt-get install -y chromium chromium-driver``. Without them these tests say so and
skip; where ``CI=true`` they fail instead.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
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
from conftest import jpeg
from PIL import Image

from service.app import create_app
from service.jobs.pool import PixelPool
from service.settings import Settings

pytestmark = pytest.mark.browser
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def missing(what: str) -> None:
    message = f"{what} is missing: apt-get install -y chromium chromium-driver, and pip install selenium"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@dataclass(frozen=True)
class Site:
    """A running service."""

    url: str
    settings: Settings
    sign_in_url: str
    brand_id: str

    def fresh_link(self) -> str:
        answer = httpx.post(f"{self.url}/v1/brands/{self.brand_id}/sign-in-links", headers=operator(self.settings))
        return str(answer.json()["sign_in_url"])


def operator(settings: Settings) -> dict[str, str]:
    return {"Authorization": f"Bearer {settings.operator_token_file.read_text().strip()}"}


@pytest.fixture
def site(tmp_path: Path, pool: PixelPool) -> Iterator[Site]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = Settings(_env_file=None, data_dir=tmp_path / "data", jobs_url="memory://", workers=2, port=port)
    server = uvicorn.Server(uvicorn.Config(create_app(settings, pool=pool), port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started, "the server to start")
        url = f"http://127.0.0.1:{port}"
        made = httpx.post(f"{url}/v1/brands", json={"name": "Maison Aurore"}, headers=operator(settings)).json()
        yield Site(url, settings, made["sign_in_url"], made["id"])
    finally:
        server.should_exit = True
        thread.join(timeout=20)


@pytest.fixture
def open_browser(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    if (driver := shutil.which("chromedriver")) is None:
        missing("chromedriver")
    if (program := shutil.which("chromium") or shutil.which("google-chrome")) is None:
        missing("chromium")
    try:
        from selenium import webdriver
    except ImportError:
        missing("selenium")
    opened = []

    def make(width: int = 1280, script: bool = True) -> Any:
        options = webdriver.ChromeOptions()
        options.binary_location = program
        for flag in (*FLAGS, f"--user-data-dir={tmp_path / f'profile-{len(opened)}'}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        opened.append(browser)
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not script})
        return browser

    yield make
    for browser in opened:
        browser.quit()


def until(true: Callable[[], Any], what: str, timeout_s: float = 60.0) -> Any:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited {timeout_s:.0f} s for {what}")


def find(browser: Any, css: str) -> Any:
    return until(lambda: browser.find_elements("css selector", css), css)[0]


def click(browser: Any, css: str) -> None:
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", find(browser, css))
    find(browser, css).click()


def press(browser: Any, css: str) -> None:
    """Use the keyboard, which also works where scripts do not."""
    find(browser, css).send_keys("\ue007")


def says(browser: Any, words: str) -> None:
    from selenium.common.exceptions import WebDriverException

    def text() -> str:
        try:
            return str(browser.find_element("css selector", "main").text)
        except WebDriverException:  # the page is just being replaced
            return ""

    try:
        until(lambda: words in text(), words)
    except AssertionError:
        raise AssertionError(f"{browser.current_url} does not say “{words}” but: {text()}") from None


def complaints(browser: Any) -> list[str]:
    """List what the browser complained about, above all about its policy; refusals of forms are answers, not faults."""
    return [
        entry["message"]
        for entry in browser.get_log("browser")
        if entry["level"] == "SEVERE" and "status of 422" not in entry["message"]
    ]


@pytest.fixture
def picture(tmp_path: Path, astronaut: np.ndarray) -> Path:
    path = tmp_path / "eileen_collins.jpg"
    path.write_bytes(jpeg(astronaut))
    return path


def leak_of(browser: Any, row: int, path: Path) -> str:
    """Download a copy as the console's link does, crop it, compress it, and save it; return what the row calls it."""
    until(lambda: len(browser.find_elements("css selector", "a[download]")) > row, "the copies to be released")
    links = browser.find_elements("css selector", "a[download]")
    cookies = {cookie["name"]: cookie["value"] for cookie in browser.get_cookies()}
    file = httpx.get(links[row].get_attribute("href"), cookies=cookies, timeout=60).content
    path.write_bytes(jpeg(np.asarray(Image.open(io.BytesIO(file)))[20:420, 80:420], quality=70))
    return str(browser.find_elements("css selector", "tbody th")[row].text).capitalize()


def test_the_main_job_from_upload_to_the_named_copy(
    open_browser: Callable[..., Any], site: Site, picture: Path, tmp_path: Path
) -> None:
    browser = open_browser()
    browser.get(site.sign_in_url)
    click(browser, "button")
    says(browser, "No assets yet")

    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"not a picture")
    find(browser, "#file").send_keys(f"{broken}\n{picture}")
    click(browser, "form.drop button[type=submit]")
    says(browser, "Try again")
    says(browser, "eileen collins")
    until(lambda: browser.find_elements("css selector", ".tile img"), "the preview")
    click(browser, ".tile a")

    says(browser, "There are no recipients yet")
    click(browser, "details.more summary")
    find(browser, "#list-result-text").send_keys("alias\nPress 1\nPress 1\n")
    click(browser, "form.stack button[type=submit]")
    says(browser, "the alias is the same as on line 2")
    find(browser, "#list-result-text").clear()
    find(browser, "#list-result-text").send_keys("alias,contact\nPress 1,a@b.example\nPress 2,\nPress 3,\n")
    click(browser, "form.stack button[type=submit]")
    says(browser, "3 recipients: 3 new, 0 known already")
    click(browser, ".checked button")
    says(browser, "3 new copies issued")

    leak = tmp_path / "leak.jpg"
    name = leak_of(browser, 1, leak)
    click(browser, "a[href='/console/sightings']")
    find(browser, "#picture").send_keys(str(leak))
    until(lambda: browser.find_element("css selector", ".chosen").is_displayed(), "the chosen picture")
    find(browser, "#page_url").send_keys("https://forum.example/1")
    click(browser, "form.drop button[type=submit]")
    says(browser, f"{name} is named: issued to Press 2")
    says(browser, "It names a copy, not a person.")

    overlay = find(browser, ".heat-map")
    assert overlay.is_displayed()
    until(lambda: browser.execute_script("return arguments[0].naturalWidth", overlay), "the heat map")
    find(browser, "#show-heat").send_keys(" ")
    assert not overlay.is_displayed()
    assert complaints(browser) == []

    click(browser, "a[href^='/console/provenance?copy=']")
    says(browser, "Copy named in a leak")
    assert browser.find_elements("css selector", "svg.timeline circle")
    click(browser, "button.link")
    says(browser, "Sign in to Telltale")
    assert complaints(browser) == []


def test_a_phone_without_scripts_does_the_same(
    open_browser: Callable[..., Any], site: Site, picture: Path, tmp_path: Path
) -> None:
    browser = open_browser(width=360, script=False)
    browser.get(site.sign_in_url)
    press(browser, "button")
    find(browser, "#file").send_keys(str(picture))
    press(browser, "form.drop button[type=submit]")
    says(browser, "Issue copies")
    press(browser, "details.more summary")
    find(browser, "#list-result-text").send_keys("alias\nPress 1\nPress 2\n")
    press(browser, "form.stack button[type=submit]")
    says(browser, "2 recipients: 2 new")
    press(browser, ".checked button")
    says(browser, "2 new copies issued")

    leak = tmp_path / "leak.jpg"
    name = leak_of(browser, 0, leak)
    browser.get(f"{site.url}/console/sightings")
    find(browser, "#picture").send_keys(str(leak))
    press(browser, "form.drop button[type=submit]")
    says(browser, f"{name} is named: issued to Press 1")
    result = browser.current_url

    with_script = open_browser(width=360)
    with_script.get(site.fresh_link())
    click(with_script, "button")
    find(with_script, "#assets")
    sections = [f"{site.url}/console/{name}" for name in ("assets", "recipients", "sightings", "provenance", "lookup")]
    asset = find(with_script, ".tile a").get_attribute("href")
    for url in (*sections, asset, result):
        with_script.get(url)
        wide = with_script.execute_script("return document.documentElement.scrollWidth")
        assert wide <= 360, f"{url} is {wide} px wide"
    assert complaints(with_script) == []


def test_the_keyboard_reaches_the_content_first(open_browser: Callable[..., Any], site: Site) -> None:
    from selenium.webdriver.common.keys import Keys

    browser = open_browser()
    browser.get(site.sign_in_url)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    says(browser, "No assets yet")
    find(browser, "body").send_keys(Keys.TAB)
    first = browser.switch_to.active_element
    assert first.text == "Skip to the content"
    first.send_keys(Keys.ENTER)
    assert browser.switch_to.active_element.get_attribute("id") == "main"
