"""The key file and what hangs on it.

Threat: a stolen database or file store must be worthless. The key file is the one thing that lives apart; it is made
on the first run, readable by its owner only, and never replaced silently: a database without its key is unreadable
for good, so a missing or wrong file stops the start with instructions.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets as random
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from service.db import everywhere
from service.errors import SetupError
from service.vault.models import KeyCheck
from service.vault.secrets import derive, keyed_hash, seal, unseal

_PREFIX = "telltale-key-v1:"


class KeyFileMissing(SetupError):
    """The key file is missing, but the database already holds data encrypted with it."""

    hint = "Put the key file back from your backup, or point TELLTALE_KEY_FILE at it. Do not create a new one."


class KeyFileWrong(SetupError):
    """The key file is not the one this database was made with."""

    hint = "Point TELLTALE_KEY_FILE at the key that belongs to this database, or restore both from one backup."


class KeyFileUnreadable(SetupError):
    """The key file cannot be read or is not a Telltale key."""

    hint = "Check the file's owner and permissions (0600), or restore it from your backup."


@dataclass(frozen=True)
class Vault:
    """The key-encryption key, and the keys derived from it for one purpose each."""

    kek: bytes

    def keyed(self, purpose: str, value: str) -> str:
        """Hash a credential for storage and comparison."""
        return keyed_hash(derive(self.kek, purpose), value)

    def seal(self, plaintext: bytes, *, place: str) -> bytes:
        """Seal a value that belongs to no brand."""
        return seal(derive(self.kek, "system"), plaintext, place=place)

    def unseal(self, sealed: bytes, *, place: str) -> bytes:
        """Open what :meth:`seal` made."""
        return unseal(derive(self.kek, "system"), sealed, place=place)

    def new_tenant_key(self, tenant_id: str) -> bytes:
        """Make a brand's key and return it wrapped, as it is stored."""
        return seal(derive(self.kek, "wrap"), random.token_bytes(32), place=tenant_id)

    def tenant(self, tenant_id: str, wrapped_key: bytes) -> TenantVault:
        """Open a brand's key."""
        return TenantVault(tenant_id, unseal(derive(self.kek, "wrap"), wrapped_key, place=tenant_id))


@dataclass(frozen=True)
class TenantVault:
    """One brand's key: seals its small values and wraps its data keys. Losing the row shreds the brand."""

    tenant_id: str
    key: bytes

    def seal(self, plaintext: bytes, *, place: str) -> bytes:
        """Seal a value for one place of this brand."""
        return seal(derive(self.key, "values"), plaintext, place=f"{self.tenant_id}|{place}")

    def unseal(self, sealed: bytes, *, place: str) -> bytes:
        """Open what :meth:`seal` made for the same place."""
        return unseal(derive(self.key, "values"), sealed, place=f"{self.tenant_id}|{place}")

    def new_key(self, *, place: str) -> bytes:
        """Make a 32-byte key (for files, or for a mark) and return it sealed for its place."""
        return self.seal(random.token_bytes(32), place=place)

    def keyed(self, purpose: str, value: str) -> str:
        """Hash a value for equality within this brand only."""
        return keyed_hash(derive(self.key, purpose), value)


def open_vault(session: Session, key_file: Path) -> Vault:
    """Open the vault, making the key file on the very first run.

    Raises
    ------
    KeyFileMissing, KeyFileWrong, KeyFileUnreadable
    """
    check = session.scalar(everywhere(KeyCheck))
    if not key_file.exists():
        if check is not None:
            raise KeyFileMissing(f"The key file {key_file} is missing, but the database already holds encrypted data.")
        write_secret(key_file, _PREFIX + base64.b64encode(random.token_bytes(32)).decode() + "\n")
    vault = Vault(_read(key_file))
    value = vault.keyed("check", "telltale")
    if check is None:
        session.add(KeyCheck(id=1, value=value))
        session.flush()
    elif not random.compare_digest(check.value, value):
        raise KeyFileWrong(f"The key file {key_file} is not the one this database was made with.")
    return vault


def write_secret(path: Path, text: str) -> None:
    """Write a secret that only its owner can read, never over an existing file, and make it outlive a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _read(key_file: Path) -> bytes:
    try:
        text = key_file.read_text().strip()
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (OSError, UnicodeDecodeError, binascii.Error) as error:
        raise KeyFileUnreadable(f"The key file {key_file} cannot be read.") from error
    if not text.startswith(_PREFIX) or len(key) != 32:
        raise KeyFileUnreadable(f"The file {key_file} is not a Telltale key.")
    return key
