"""Reading of authorization requests (RFC 6749, 4.1.1, with PKCE, RFC 7636, and nothing that RFC 9700 advises against).

A request whose client or redirect address is wrong is answered by a page, because nobody knows where it came from; any
other fault is told to the client by sending the browser back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from service.authorization.clients import CLIENT_ID, redirects
from service.errors import Invalid
from service.settings import Settings

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_MOST_STATE = 500


class UnknownClient(Invalid):
    """This sign-in was not asked for by an extension that this service knows."""

    hint = "Install the extension that your company provides; if it is the one, tell the operator its redirect address."


@dataclass(frozen=True)
class AuthorizationRequest:
    """A request of our client, sound in form."""

    redirect_uri: str
    state: str
    challenge: str
    silent: bool

    def back(self, settings: Settings, **answer: str) -> str:
        """Return the address that brings an answer back to the client; ``iss`` says from whom (RFC 9207)."""
        return f"{self.redirect_uri}?{urlencode({**answer, 'state': self.state, 'iss': issuer(settings)})}"


@dataclass(frozen=True)
class Faulty:
    """A request of our client that cannot be followed; ``location`` tells it so."""

    location: str


def issuer(settings: Settings) -> str:
    """Return the identifier of this authorization server (RFC 8414, 2)."""
    return settings.public_url.rstrip("/")


def read(settings: Settings, asked: dict[str, str]) -> AuthorizationRequest | Faulty:
    """Check a request's parameters.

    Raises
    ------
    UnknownClient
    """
    if asked.get("client_id") != CLIENT_ID or asked.get("redirect_uri") not in redirects(settings):
        raise UnknownClient
    request = AuthorizationRequest(
        redirect_uri=asked["redirect_uri"],
        state=asked.get("state", "")[:_MOST_STATE],
        challenge=asked.get("code_challenge", ""),
        silent=asked.get("prompt") == "none",
    )
    if asked.get("response_type") != "code":
        return Faulty(request.back(settings, error="unsupported_response_type"))
    if asked.get("code_challenge_method") != "S256" or not _CHALLENGE.match(request.challenge):
        told = {"error": "invalid_request", "error_description": "PKCE with S256 is required"}
        return Faulty(request.back(settings, **told))
    return request
