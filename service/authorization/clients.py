"""The one client of the authorization server: this product's browser extension, and where its sign-in may lead back.

It is a public client, so nothing but its redirect address tells it from an impostor. Browsers give each extension an
address of its own that no web page can take: Chromium by the key in the manifest, Firefox by the add-on's id
(https://developer.chrome.com/docs/extensions/reference/api/identity). Addresses are compared whole (RFC 9700, 2.1).
"""

from __future__ import annotations

from service.identity.roles import Role
from service.settings import Settings

CLIENT_ID = "telltale-extension"
CLIENT_NAME = "Telltale browser extension"
REDIRECTS = (
    "https://efgagaokmdojhickekjpejgdcclmbdop.chromiumapp.org/",
    "https://bd82bb5575a423412b81dd8c530a105f47d574d9.extensions.allizom.org/",
)
ROLES = frozenset({Role.FLAGGER, Role.INVESTIGATOR})
"""What the extension can make use of; a grant is never for more."""


def redirects(settings: Settings) -> tuple[str, ...]:
    """List where a sign-in may lead back: the extension as published here, and as the operator has packed it."""
    return (*REDIRECTS, *settings.extension_redirects.split())
