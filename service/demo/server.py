"""The service as a process of its own, on a free port, that never outlives the demo.

Its stdin is a pipe that nobody writes to: when the demo ends, however it ends, the pipe closes and the service stops.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from service.errors import SetupError

_START_S, _STOP_S = 90.0, 15.0
_MOST_LINES = 12


class ServiceStopped(SetupError):
    """The service stopped unexpectedly."""

    hint = "Run the demo again with --data-dir DIR to keep everything that it writes, its log included."


class Server:
    """A running service: where it is, and whether it still runs."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
        self.process, self.url, self._log = process, url, log

    def running(self, *, within_s: float = 0.0) -> bool:
        """Whether the process is there, and still is after a while."""
        try:
            self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            return True
        return False

    def last_words(self) -> str:
        """Return the end of what it wrote to its log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-_MOST_LINES:])

    def stopped(self) -> ServiceStopped:
        """Make the error that says how it ended: in its own words where it left any."""
        lines = self.last_words().splitlines()
        said = {key: next((line for line in lines if line.startswith(key)), "") for key in ("Error:", "Hint:")}
        message, hint = (said[key].removeprefix(key).strip() for key in said)
        if message:
            return ServiceStopped(f"The service stopped: {message}", hint=hint)
        return ServiceStopped(f"The service stopped unexpectedly (status {self.process.poll()}).")

    def wait_until_ready(self) -> None:
        """Return when it answers; raises :class:`ServiceStopped` when it ends before, or takes too long."""
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            if not self.running():
                raise self.stopped()
            try:
                if httpx.get(f"{self.url}/healthz", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise ServiceStopped(f"The service did not answer within {_START_S:.0f} seconds.")

    def stop(self) -> None:
        """End it, kindly first."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        if self.running():
            self.process.terminate()
        try:
            self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def serving(directory: Path, *, port: int | None) -> Iterator[Server]:
    """Run the service on a data directory while the block runs."""
    port = port or free_port()
    directory.mkdir(parents=True, exist_ok=True)
    log = directory.parent / "service.log"
    command = [sys.executable, "-m", "service.cli", "serve", "--with-parent"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--data-dir", str(directory)]
    command += ["--public-url", f"http://127.0.0.1:{port}"]
    # Settings of a real installation must not lead the demo to it: no TELLTALE_ variables, and no .env in sight.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TELLTALE_")}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  our own program
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env=environment,
            start_new_session=True,  # Ctrl-C is for the demo, which then stops the service in order
        )
    server = Server(process, f"http://127.0.0.1:{port}", log)
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
