"""Keyed randomness: everything secret about an asset's mark comes from its 32-byte key.

Whoever knows the key can compute every codeword, and nobody else can tell a codeword from coin tosses: that is the
premise of the false-accusation bound, so the source is AES in counter mode and not a statistical generator. Streams
are separated by label through HKDF (RFC 5869). The numbers never change between library versions, because a leak
may have to be read years after its copy was issued.
"""

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from .errors import InvalidKey

KEY_BYTES = 32


def derive(key: bytes, label: str, length: int = KEY_BYTES) -> bytes:
    """Derive an independent sub-key.

    Parameters
    ----------
    key : the asset's key, 32 bytes.
    label : what the sub-key is for; different labels give independent keys.
    length : bytes wanted.

    Raises
    ------
    InvalidKey
        If `key` is not 32 bytes.

    References
    ----------
    RFC 5869, HMAC-based extract-and-expand key derivation.
    """
    if len(key) != KEY_BYTES:
        raise InvalidKey(f"The key has {len(key)} bytes instead of {KEY_BYTES}.")
    return HKDF(SHA256(), length, None, f"telltale/{label}".encode()).derive(key)


def uniform(key: bytes, label: str, count: int) -> NDArray[np.float64]:
    """Draw `count` numbers in [0, 1) from the key's stream of that label.

    >>> uniform(bytes(32), "example", 2).round(3).tolist()
    [0.155, 0.815]
    """
    cipher = Cipher(algorithms.AES(derive(key, label)), modes.CTR(bytes(16))).encryptor()
    words = np.frombuffer(cipher.update(bytes(8 * count)), ">u8")
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def permutation(key: bytes, label: str, count: int) -> NDArray[np.intp]:
    """Shuffle the integers 0 … count-1 by the key's stream of that label."""
    return np.argsort(uniform(key, label, count), kind="stable")
