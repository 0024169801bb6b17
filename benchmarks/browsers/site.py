"""A small web on this machine: pages, pictures and their hosts, told apart by name, and a note of every request.

Chromium is told that every name under ``.test`` is this machine; Firefox gets the names listed in `HOSTS`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOSTS = ("site.test", "cdn.test", "other.test")


@dataclass
class Answer:
    """What an address answers with."""

    body: bytes
    type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    host: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Responder = Callable[[Asked], Answer | None]


class Web:
    """Serves what was put there, on a port of its own; ``asked`` is everything that anybody asked for."""

    def __init__(self) -> None:
        self.pages: dict[tuple[str, str], Answer] = {}
        self.responders: list[Responder] = []
        self.asked: list[Asked] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                web._answer(self)

            do_POST = do_OPTIONS = do_HEAD = do_GET

            def log_message(self, *_: Any) -> None:
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path: str, host: str = "site.test") -> str:
        """Return the address of a path."""
        return f"http://{host}:{self.port}{path}"

    def put(self, path: str, body: bytes | str, type: str = "", *, host: str = "site.test", **headers: str) -> str:
        """Put something there; returns its address."""
        data = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[host, path] = Answer(data, type or "text/html; charset=utf-8", named)
        return self.url(path, host)

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("content-length") or 0)
        host = (handler.headers.get("host") or "").split(":")[0]
        asked = Asked(
            handler.command, host, handler.path.split("?")[0], dict(handler.headers), handler.rfile.read(length)
        )
        self.asked.append(asked)
        answer = next((made for responder in self.responders if (made := responder(asked))), None)
        answer = answer or self.pages.get((asked.host, asked.path)) or Answer(b"", status=404)
        handler.send_response(answer.status)
        for name, value in {"Content-Type": answer.type, "Cache-Control": "max-age=600", **answer.headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        if asked.method != "HEAD":
            handler.wfile.write(answer.body)
