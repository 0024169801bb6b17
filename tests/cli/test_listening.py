"""The port that is listened on."""

from __future__ import annotations

import asyncio
import socket

import pytest

from service.cli.listening import PortTaken, listen
from service.cli.terminal import WrongUse


async def sent_at_once(listener: socket.socket) -> bool:
    """Accept one connection as the server does, and say whether what it sends may wait for more."""
    accepted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def take(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_side = writer.get_extra_info("socket")
        accepted.set_result(bool(server_side.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
        writer.close()

    async with await asyncio.start_server(take, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        answer = await asyncio.wait_for(accepted, 10)
        writer.close()
    return answer


def test_the_body_of_an_answer_never_waits_for_the_clients_acknowledgement_of_its_head() -> None:
    assert asyncio.run(sent_at_once(listen("127.0.0.1", 0)))


def test_a_taken_port_is_said_to_be_taken() -> None:
    with listen("127.0.0.1", 0) as listener, pytest.raises(PortTaken, match="is taken by another program"):
        listen("127.0.0.1", listener.getsockname()[1])


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_that_is_not_this_machines_is_refused(host: str) -> None:
    with pytest.raises(WrongUse, match=r"not an address of this machine|Cannot listen on 192\.0\.2\.1"):
        listen(host, 0)
