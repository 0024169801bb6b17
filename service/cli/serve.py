"""``telltale serve``: the product on one machine."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from service import runtime
from service.app import create_app
from service.cli.brands import all_brands
from service.cli.installation import settings_for
from service.cli.listening import listen
from service.cli.options import AsJson, DataDir, Debug, PublicUrl
from service.cli.terminal import FAILED, Terminal, plain, terminal
from service.settings import Settings

_EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104  compared with, not bound to
_GRACE_S = 5


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on. Default: TELLTALE_HOST, or 127.0.0.1.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on. Default: TELLTALE_PORT, or 8000.")] = None,
    public_url: PublicUrl = None,
    with_parent: Annotated[bool, typer.Option(hidden=True, help="Stop when stdin closes.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    debug: Debug = False,
) -> None:
    """Serve the API and the console; makes keys and database on the first run."""
    with terminal(as_json=as_json, debug=debug) as shown:
        settings = _reachable(settings_for(data_dir, host=host, port=port, public_url=public_url))
        first_run = not settings.key_file.exists()
        brands = _ready(settings)
        listener = listen(settings.host, settings.port)
        logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
        for name in ("alembic", "httpx", "dbos"):
            logging.getLogger(name).setLevel(logging.WARNING)
        server = _Server(
            uvicorn.Config(
                create_app(settings),
                log_level="info" if debug else "warning",
                access_log=False,  # a sign-in link is a secret, and it is an address
                server_header=False,
                timeout_graceful_shutdown=_GRACE_S,
            ),
            announce=lambda: _announce(shown, settings, first_run=first_run, brands=brands),
        )
        if with_parent:
            threading.Thread(target=server.stop_when_stdin_closes, daemon=True).start()
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:
            shown.note("Stopped.")
            return
        if not server.started:
            raise typer.Exit(FAILED)


class _Server(uvicorn.Server):
    """Uvicorn that says when it really serves."""

    def __init__(self, config: uvicorn.Config, *, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()

    def stop_when_stdin_closes(self) -> None:
        while sys.stdin.buffer.read(4096):
            pass
        self.should_exit = True


def _reachable(settings: Settings) -> Settings:
    """Put a name that a browser can open into links, where the service listens on every address."""
    for address in _EVERY_ADDRESS:
        if settings.public_url == f"http://{address}:{settings.port}":
            return settings.model_copy(update={"public_url": f"http://localhost:{settings.port}"})
    return settings


def _ready(settings: Settings) -> int:
    """Make or check keys and database before anything listens, so that what is wrong is said in one line."""
    context = runtime.build(settings)
    try:
        with context.database.reading() as session:
            return len(all_brands(session))
    finally:
        context.pool.close()
        context.database.close()


def _announce(shown: Terminal, settings: Settings, *, first_run: bool, brands: int) -> None:
    where = _option(settings.data_dir)
    if first_run:
        shown.note(f"Made a new installation in {plain(str(settings.data_dir))}.")
        shown.note(f"[bold]Back up {plain(str(settings.key_file))}[/], apart from the data: without it nothing opens.")
    shown.result(
        {"url": settings.public_url, "data_dir": str(settings.data_dir), "first_run": first_run, "brands": brands},
        f"Console: [bold]{plain(settings.public_url)}[/]  (Ctrl-C stops)",
    )
    if brands:
        shown.note(f"To sign in:       telltale sign-in BRAND{plain(where)}")
    else:
        shown.note(f"To begin:         telltale brand create NAME{plain(where)}")
        shown.note(f"or in a browser:  {plain(settings.public_url)}/console/set-up with the secret in operator.token")
    shown.out.file.flush()


def _option(data_dir: Path) -> str:
    return "" if data_dir == Path("./data").resolve() else f" --data-dir {data_dir}"
