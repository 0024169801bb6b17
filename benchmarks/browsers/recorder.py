"""A proxy that is the browser's only way out, and keeps every byte that takes it.

Requests for hosts of this machine are passed on; whatever wants to go anywhere else is noted and refused.
"""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from benchmarks.browsers.site import Asked

_HOP = {"connection", "proxy-connection", "keep-alive", "transfer-encoding", "content-length"}


class Recorder:
    """``sent`` is all that left the browser, in order."""

    def __init__(self) -> None:
        self.sent: list[Asked] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                recorder._pass_on(self)

            do_POST = do_OPTIONS = do_HEAD = do_PUT = do_DELETE = do_CONNECT = do_GET

            def log_message(self, *_: Any) -> None:
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def flags(self) -> tuple[str, ...]:
        """What makes Chromium go through here, to this machine too."""
        return (f"--proxy-server=127.0.0.1:{self.port}", "--proxy-bypass-list=<-loopback>")

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()

    def _pass_on(self, handler: BaseHTTPRequestHandler) -> None:
        address = urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        self.sent.append(Asked(handler.command, address.netloc, handler.path, dict(handler.headers), body))
        host = address.hostname or ""
        if handler.command == "CONNECT" or not (host == "127.0.0.1" or host.endswith(".test")):
            handler.send_error(403)
            return
        connection = http.client.HTTPConnection("127.0.0.1", address.port or 80, timeout=60)
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in _HOP}
        target = address.path + (f"?{address.query}" if address.query else "")
        connection.request(handler.command, target, body=body or None, headers=headers)
        answer = connection.getresponse()
        data = answer.read()
        handler.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP:
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)
