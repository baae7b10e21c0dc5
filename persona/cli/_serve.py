"""persona serve: the page, until Ctrl-C."""

from __future__ import annotations

import argparse
import ipaddress
import os
import secrets

from ..errors import TokenRefused
from ._context import FolderClock, data_folder, limits_of, load_definition, open_engine, open_network

PORT = 8321
_SHORTEST = 16


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Add what `serve` takes."""
    parser.description = (
        "Serve the page: the feed, profiles, the queue of held drafts, and why each post exists. "
        "It listens on this machine only, unless --host says otherwise; then it asks for a token."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=_port, default=PORT, help="port; if taken, the next free one (default: %(default)s)"
    )
    parser.add_argument(
        "--token", metavar="env:NAME", help="environment variable with the token that the page asks for"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM; return 0 then."""
    token = token_of(args.token, args.host)
    definition = load_definition(args)
    folder = data_folder(args)
    engine = open_engine(args)
    from ..approval import Approvals
    from ..reconsider import reviewer
    from ..web import create_app, serve

    limits = limits_of(args, definition)
    network = open_network(args, definition, engine)
    app = create_app(
        engine=engine,
        definition=definition,
        network=network,
        token=token,
        approvals=Approvals(engine, limits=limits, review=reviewer(engine, definition, limits)),
        clock=FolderClock(engine),
        hosts=(args.host,),
        folder=folder,
    )

    def ready(address: str) -> None:
        port = int(address.rstrip("/").rpartition(":")[2])
        if args.port not in (0, port):
            print(f"Port {args.port} is taken; using {port}.", flush=True)
        print(f"{folder} is on {address}" + (f"?token={token}" if token else "") + "   (Ctrl-C stops)", flush=True)

    try:
        return serve(app, args.host, args.port, ready=ready)
    finally:
        if network is not None:
            network.close()
        engine.dispose()


def token_of(given: str | None, host: str) -> str | None:
    """Return the token to ask for: the named one; else a new one beyond loopback, and none on it.

    Raises TokenRefused for a token that is written out, not set, or short.
    """
    if given is None:
        return None if _is_loopback(host) else secrets.token_urlsafe(24)
    if not given.startswith("env:"):
        raise TokenRefused(cause_text="written in the command it can be read in the list of processes")
    name = given.removeprefix("env:")
    token = os.environ.get(name, "")
    if not token:
        raise TokenRefused(cause_text=f"the environment variable {name} is not set")
    if len(token) < _SHORTEST or not token.isascii() or not token.isprintable():
        raise TokenRefused(cause_text=f"it needs at least {_SHORTEST} printable ASCII characters")
    return token


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError("must be a port number from 0 to 65535")
    return int(text)
