"""The port of the look-up: which assets have a code within a radius of this one?

The source of truth is the ``fingerprints`` table; an engine is a view of it. Codes of one brand and one kind form a
shelf, and a search never crosses shelves, so no brand can learn of another's pictures.

Life of a code: a job commits it → ``refresh`` makes it findable in every process → deleting the asset deletes the rows
and leaves a tombstone → ``refresh`` makes it unfindable. Whatever an engine holds besides the table can be thrown away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from service.errors import SetupError


class Shelf(NamedTuple):
    """The codes of one brand and one kind; all have one length."""

    tenant_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class Hit:
    """An asset with a code within the radius, and the least distance in bits."""

    asset_id: str
    distance: int


class LookupEngine(Protocol):
    """Exact search of binary codes under Hamming distance."""

    def refresh(self) -> None:
        """Make findable what was committed and unfindable what was deleted; the first time, make everything ready.

        Raises
        ------
        EngineUnavailable
            When the engine cannot work here, with what to do.
        """
        ...

    def search(self, shelf: Shelf, codes: Sequence[bytes], *, radius: int, limit: int) -> list[list[Hit]]:
        """Return, for each code, the ``limit`` nearest assets within ``radius`` bits; ties by asset id.

        A code whose length is not the shelf's has no hits.
        """
        ...

    def count(self, shelf: Shelf) -> int:
        """Return how many codes a shelf holds; equal codes of one asset may count once."""
        ...

    def reach(self, shelf: Shelf) -> int:
        """Return the largest radius, in bits, that is answered fast enough for somebody who waits."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


class EngineUnavailable(SetupError):
    """The look-up engine that the settings ask for cannot work here."""

    hint = "Leave TELLTALE_LOOKUP_URL empty for the embedded engine, which works with any database."
