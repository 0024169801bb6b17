"""Numbers for assets: the embedded engine keeps four bytes with a code instead of a name.

The first numbers follow the names' order, and those names may lie in a mapped file; assets that came later are in a
small dictionary. A removed asset's number is dead for ever: should the asset come back, it gets a new one.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

_NAME = "S40"  # as wide as the column


class AssetNumbers:
    """Names of assets by number, which of them are dead, and how many rows of the table each has.

    Parameters
    ----------
    names : ndarray of byte strings, optional
        Living assets in ascending order of name.
    rows : ndarray, uint32, optional
        How many rows of the table each has.
    """

    def __init__(self, names: np.ndarray | None = None, rows: np.ndarray | None = None) -> None:
        self._early = np.empty(0, _NAME) if names is None else names
        self._late = np.empty(64, _NAME)
        self._numbers: dict[str, int] = {}
        self._size = len(self._early)
        self._rows = np.zeros(self._size + 64, np.uint32)
        self._rows[: self._size] = 0 if rows is None else rows
        self._dead = np.zeros(self._size + 64, np.bool_)

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return sum(array.nbytes for array in (self._early, self._late, self._rows, self._dead))

    @property
    def sorted_part(self) -> tuple[np.ndarray, np.ndarray]:
        """The names that came in order, and how many rows of the table each has."""
        return self._early, self._rows[: len(self._early)]

    def copy(self) -> AssetNumbers:
        """Return the same, unmoved by what is added or buried later."""
        made = AssetNumbers.__new__(AssetNumbers)
        made._early, made._late, made._size = self._early, self._late.copy(), self._size
        made._rows, made._dead, made._numbers = self._rows.copy(), self._dead.copy(), dict(self._numbers)
        return made

    def number(self, name: str) -> int | None:
        """Return the number of a living asset."""
        late = self._numbers.get(name)
        if late is not None:
            return late
        place = int(np.searchsorted(self._early, np.bytes_(name.encode())))
        found = place < len(self._early) and self._early[place] == name.encode()
        return place if found and not self._dead[place] else None

    def number_rows(self, names: Iterable[str]) -> list[int]:
        """Return the number of each row's asset, a new one where needed, and keep account of the rows."""
        numbers = []
        last, number = "", -1
        for name in names:
            if name != last:
                known = self.number(name)
                last, number = name, self._add(name) if known is None else known
            numbers.append(number)
        seen, counts = np.unique(np.array(numbers, np.int64), return_counts=True)
        self._rows[seen] += counts.astype(np.uint32)
        return numbers

    def bury(self, name: str) -> None:
        """Make an asset's rows unfindable."""
        number = self.number(name)
        if number is not None:
            self._dead[number] = True
            self._numbers.pop(name, None)

    def dead(self, numbers: np.ndarray) -> np.ndarray:
        """Say which of these numbers are dead."""
        return self._dead[numbers]

    def names(self, numbers: np.ndarray) -> np.ndarray:
        """Return the names of some numbers, as byte strings."""
        out = np.empty(len(numbers), _NAME)
        early = numbers < len(self._early)
        out[early] = self._early[numbers[early]]
        out[~early] = self._late[numbers[~early] - len(self._early)]
        return out

    def rows_alive(self) -> int:
        """Count the rows of the table that belong to living assets."""
        return int(self._rows[: self._size][~self._dead[: self._size]].sum(dtype=np.int64))

    def renumbered(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Number the living anew, by name.

        Returns
        -------
        numbers : ndarray, (old numbers,), int64
            The new number of each old one; −1 for the dead.
        names : ndarray of byte strings
            Of the new numbers, in ascending order.
        rows : ndarray, uint32
        """
        living = np.flatnonzero(~self._dead[: self._size])
        names = self.names(living)
        order = np.argsort(names)
        numbers = np.full(self._size, -1, np.int64)
        numbers[living[order]] = np.arange(len(living))
        width = max(1, int(np.char.str_len(names).max(initial=1)))
        return numbers, names[order].astype(f"S{width}"), self._rows[living[order]]

    def _add(self, name: str) -> int:
        number, late = self._size, self._size - len(self._early)
        if late == len(self._late):
            self._late = np.concatenate([self._late, np.empty_like(self._late)])
        if number == len(self._dead):
            self._dead = np.concatenate([self._dead, np.zeros(number, np.bool_)])
            self._rows = np.concatenate([self._rows, np.zeros(number, np.uint32)])
        self._late[late] = name.encode()
        self._numbers[name] = number
        self._size += 1
        return number
