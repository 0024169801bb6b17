"""Chromium with the built extension: pages, the worker behind the extension, and the real toolbar button.

Needs the browser of the system (``apt-get install -y chromium``), and nothing else.
"""

from __future__ import annotations

import base64
import os
import shutil
import time
from pathlib import Path
from typing import Any

from benchmarks.browsers.cdp import Connection, ProtocolError

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--remote-debugging-pipe",
    "--enable-unsafe-extension-debugging",
    "--autoplay-policy=no-user-gesture-required",
    "--window-size=1280,900",
    "--lang=en-US",
    "--disable-features=AutofillServerCommunication,OptimizationHints,Translate,MediaRouter",  # what it says unasked
)


EXTENSION_ID = "efgagaokmdojhickekjpejgdcclmbdop"
"""By the key in its manifest."""


def program() -> str | None:
    """Return where the browser is."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Target:
    """A page or a worker that can be spoken to."""

    def __init__(self, browser: Chromium, target_id: str) -> None:
        self.browser, self.id = browser, target_id
        attached = browser.cdp.send("Target.attachToTarget", {"targetId": target_id, "flatten": True})
        self.session = attached["sessionId"]

    def send(self, method: str, **params: Any) -> Any:
        """Send a command to this target."""
        return self.browser.cdp.send(method, params, session=self.session)

    def run(self, script: str, *arguments: Any) -> Any:
        """Call a function, written as an expression, with plain values; await and return what it returns."""
        given = ", ".join(_quoted(value) for value in arguments)
        answer = self.send(
            "Runtime.evaluate",
            expression=f"({script})({given})",
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if problem := answer.get("exceptionDetails"):
            told = problem.get("exception", {})
            raise ProtocolError(str(told.get("description") or told.get("value") or problem.get("text")))
        return answer["result"].get("value")

    def until(self, script: str, *arguments: Any, timeout_s: float = 30.0) -> Any:
        """Ask again until the answer is truthy."""
        deadline = time.monotonic() + timeout_s
        # An element is worth waiting for, and has no plain value.
        plain = "(value) => (globalThis.Node && value instanceof Node ? true : value)"
        asking = f"async (...given) => ({plain})(await ({script})(...given))"
        problem: ProtocolError | None = None
        while time.monotonic() < deadline:
            try:
                if value := self.run(asking, *arguments):
                    return value
            except ProtocolError as error:  # a document that is just being replaced has no body
                problem = error
            self.browser.cdp.rest(0.02)
        raise AssertionError(f"waited {timeout_s:.0f} s for {script}") from problem


class Page(Target):
    """A tab."""

    def go(self, url: str, *, ready: str = "() => document.readyState === 'complete'") -> Page:
        """Open an address and wait until it says it is ready."""
        self.send("Page.enable")
        answer = self.send("Page.navigate", url=url)
        if answer.get("errorText"):
            raise ProtocolError(f"{url}: {answer['errorText']}")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if self.run("(url) => location.href === url", url.split("#")[0]) and self.run(ready):
                    return self
            except ProtocolError:
                pass  # the document is just being replaced
            self.browser.cdp.rest(0.03)
        raise AssertionError(f"{url} did not load")

    def front(self) -> None:
        """Bring the tab to the front, and wait until the browser itself agrees that it is."""
        self.send("Page.bringToFront")
        self.until("() => document.visibilityState === 'visible'")

    def text(self) -> str:
        """Return what a person reads."""
        return str(self.run("() => document.body?.innerText ?? ''"))

    def screenshot(self, path: Path) -> None:
        """Save what the tab shows."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def press(self, key: str, code: str, number: int, *, shift: bool = False) -> None:
        """Press and release a key."""
        common = {"key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": 8 if shift else 0}
        text = {"text": "\r"} if key == "Enter" else {}
        self.send("Input.dispatchKeyEvent", type="keyDown", **common, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", **common)

    def close(self) -> None:
        """Close the tab."""
        self.browser.cdp.send("Target.closeTarget", {"targetId": self.id})


class Chromium:
    """A browser with a profile of its own; ``hosts`` are names that lead to this machine."""

    def __init__(
        self,
        extension: Path,
        profile: Path,
        *,
        headless: bool = True,
        display: str = "",
        flags: tuple[str, ...] = (),
        reopened: bool = False,
    ) -> None:
        found = program()
        if found is None:
            raise FileNotFoundError("chromium")
        command = [found, *FLAGS, *flags, f"--user-data-dir={profile}"]
        command += [f"--disable-extensions-except={extension}", f"--load-extension={extension}"]
        command += ["--host-resolver-rules=MAP *.test 127.0.0.1"]
        command += ["--headless=new"] if headless else []
        profile.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, **({"DISPLAY": display} if display else {})}
        self.cdp = Connection([*command, "about:blank"], log=profile / "log.txt", environment=environment)
        self._worker: Target | None = None
        # Installing ends with the options page; a worker asked before that never answers.
        self.id = EXTENSION_ID
        if reopened:
            self.cdp.rest(2)
        else:
            self._find("page", "/src/ui/options.html", timeout_s=60)

    def targets(self, kind: str) -> list[dict[str, Any]]:
        """List what is open of one kind: page, tab, service_worker."""
        answer = self.cdp.send("Target.getTargets", {"filter": [{"type": kind}]})
        return list(answer["targetInfos"])

    @property
    def worker(self) -> Target:
        """The extension's worker, which the browser may have ended and begun anew."""
        info = self._find("service_worker", f"chrome-extension://{self.id}/")
        if self._worker is None or self._worker.id != info["targetId"]:
            self._worker = Target(self, info["targetId"])
        return self._worker

    def open(self, url: str = "about:blank", **ready: str) -> Page:
        """Open a tab."""
        page = Page(self, self.cdp.send("Target.createTarget", {"url": "about:blank"})["targetId"])
        return page if url == "about:blank" else page.go(url, **ready)

    def own(self, path: str, **ready: str) -> Page:
        """Open one of the extension's own pages in a tab."""
        return self.open(f"chrome-extension://{self.id}/{path}", **ready)

    def attached(self, kind: str, url_part: str, *, timeout_s: float = 15) -> Page:
        """Attach to something that opened by itself."""
        return Page(self, self._find(kind, url_part, timeout_s=timeout_s)["targetId"])

    def tab_of(self, page: Page) -> dict[str, Any]:
        """Return the extension's own view of a page's tab, once that is the one in front."""
        page.front()
        url = page.run("() => location.href")
        script = "async () => (await chrome.tabs.query({active: true, lastFocusedWindow: true}))[0]"
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            tab = self.worker.run(script)
            # The address is there only where a permission was given; a tab without one is told by its title.
            if tab and tab.get("url", url) == url and tab["status"] == "complete":
                return dict(tab)
            self.cdp.rest(0.05)
        raise AssertionError(f"{url} did not come to the front")

    def click_toolbar(self, page: Page) -> int:
        """Press the extension's button for a page, as a person would; returns the tab's id.

        The grant is for the tab that the browser shows at that moment, so it is first made sure that it shows this one.
        """
        tab = int(self.tab_of(page)["id"])
        found = [one for one in self.targets("tab") if one["url"] == page.run("() => location.href")]
        self.cdp.send("Extensions.triggerAction", {"id": self.id, "targetId": found[-1]["targetId"]})
        return tab

    def scanned(self, tab: int, *, timeout_s: float = 40) -> dict[str, Any]:
        """Wait for the end of a tab's scan and return it."""
        script = """async (tab) => {
          const scan = (await chrome.storage.session.get(`scan:${tab}`))[`scan:${tab}`];
          return scan && scan.state !== 'running' ? scan : null;
        }"""
        return dict(self.worker.until(script, tab, timeout_s=timeout_s))

    def close(self) -> None:
        """End the browser."""
        self.cdp.close()

    def _find(self, kind: str, url_part: str, *, timeout_s: float = 20) -> dict[str, Any]:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for info in self.targets(kind):
                if url_part in info["url"]:
                    return info
            self.cdp.rest(0.05)
        raise AssertionError(f"no {kind} with {url_part}: {[info['url'] for info in self.targets(kind)]}")


def _quoted(value: Any) -> str:
    import json

    return json.dumps(value)
