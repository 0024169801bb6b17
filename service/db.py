"""One database behind SQLAlchemy: engine, sessions, the base of all models, and the only door to a query.

Tenancy is kept here. :func:`scoped` is the single place where a query over a brand's rows begins; a test walks the
syntax tree of the service and fails on ``select(Model)`` anywhere else. :func:`everywhere` is the exception for the
machinery that has no caller (authentication, jobs that hold an id, the look-up's catch-up); the same test keeps the
list of files that may use it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker


class Base(DeclarativeBase):
    """All tables; names of constraints are spelled out so that migrations can alter them on any engine."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A moment in UTC on every engine; naive values are refused, and SQLite's come back aware."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse a moment without a zone: nobody could say later what was meant."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("moments must carry a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Give SQLite's naive value its zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class TenantRow:
    """Mix-in of every table whose rows belong to one brand."""

    tenant_id: Mapped[str] = mapped_column(sa.ForeignKey("tenants.id"), index=True)


class Bound(Protocol):
    """Anything that acts for one brand."""

    @property
    def tenant_id(self) -> str:
        """The brand."""
        ...


M = TypeVar("M", bound=Base)


def scoped(session: Session, model: type[M], principal: Bound) -> sa.Select[M]:
    """Begin a query over the caller's own rows; a session that has served one brand refuses any other."""
    if session.info.setdefault("tenant_id", principal.tenant_id) != principal.tenant_id:
        raise PermissionError("this session already serves another brand")
    table: Any = model
    return sa.select(model).where(table.tenant_id == principal.tenant_id)


def everywhere(model: type[M]) -> sa.Select[M]:
    """Begin a query over all brands' rows, for machinery without a caller."""
    return sa.select(model)


def new_id(prefix: str) -> str:
    """Make an unguessable id that shows what it names, e.g. ``ast_3f…`` (128 random bits)."""
    return f"{prefix}_{secrets.token_hex(16)}"


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


class Database:
    """Engine and sessions; reading never blocks, writing takes its turn.

    SQLite refuses a transaction that read first and wants to write after somebody else wrote, so a writing session
    announces itself at its beginning (``BEGIN IMMEDIATE``) and waits for its turn instead.
    """

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url)
        self.engine = _sqlite_engine(self.url) if self.url.get_backend_name() == "sqlite" else sa.create_engine(url)
        self._readers = sessionmaker(self.engine, expire_on_commit=False)
        self._writers = sessionmaker(self.engine.execution_options(writing=True), expire_on_commit=False)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session whose changes are thrown away."""
        with self._readers() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open a session that commits when all went well, and then does what :func:`after_commit` collected."""
        with self._writers() as session:
            yield session
            session.commit()
        for action in session.info.pop("after_commit", []):
            action()

    def healthy(self) -> bool:
        """Whether the database answers."""
        with self.engine.connect() as connection:
            return connection.scalar(sa.text("select 1")) == 1

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def after_commit(session: Session, action: Callable[[], object]) -> None:
    """Do something once the session's changes are visible to others, e.g. start the job that reads them."""
    session.info.setdefault("after_commit", []).append(action)


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writing = connection.get_execution_options().get("writing")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine
