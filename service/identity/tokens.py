"""Credentials as text: a prefix that secret scanners find, 192 random bits, a checksum against typos.

The checksum lets the service refuse a mistyped or cut token without asking the database, and lets scanners tell a real
token from a look-alike. Source: https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/
"""

from __future__ import annotations

import secrets
import zlib

API, LINK, SESSION, OPERATOR = "tt", "ttl", "tts", "tto"
CODE, ACCESS, REFRESH = "ttc", "tta", "ttr"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM, _CHECK = 33, 6


def new_token(prefix: str) -> str:
    """Make a credential.

    >>> is_well_formed(new_token(API), API)
    True
    """
    value = "".join(secrets.choice(_DIGITS) for _ in range(_RANDOM))
    return f"{prefix}_{value}{_check(prefix, value)}"


def is_well_formed(token: str, prefix: str) -> bool:
    """Whether this can be a credential of that kind; says nothing about whether it is known."""
    head, _, body = token.partition("_")
    if head != prefix or len(body) != _RANDOM + _CHECK:
        return False
    return secrets.compare_digest(body[_RANDOM:].encode(), _check(prefix, body[:_RANDOM]).encode())


def _check(prefix: str, value: str) -> str:
    number, digits = zlib.crc32(f"{prefix}_{value}".encode()), ""
    for _ in range(_CHECK):
        number, rest = divmod(number, len(_DIGITS))
        digits = _DIGITS[rest] + digits
    return digits
