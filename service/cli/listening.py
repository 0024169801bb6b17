"""The port that is listened on."""

from __future__ import annotations

import errno
import socket

from service.cli.terminal import WrongUse
from service.errors import SetupError


class PortTaken(SetupError):
    """Another program listens on this port already."""

    hint = "Choose another with --port, or stop the other program."


def listen(host: str, port: int) -> socket.socket:
    """Open a port (0: any free one).

    The protocol is named, though it is the only one: asyncio sends at once (TCP_NODELAY) only on sockets that name it,
    and otherwise the body of an answer waits up to 40 ms for the client's delayed acknowledgement of its head.

    Raises
    ------
    PortTaken
        Another program listens there, or this user may not.
    WrongUse
        The address is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except socket.gaierror as error:
        listener.close()
        raise WrongUse(f"{host} is not an address of this machine.", hint="Try --host 127.0.0.1.") from error
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"Port {port} on {host} is taken by another program.") from error
        if error.errno == errno.EACCES:
            raise PortTaken(f"Port {port} may not be opened by this user.", hint="Use a port above 1023.") from error
        raise WrongUse(f"Cannot listen on {host}: {error.strerror}.", hint="Try --host 127.0.0.1.") from error
    return listener
