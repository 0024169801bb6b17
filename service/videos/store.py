"""A prepared video as it lies in the file store: every part encrypted with the asset's key, under names of its own.

The parts of a segment lie under the bundle that counts (see :mod:`service.videos.models`), all else beside them.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from service.blobs.store import BlobMissing, Blobs
from service.videos.holding import Held
from watermark.video import Movie

_SEGMENT = re.compile(r"(segments|sizes|facts|lookup|finder)/(\d{5})")
_ORIGINAL = "original"
FILM = "film"
_HELD_SEGMENTS = 2
_SHELF = 6
_SHELF_S = 900.0


def part_name(name: str, bundles: Mapping[int, str]) -> str:
    """Name the file that holds a part; raises KeyError for a segment that is not prepared.

    >>> part_name("segments/00003", {3: "a1"}), part_name("master", {})
    ('film/00003-a1/segments', 'film/master')
    """
    if name == _ORIGINAL:
        return name
    found = _SEGMENT.fullmatch(name)
    if found is None:
        return f"{FILM}/{name}"
    number = int(found[2])
    return f"{bundle_name(number, bundles[number])}/{found[1]}"


def bundle_name(number: int, bundle: str) -> str:
    """Name the folder that holds one making of a segment."""
    return f"{FILM}/{number:05d}-{bundle}"


class SealedStore:
    """A `watermark.video.Store` over encrypted files; small parts are held, and the last segments.

    Parameters
    ----------
    blobs : the file store.
    prefix : the asset's, with its brand.
    key : the asset's.
    bundles : which bundle of each segment counts.
    """

    def __init__(self, blobs: Blobs, prefix: str, key: bytes, bundles: Mapping[int, str]) -> None:
        self._blobs, self._prefix, self._key, self._bundles = blobs, prefix, key, bundles
        self._held = Held(_HELD_SEGMENTS)

    def get(self, name: str) -> bytes:
        """Fetch and decrypt a part; raises KeyError where there is none. The original is never held."""
        return self._fetch(name) if name == _ORIGINAL else self._held.get(name, self._fetch)

    def _fetch(self, name: str) -> bytes:
        try:
            return self._blobs.get(f"{self._prefix}/{part_name(name, self._bundles)}", key=self._key)
        except BlobMissing as error:
            raise KeyError(name) from error

    def has(self, name: str) -> bool:
        """Whether there is such a part."""
        try:
            self.get(name)
        except KeyError:
            return False
        return True

    def put(self, name: str, data: bytes) -> None:
        """Encrypt and store a part beside the segments; what is there stays."""
        self._blobs.put_once(f"{self._prefix}/{part_name(name, self._bundles)}", data, key=self._key, durable=True)


class MovieShelf:
    """The videos that were delivered lately, opened; a player asks for one piece after the other.

    Threat: what lies here can be told apart by its key, so it lies here for a quarter of an hour at most, and whoever
    takes it has asked the database before whether the asset is still there.
    """

    def __init__(self) -> None:
        self._movies: OrderedDict[str, tuple[float, Movie]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, asset_id: str, opened: Callable[[], Movie]) -> Movie:
        """Return an asset's movie, opening it when it is not here."""
        with self._lock:
            known = self._movies.get(asset_id)
            if known is not None and known[0] > time.monotonic():
                self._movies.move_to_end(asset_id)
                return known[1]
        movie = opened()
        with self._lock:
            self._movies[asset_id] = (time.monotonic() + _SHELF_S, movie)
            while len(self._movies) > _SHELF:
                self._movies.popitem(last=False)
        return movie

    def forget(self, asset_id: str) -> None:
        """Drop an asset that was deleted."""
        with self._lock:
            self._movies.pop(asset_id, None)
