"""Puts the page together."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ..approval import Approvals
from ..clock import Clock
from ..definition import Definition
from ..network import Network
from .pages import STATIC, Pages
from .queue import Queue
from .security import Forms, Guarded, Hosts
from .site import Site


def create_app(
    *,
    engine: Engine,
    definition: Definition,
    network: Network | None,
    token: str | None,
    approvals: Approvals,
    clock: Clock,
    hosts: Iterable[str] = (),
    folder: Path | None = None,
) -> Starlette:
    """Return the page as an ASGI app.

    Without `network` the feed shows the personas' own sent posts. Without `token` everyone who reaches it is let in,
    so bind it to loopback only. `hosts` are the names it may be asked for by besides those of loopback. `folder` is the
    data folder, for what there is to know of its run. The caller closes engine and network.
    """
    site = Site(engine=engine, definition=definition, network=network, approvals=approvals, clock=clock, folder=folder)
    pages, forms = Pages(site), Forms()
    queue = Queue(pages, forms)
    return Starlette(
        routes=[
            Route("/", pages.feed),
            Route("/queue", queue.show),
            Route("/queue/{ref}/{decision}", queue.decide, methods=["POST"]),
            Route("/thread/{status_id}", pages.thread),
            Route("/why/{ref}", pages.why),
            Route("/avatar/{handle}.svg", pages.picture),
            Route("/healthz", pages.health),
            Route("/@{handle}", pages.profile),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[Middleware(Guarded, hosts=Hosts(hosts), token=token)],
        exception_handlers={HTTPException: pages.refusal, 500: pages.failure},
    )
