"""Encryption of files at rest in segments, so that neither end needs the whole in one piece.

Threat: an altered, shortened, reordered or swapped file must not decrypt. Each 1 MiB segment is sealed with its number
and whether it is the last; the associated data names brand and subject.
Source: the STREAM construction, Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance", CRYPTO 2015, doi:10.1007/978-3-662-47989-6_24; a fresh key per file by HKDF over a
random salt.

Layout: ``b"TTS1" | salt 16 | nonce prefix 7 | segment … segment``; nonce = prefix | number (32 bit) | last (8 bit).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.errors import SetupError

MAGIC = b"TTS1"
SEGMENT = 1 << 20
_TAG = 16
_HEADER = len(MAGIC) + 16 + 7


class DamagedFile(SetupError):
    """A stored file was altered, cut off or encrypted with another key."""

    hint = "Restore the file store and the key file from one backup."


def encrypt(key: bytes, data: bytes, *, aad: str) -> Iterator[bytes]:
    """Yield the encrypted form of ``data``, segment by segment."""
    salt, prefix = os.urandom(16), os.urandom(7)
    cipher = _cipher(key, salt)
    yield MAGIC + salt + prefix
    view = memoryview(data)
    count = max(1, -(-len(data) // SEGMENT))
    for number in range(count):
        segment = view[number * SEGMENT : (number + 1) * SEGMENT]
        yield cipher.encrypt(_nonce(prefix, number, number == count - 1), segment, aad.encode())


def decrypt(key: bytes, chunks: Iterable[bytes], *, aad: str) -> Iterator[bytes]:
    """Yield the plain segments of an encrypted file read in chunks of any size.

    Raises
    ------
    DamagedFile
        As soon as a segment does not belong where it is, or when the last one is missing.
    """
    buffer = bytearray()
    source = iter(chunks)
    for chunk in source:
        buffer += chunk
        if len(buffer) >= _HEADER:
            break
    if len(buffer) < _HEADER or bytes(buffer[: len(MAGIC)]) != MAGIC:
        raise DamagedFile
    cipher, prefix = _cipher(key, bytes(buffer[4:20])), bytes(buffer[20:_HEADER])
    del buffer[:_HEADER]
    number = 0
    for chunk in source:
        buffer += chunk
        while len(buffer) > SEGMENT + _TAG:
            yield _open(cipher, _nonce(prefix, number, False), bytes(buffer[: SEGMENT + _TAG]), aad)
            del buffer[: SEGMENT + _TAG]
            number += 1
    while len(buffer) > SEGMENT + _TAG:
        yield _open(cipher, _nonce(prefix, number, False), bytes(buffer[: SEGMENT + _TAG]), aad)
        del buffer[: SEGMENT + _TAG]
        number += 1
    yield _open(cipher, _nonce(prefix, number, True), bytes(buffer), aad)


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(hashes.SHA256(), 32, salt, b"telltale/stream/v1").derive(key))


def _nonce(prefix: bytes, number: int, last: bool) -> bytes:
    return prefix + struct.pack(">IB", number, last)


def _open(cipher: AESGCM, nonce: bytes, segment: bytes, aad: str) -> bytes:
    try:
        return cipher.decrypt(nonce, segment, aad.encode())
    except (InvalidTag, ValueError) as error:
        raise DamagedFile from error
