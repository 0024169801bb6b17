"""The Chrome DevTools Protocol over a pipe: JSON messages that end with a zero byte, on descriptors 3 and 4.

A pipe, not a port: only over a pipe does Chromium let a client press an extension's button, and nobody else can join.
Source: https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


class ProtocolError(RuntimeError):
    """The browser refused a command, or is gone."""


class Connection:
    """A browser process and the conversation with it; safe to use from one thread."""

    def __init__(self, command: Sequence[str], *, log: Path, environment: dict[str, str]) -> None:
        to_browser, self._to = os.pipe()
        self._from, from_browser = os.pipe()
        # The browser wants descriptors 3 and 4: a shell puts them there, whatever these happen to be.
        shell = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                ["bash", "-c", shell, "bash", *command],
                pass_fds=(to_browser, from_browser),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        os.close(to_browser)
        os.close(from_browser)
        self._last = 0
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.events: list[dict[str, Any]] = []
        self.heard: list[Callable[[dict[str, Any]], None]] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def send(
        self, method: str, params: dict[str, Any] | None = None, *, session: str = "", timeout_s: float = 60
    ) -> Any:
        """Send a command and wait for its result."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        try:
            os.write(self._to, json.dumps(message).encode() + b"\0")
        except OSError as error:
            raise ProtocolError(f"{method}: the browser is gone") from error
        deadline = time.monotonic() + timeout_s
        while (answer := self._next(deadline)) is not None:
            if answer.get("id") == message["id"]:
                if "error" in answer:
                    raise ProtocolError(f"{method}: {answer['error'].get('message')}")
                return answer["result"]
        raise ProtocolError(f"{method}: no answer within {timeout_s:.0f} s")

    def rest(self, seconds: float) -> None:
        """Listen for a while without asking anything."""
        deadline = time.monotonic() + seconds
        while self._next(deadline) is not None:
            pass

    def close(self) -> None:
        """End the browser, kindly first."""
        try:
            self.send("Browser.close", timeout_s=10)
        except ProtocolError:
            self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)  # a session of its own: the helpers too
            self.process.wait()
        os.close(self._to)

    def _next(self, deadline: float) -> dict[str, Any] | None:
        left = deadline - time.monotonic()
        if left <= 0:  # also while events pour in faster than they are read
            return None
        try:
            message = self._messages.get(timeout=left)
        except queue.Empty:
            return None
        if message is None:
            self._messages.put(None)
            raise ProtocolError("the browser is gone")
        if "id" not in message:
            self.events.append(message)
            for listener in self.heard:
                listener(message)
        return message

    def _listen(self) -> None:
        held = b""
        while chunk := os.read(self._from, 1 << 20):
            *whole, held = (held + chunk).split(b"\0")
            for message in whole:
                self._messages.put(json.loads(message))
        self._messages.put(None)
        os.close(self._from)
