"""The file store: originals, prepared masters, captures and previews, encrypted on the way in.

Writing is once and for all: a name that exists is left alone, so a job step that runs again after a crash does no
harm. obstore renames into place but does not sync, so files that exist nowhere else (originals, captures) are synced
once after writing on local disks; object stores answer for themselves.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlparse

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import LocalStore, from_url

from service.errors import NotFound, Unavailable
from service.vault import streams


class BlobMissing(NotFound):
    """The file is no longer there."""


class BlobStoreFailed(Unavailable):
    """The file store does not answer."""


class Blobs(Protocol):
    """Where encrypted files live."""

    def put_once(self, name: str, data: bytes, *, key: bytes, durable: bool = False) -> None:
        """Encrypt and store; a name that exists keeps its first content."""
        ...

    def get(self, name: str, *, key: bytes) -> bytes:
        """Fetch and decrypt; raises :class:`BlobMissing`."""
        ...

    def delete(self, name: str) -> None:
        """Remove; a name that is not there is fine."""
        ...

    def delete_under(self, prefix: str) -> None:
        """Remove everything whose name begins with ``prefix/``."""
        ...

    def healthy(self) -> bool:
        """Whether the store answers."""
        ...


class ObjectBlobs:
    """Blobs behind an obstore URL (``file://``, ``s3://``, ``gs://``, ``az://``, ``memory://``)."""

    def __init__(self, url: str) -> None:
        self._root: Path | None = None
        if url.startswith("file:"):
            self._root = Path(unquote(urlparse(url).path))
            self._root.mkdir(parents=True, exist_ok=True)
            self._store: obstore.store.ObjectStore = LocalStore(self._root)
        else:
            self._store = from_url(url)

    def put_once(self, name: str, data: bytes, *, key: bytes, durable: bool = False) -> None:
        """Encrypt and store; a name that exists keeps its first content."""
        body = b"".join(streams.encrypt(key, data, aad=name))
        try:
            obstore.put(self._store, name, body, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return
        except (BaseError, OSError) as error:
            raise BlobStoreFailed from error
        if durable and self._root is not None:
            for path in (self._root / name, (self._root / name).parent):
                _sync(path)

    def get(self, name: str, *, key: bytes) -> bytes:
        """Fetch and decrypt; raises :class:`BlobMissing`."""
        try:
            chunks: Iterator[bytes] = (bytes(chunk) for chunk in obstore.get(self._store, name).stream())
            return b"".join(streams.decrypt(key, chunks, aad=name))
        except (NotFoundError, FileNotFoundError) as error:
            raise BlobMissing from error
        except (BaseError, OSError) as error:
            raise BlobStoreFailed from error

    def delete(self, name: str) -> None:
        """Remove; a name that is not there is fine."""
        with contextlib.suppress(NotFoundError, FileNotFoundError):
            obstore.delete(self._store, name)

    def delete_under(self, prefix: str) -> None:
        """Remove everything whose name begins with ``prefix/``."""
        if not prefix:
            raise ValueError("refusing to empty the whole store")
        for batch in obstore.list(self._store, prefix=prefix):
            for item in batch:
                self.delete(item["path"])

    def healthy(self) -> bool:
        """Whether the store answers."""
        try:
            next(iter(obstore.list(self._store, prefix="health", chunk_size=1)), None)
        except (BaseError, OSError):
            return False
        return True


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
