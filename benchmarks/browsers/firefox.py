"""Firefox with the built extension, over Marionette: JSON with a length before it, on a socket; nothing else is needed.

Source: https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from benchmarks.browsers.site import HOSTS

ADDON = "telltale@telltale.example"
UUID = "11111111-2222-4333-8444-555555555555"


class MarionetteError(RuntimeError):
    """Firefox refused a command, or is gone."""


def program() -> str | None:
    """Return where the browser is."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


class Firefox:
    """A browser with a profile of its own; scripts run in a page, or in the browser itself (``chrome``)."""

    def __init__(self, extension: Path, profile: Path, *, port: int, display: str = "") -> None:
        found = program()
        if found is None:
            raise FileNotFoundError("firefox-esr")
        profile.mkdir(parents=True, exist_ok=True)
        preferences = {
            "marionette.port": port,
            "network.dns.localDomains": ",".join(HOSTS),
            "network.proxy.type": 0,
            "extensions.webextensions.uuids": json.dumps({ADDON: UUID}),
            "datareporting.policy.dataSubmissionEnabled": False,
            "app.update.enabled": False,
            "browser.shell.checkDefaultBrowser": False,
            "browser.startup.homepage_override.mstone": "ignore",
            "browser.aboutwelcome.enabled": False,
            "browser.startup.page": 0,
            "network.captive-portal-service.enabled": False,
            "network.connectivity-service.enabled": False,
            "extensions.systemAddon.update.enabled": False,
            "toolkit.telemetry.enabled": False,
            "services.settings.server": "http://127.0.0.1:9/",
            "media.autoplay.default": 0,
            "intl.locale.requested": "en-US",
        }
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in preferences.items()]
        (profile / "user.js").write_text("\n".join(lines) + "\n")
        command = [found, "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", str(profile)]
        command += ["--width", "1280", "--height", "900"] + ([] if display else ["--headless"])
        environment = {**os.environ, "HOME": str(profile), **({"DISPLAY": display} if display else {})}
        with (profile / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True
            )
        self._last = 0
        self._socket = self._connect(port)
        self._read()  # its greeting
        self.send("WebDriver:NewSession", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
        self.send("WebDriver:SetTimeouts", script=120_000, pageLoad=60_000)
        self.send("Addon:Install", path=str(extension), temporary=True)

    def send(self, name: str, **parameters: Any) -> Any:
        """Send a command and wait for its result."""
        self._last += 1
        message = json.dumps([0, self._last, name, parameters]).encode()
        self._socket.sendall(f"{len(message)}:".encode() + message)
        _, _, error, result = self._read()
        if error:
            raise MarionetteError(f"{name}: {error.get('error')}: {error.get('message', '')[:500]}")
        return result["value"] if isinstance(result, dict) and set(result) == {"value"} else result

    def go(self, url: str) -> None:
        """Open an address in the current tab."""
        self.send("WebDriver:Navigate", url=url)

    def run(self, script: str, *arguments: Any) -> Any:
        """Call a function, written as an expression, in the page; await and return what it returns."""
        asking = f"""const done = arguments[arguments.length - 1];
          Promise.resolve(({script})(...[...arguments].slice(0, -1))).then(
            (value) => done({{ value: value ?? null }}), (error) => done({{ error: String(error) }}));"""
        answer = self.send("WebDriver:ExecuteAsyncScript", script=asking, args=list(arguments), newSandbox=True)
        if answer.get("error"):
            raise MarionetteError(answer["error"])
        return answer["value"]

    def run_in_browser(self, script: str, *arguments: Any) -> Any:
        """Do the same with the browser's own rights."""
        self.send("Marionette:SetContext", value="chrome")
        try:
            return self.run(script, *arguments)
        finally:
            self.send("Marionette:SetContext", value="content")

    def run_in_extension(self, script: str, *arguments: Any) -> Any:
        """Do it in a page of the extension, in a tab that is opened for it and closed again."""
        here = self.send("WebDriver:GetWindowHandle")
        tab = self.send("WebDriver:NewWindow", type="tab", focus=False)
        try:
            self.send("WebDriver:SwitchToWindow", handle=tab["handle"], focus=False)
            self.go(f"moz-extension://{UUID}/src/ui/options.html")
            return self.run(script, *arguments)
        finally:
            self.send("WebDriver:CloseWindow")
            self.send("WebDriver:SwitchToWindow", handle=here, focus=True)

    def click_toolbar(self) -> None:
        """Press the extension's button for the tab in front, which grants it that tab."""
        self.run_in_browser(
            """(id) => {
              const { ExtensionParent } = ChromeUtils.importESModule('resource://gre/modules/ExtensionParent.sys.mjs');
              const extension = WebExtensionPolicy.getByID(id).extension;
              const action = ExtensionParent.apiManager.global.browserActionFor(extension);
              return action.triggerAction(Services.wm.getMostRecentWindow('navigator:browser'));
            }""",
            ADDON,
        )

    def screenshot(self, path: Path) -> None:
        """Save what the tab shows."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.send("WebDriver:TakeScreenshot", full=False)))

    def close(self) -> None:
        """End the browser, kindly first."""
        try:
            self.send("Marionette:Quit", flags=["eForceQuit"])
        except (MarionetteError, OSError):
            self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._socket.close()

    def _connect(self, port: int) -> socket.socket:
        deadline = time.monotonic() + 60
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=180)
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.2)

    def _read(self) -> Any:
        size = b""
        while not size.endswith(b":"):
            size += self._part(1)
        data = b""
        while len(data) < int(size[:-1]):
            data += self._part(int(size[:-1]) - len(data))
        return json.loads(data)

    def _part(self, most: int) -> bytes:
        part = self._socket.recv(most)
        if not part:
            raise MarionetteError("the browser is gone")
        return part
