"""Lists come in pages: a limit, an offset, and the total to know where the end is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import sqlalchemy as sa
from fastapi import Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

T = TypeVar("T")


@dataclass(frozen=True)
class Window:
    """Which part of a list is wanted."""

    limit: int = 100
    offset: int = 0


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    total: int = Field(description="How many there are in all.", examples=[200])
    limit: int = Field(examples=[100])
    offset: int = Field(examples=[0])


def _window(
    limit: Annotated[int, Query(ge=1, le=1000, description="How many at most.")] = 100,
    offset: Annotated[int, Query(ge=0, le=10**9, description="How many to skip.")] = 0,
) -> Window:
    return Window(limit, offset)


PageOf = Annotated[Window, Depends(_window)]


def paged(session: Session, query: sa.Select[Any], window: Window) -> tuple[list[Any], int]:
    """Fetch one page of a query and count the whole."""
    total = session.scalar(query.order_by(None).with_only_columns(sa.func.count(), maintain_column_froms=True)) or 0
    return list(session.scalars(query.limit(window.limit).offset(window.offset))), total
