"""Parts of a video kept in memory: all the small ones, and the large ones that were asked for last."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

_LARGE = ("segments/", "original")


class Held:
    """Parts by name, fetched when they are first asked for; safe to share between threads.

    Parameters
    ----------
    most : how many large parts are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._small: dict[str, bytes] = {}
        self._large: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str, fetch: Callable[[str], bytes]) -> bytes:
        """Return a part; raises what `fetch` raises."""
        with self._lock:
            held = self._small.get(name) or self._large.get(name)
        if held is not None:
            return held
        data = fetch(name)
        with self._lock:
            if not name.startswith(_LARGE):
                self._small[name] = data
                return data
            self._large[name] = data
            while len(self._large) > self._most:
                self._large.popitem(last=False)
        return data
