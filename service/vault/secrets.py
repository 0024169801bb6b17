"""Sealing of small values: wrapped keys, contacts, stored answers.

Threat: somebody walks off with the database. Nothing sealed is of use without the key file. The associated data names
the place a value belongs to, so that a sealed value cannot be moved to another row.
Source: AES-256-GCM, NIST SP 800-38D, with random 96-bit nonces (far below 2^32 values per key).
"""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.errors import SetupError

_NONCE = 12


class Unsealable(SetupError):
    """A stored value cannot be opened with this key."""

    hint = "The key file does not belong to this database, or the value was altered. Restore both from one backup."


def seal(key: bytes, plaintext: bytes, *, place: str) -> bytes:
    """Encrypt a small value for one place; returns nonce + ciphertext + tag."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, place.encode())


def unseal(key: bytes, sealed: bytes, *, place: str) -> bytes:
    """Decrypt what :func:`seal` made for the same place; raises :class:`Unsealable` otherwise."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], place.encode())
    except (InvalidTag, ValueError) as error:
        raise Unsealable from error


def derive(key: bytes, purpose: str) -> bytes:
    """Derive a 32-byte key for one purpose (HKDF-SHA-256, RFC 5869)."""
    return HKDF(hashes.SHA256(), 32, None, f"telltale/{purpose}/v1".encode()).derive(key)


def keyed_hash(key: bytes, value: str) -> str:
    """Hash for equality only (HMAC-SHA-256, hex): equal values are found, none can be guessed without the key."""
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()
