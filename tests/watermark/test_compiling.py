"""Compiled loops work wherever the library is installed."""

from __future__ import annotations

import pytest
from numba.core.caching import CacheImpl

from watermark.compiling import compiled


@pytest.mark.parametrize("signature", ["i8(i8)", None])
def test_an_installation_that_nobody_may_write_to_still_compiles(
    monkeypatch: pytest.MonkeyPatch, signature: str | None
) -> None:
    def read_only(*_: object) -> None:
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(CacheImpl, "__init__", read_only)
    twice = compiled(lambda number: number * 2, signature)
    assert twice(21) == 42
