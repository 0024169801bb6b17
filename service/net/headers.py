"""Security headers on every answer, and the refusal of cross-site requests that a browser sends by itself.

Threats: script injected into the console, framing, sniffing of uploads as HTML, leaking of links by Referer; a
foreign page that makes the browser of a signed-in person send a request. Browsers say where a request comes from
(``Sec-Fetch-Site``, ``Origin``); requests with a bearer token carry no ambient authority and need no such check.
Source: OWASP ASVS 5.0 V3.4, V3.5; https://words.filippo.io/csrf/
"""

from __future__ import annotations

from urllib.parse import urlparse

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import Forbidden
from service.net.problems import problem_response

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_SAFE = {"GET", "HEAD", "OPTIONS"}


class CrossSiteRequest(Forbidden):
    """This request was sent by a page of another site."""

    hint = "Open the console itself and try again from there."


class SecurityHeaders:
    """ASGI middleware: headers on every answer; nothing private is cached on the way."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self.app, self.secure = app, secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers when the answer starts."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                if self.secure:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
            await send(message)

        await self.app(scope, receive, with_headers)


class SameSite:
    """ASGI middleware: an unsafe request without a token of its own, or with our cookie, must come from our own pages.

    Signing in is one: a foreign page must not sign somebody in as somebody else. Addresses in ``without_cookies`` read
    no cookie at all, and are called by programs that a browser counts as another site.
    """

    def __init__(self, app: ASGIApp, *, cookie: str, public_url: str, without_cookies: tuple[str, ...] = ()) -> None:
        self.app, self.cookie, self.without_cookies = app, cookie, without_cookies
        self.host = urlparse(public_url).netloc

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what another site made the browser send."""
        guarded = scope["type"] == "http" and scope["method"] not in _SAFE
        if guarded and scope["path"] not in self.without_cookies:
            headers = Headers(scope=scope)
            ambient = f"{self.cookie}=" in headers.get("cookie", "") or "authorization" not in headers
            if ambient and not self._ours(headers):
                await problem_response(CrossSiteRequest())(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _ours(self, headers: Headers) -> bool:
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        origin = headers.get("origin")
        return origin is None or urlparse(origin).netloc in (self.host, headers.get("host"))
