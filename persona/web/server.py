"""Serves an app until it is told to stop."""

from __future__ import annotations

import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from ..errors import PortTaken

TRIES = 10


def serve(app: ASGIApp, host: str, port: int, *, ready: Callable[[str], None] | None = None, tries: int = TRIES) -> int:
    """Serve `app` until Ctrl-C or SIGTERM; return 0 then, so that a planned stop is a success.

    `ready` is called with the page's address as soon as it is listened on. A port that is taken is passed over for
    the next of `tries`; port 0 takes any free one. Raises PortTaken if there is none.
    """
    listener = listen(host, port, tries)
    with listener:
        if ready is not None:
            ready(address_of(listener, host))
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=2,
        )
        _Server(config).run(sockets=[listener])
    return 0


def listen(host: str, port: int, tries: int = TRIES) -> socket.socket:
    """Return a socket that listens on the first free port from `port` on. Raises PortTaken."""
    cause = "the address is not known"
    for number in range(port, min(port + max(1, tries), 65536)) if port else (0,):
        try:
            found = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        except OSError as error:
            raise PortTaken(host_text=host, port_text=str(port), cause_text=str(error)) from error
        family, kind, proto, _, address = found[0]
        listener = socket.socket(family, kind, proto)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
        except OSError as error:
            listener.close()
            cause = error.strerror or str(error)
            if error.errno != errno.EADDRINUSE:
                break
            continue
        return listener
    raise PortTaken(host_text=host, port_text=str(port), cause_text=cause)


def address_of(listener: socket.socket, host: str) -> str:
    """Return the page's address for a browser on this machine."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{listener.getsockname()[1]}/"


class _Server(uvicorn.Server):
    """Uvicorn raises the signal again once it has stopped; here a stop that was asked for is a plain return."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        kept = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in kept.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
