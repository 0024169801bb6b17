"""Rate limits and the guard on request sizes.

Threats: guessing of tokens and links; one caller starving the others; bodies without an end. Content-Length is a
claim, so bytes are counted as they arrive.
"""

from __future__ import annotations

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import TooLarge, TooManyRequests
from service.net.problems import problem_response


class Limiter:
    """Counts per caller; in memory, so each server process counts for itself."""

    def __init__(self, *, requests: str, failures: str, hashes: str) -> None:
        self._windows = FixedWindowRateLimiter(MemoryStorage())
        self._requests: RateLimitItem = parse(requests)
        self._failures: RateLimitItem = parse(failures)
        self._hashes: RateLimitItem = parse(hashes)

    def hit(self, caller: str) -> None:
        """Count one request; raises :class:`TooManyRequests` past the limit."""
        if not self._windows.hit(self._requests, "request", caller):
            raise TooManyRequests

    def hit_hashes(self, caller: str, count: int) -> None:
        """Count the hashes that one look-up asks for; raises :class:`TooManyRequests` past the limit.

        A request may ask for hundreds, so counting requests alone would let a stolen token try out a collection.
        """
        if not self._windows.hit(self._hashes, "hash", caller, cost=count):
            raise TooManyRequests("Too many hashes in a short time.")

    def failed(self, address: str) -> None:
        """Count one refused credential; raises :class:`TooManyRequests` past the limit.

        Valid credentials are never refused for what others behind the same address did.
        """
        if not self._windows.hit(self._failures, "failure", address):
            raise TooManyRequests("Too many refused credentials from this address.")


class _BodyTooLarge(HTTPException):
    """Passes through form parsers, which turn any other error into their own."""

    def __init__(self) -> None:
        super().__init__(413)


class BodyLimit:
    """ASGI middleware that ends a request whose body grows past the limit."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self.app, self.max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what arrives."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        claimed = dict(scope["headers"]).get(b"content-length", b"0")
        seen, started = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.max_bytes or (claimed.isdigit() and int(claimed) > self.max_bytes):
                raise _BodyTooLarge
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, counted, noted)
        except _BodyTooLarge:
            if not started:
                error = TooLarge(f"The request is larger than {self.max_bytes} bytes.")
                await problem_response(error)(scope, receive, send)
