"""The default engine: exact multi-index hashing in every process that serves, over one mapped file.

What was committed since the last look goes to an unsorted tail. When the tail has grown, a thread sorts everything
anew, writes it beside the old file, and serves from it; other processes on the same folder find the newer file and map
it instead of sorting themselves. Killed at any moment, a process loses nothing: the file is a copy of the table.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from service.db import Database
from service.lookups.engines import snapshot
from service.lookups.engines.port import Hit, Shelf
from service.lookups.engines.shelves import BANDED_FROM
from service.lookups.engines.view import View

log = logging.getLogger("telltale.lookups")

MERGE_AT = 65_536
_MERGE_SHARE = 32
_SCAN_UP_TO = 20_000_000
_CODES_PER_TASK = 16
_GRACE_S = 5.0
_TRIES = 3


class EmbeddedEngine:
    """Exact search in this process.

    Parameters
    ----------
    database : Database
        Where the table is.
    folder : Path or None
        Where the mapped file lies; None keeps everything in memory.
    threads : int
        How many threads share a batch; 0: one per core.
    merge_at, banded_from : int
        How long the tail may grow (at least; else a 32nd of the whole), and from how many codes a shelf has bands.
    """

    def __init__(
        self,
        database: Database,
        folder: Path | None = None,
        *,
        threads: int = 0,
        merge_at: int = MERGE_AT,
        banded_from: int = BANDED_FROM,
    ) -> None:
        self._database = database
        self._file = _private(folder) / "snapshot" if folder else None
        self._merge_at, self._banded_from = merge_at, banded_from
        self._lock = threading.Lock()
        self._view: View | None = None
        self._sorting: threading.Thread | None = None
        self._closed = False
        self._threads = threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._threads, "lookup") if self._threads > 1 else None

    @property
    def nbytes(self) -> int:
        """Memory of all arrays, mapped or not."""
        return self._view.nbytes if self._view else 0

    def refresh(self) -> None:
        """Follow the table; the first time, map the file or else read the whole table, and compile."""
        with self._lock:
            if self._view is None:
                from service.lookups.engines import kernels  # noqa: F401  compiled here, not in a request

                self._view = self._open()
            else:
                self._follow(self._view)
            if self._unsorted(self._view) and not self._sorting:
                self._sorting = threading.Thread(target=self._sort, name="lookup-sort", daemon=True)
                self._sorting.start()

    def search(self, shelf: Shelf, codes: Sequence[bytes], *, radius: int, limit: int) -> list[list[Hit]]:
        """Return the nearest assets for each code; threads share a batch, or the shelf where it is compared whole."""
        view = self._view
        if view is None:
            return [[] for _ in codes]
        if self._pool is None or len(codes) < 2 * _CODES_PER_TASK or not view.banded(shelf, radius):
            return view.search(shelf, codes, radius=radius, limit=limit)
        size = max(_CODES_PER_TASK, -(-len(codes) // self._threads))
        parts = [codes[start : start + size] for start in range(0, len(codes), size)]
        done = self._pool.map(lambda part: view.search(shelf, part, radius=radius, limit=limit), parts)
        return [hits for part in done for hits in part]

    def count(self, shelf: Shelf) -> int:
        """Count the codes of living assets on a shelf."""
        return self._view.count(shelf) if self._view else 0

    def reach(self, shelf: Shelf) -> int:
        """Any radius is answered within a second per 300 codes, up to twenty million codes on a shelf."""
        held = self._view.shelves.get(shelf) if self._view else None
        if held is None or held.sorted is None or held.size <= _SCAN_UP_TO:
            return 256
        return held.sorted.radius

    def settle(self) -> None:
        """Wait until nothing is being sorted."""
        sorting = self._sorting
        if sorting is not None:
            sorting.join()

    def close(self) -> None:
        """Give the view back; sorting that is under way is left to end by itself, or with the process."""
        self._closed = True
        sorting = self._sorting
        if sorting is not None:
            sorting.join(_GRACE_S)
        with self._lock:
            self._view = None
        if self._pool is not None:
            self._pool.shutdown()

    def _open(self) -> View:
        """Map the file and follow the table from there, or else read the whole table."""
        view = self._from_file()
        if view is None:
            view = View()
            self._follow(view)
        if self._unsorted(view):
            with self._alone() as alone:
                view = self._sorted(view, keep=alone)
        return view

    def _from_file(self) -> View | None:
        view = snapshot.load(self._file) if self._file else None
        if view is None:
            return None
        for _ in range(_TRIES):  # a deletion may come between following and counting
            with self._database.reading() as session:
                view.follow(session)
                if view.equals_table(session):
                    return view
        log.warning("the snapshot of the look-up does not fit the database; it is built anew")
        return None

    def _follow(self, view: View) -> None:
        with self._database.reading() as session:
            view.follow(session)

    def _unsorted(self, view: View) -> bool:
        return view.tail > max(self._merge_at, view.size // _MERGE_SHARE)

    def _sort(self) -> None:
        """Sort everything anew, or take over what another process has sorted, and serve from that."""
        try:
            with self._alone() as alone:
                if not alone:
                    return
                with self._lock:
                    held = self._view.cut() if self._view else None
                if held is None:
                    return
                made = self._newer(held) or self._sorted(held, keep=True)
            self._follow(made)
            with self._lock:
                if self._view is not None:
                    self._follow(made)
                    self._view = made
        except Exception:
            if not self._closed:
                log.exception("sorting the look-up failed; it goes on unsorted")
        finally:
            self._sorting = None

    def _newer(self, held: View) -> View | None:
        """Map the file if another process wrote one that leaves little to sort."""
        if self._file is None or snapshot.last_code(self._file) <= held.last_code - self._merge_at:
            return None
        return snapshot.load(self._file)

    def _sorted(self, view: View, *, keep: bool) -> View:
        """Sort, and serve from the file where one may be written, so that processes share its memory."""
        made = view.sorted_anew(banded_from=self._banded_from)
        if self._file is None or not keep:
            return made
        try:
            snapshot.write(self._file, made)
        except OSError as error:
            log.warning("the snapshot of the look-up cannot be written (%s); it stays in memory", error)
            return made
        return snapshot.load(self._file) or made

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Keep other processes on the same folder from sorting; False when one of them already is."""
        if self._file is None:
            yield True
            return
        with self._file.with_name("lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            snapshot.remove_leftovers(self._file)
            yield True


def _private(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
