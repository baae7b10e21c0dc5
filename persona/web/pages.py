"""The pages one reads: feed, profile, thread, why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from ..digest import digest
from ..errors import DraftAmbiguous, DraftNotFound
from ..explain import explain
from ..network import Status
from . import text
from .avatar import avatar
from .security import HEADERS
from .site import Site

HERE = Path(__file__).parent
STATIC = HERE / "static"


class Pages:
    """Answers for the pages that change nothing. Each method is one route."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(
            rich=text.rich,
            unlabelled=text.unlabelled,
            number=text.number,
            moment=text.moment,
            language=text.language,
            pretty=text.pretty,
            share=text.share,
            segment=lambda value: quote(str(value), safe=""),
        )
        files = sorted(path for path in STATIC.iterdir() if path.is_file())
        self._version = digest(*(path.read_text("utf-8") for path in files), size=4)

    def render(self, template: str, *, status: int = 200, here: str = "", **values: Any) -> HTMLResponse:
        """Return one page with what all pages show."""
        now = self.site.clock.now()
        ago: Callable[[Any], str] = lambda at: text.ago(at, now)  # noqa: E731
        page = self._templates.get_template(template).render(
            now=now,
            here=here,
            ago=ago,
            simulated=self.site.network is not None,
            waiting=self.site.approvals.count(),
            notices=self.site.notices(),
            version=self._version,
            label_kind=self._label_kind,
            **values,
        )
        return HTMLResponse(page, status_code=status)

    def feed(self, request: Request) -> Response:
        everything = request.query_params.get("view") == "all"
        before = request.query_params.get("before")
        page = self.site.feed(everything=everything, before=before)
        shown = [s for item in page.items for s in (item.status, *item.replies)]
        return self.render(
            "feed.html",
            here="feed",
            page=page,
            everything=everything,
            older=before is not None,
            cast=self.site.cast(),
            why=self.site.why(shown),
        )

    def profile(self, request: Request) -> Response:
        handle = request.path_params["handle"]
        account = self.site.account(handle)
        if account is None:
            raise HTTPException(404, "There is no account of that name here.")
        persona = self.site.persona(account.handle)
        replies = request.query_params.get("view") == "all" or persona is None
        page = self.site.by(account.handle, replies=replies, before=request.query_params.get("before"))
        return self.render(
            "profile.html",
            account=account,
            persona=persona,
            page=page,
            everything=replies,
            upcoming=self.site.upcoming(persona) if persona else [],
            memory=self.site.memory(persona) if persona else {},
            why=self.site.why(item.status for item in page.items),
        )

    def thread(self, request: Request) -> Response:
        status_id = request.path_params["status_id"]
        statuses = self.site.thread(status_id)
        if not statuses:
            raise HTTPException(404, "There is no such post here, or it is gone.")
        return self.render(
            "thread.html",
            statuses=statuses,
            depth=_depths(statuses),
            chosen=status_id,
            why=self.site.why(statuses),
        )

    def why(self, request: Request) -> Response:
        try:
            found = explain(self.site.engine, request.path_params["ref"])
        except (DraftNotFound, DraftAmbiguous) as error:
            raise HTTPException(404, str(error)) from error
        handle = self.site.known_as(found.persona)
        return self.render("why.html", e=found, handle=handle, account=self.site.account(handle))

    def picture(self, request: Request) -> Response:
        handle = request.path_params["handle"]
        plain = "plain" in request.query_params
        picture = avatar(handle, vivid=self.site.persona(handle) is not None, plain=plain)
        return Response(picture, media_type="image/svg+xml", headers={"Cache-Control": "private, max-age=86400"})

    def health(self, request: Request) -> Response:
        """Answer 503 while the live run's tick is late, else 200; `causes` are all that a person should know of."""
        late, bad = self.site.late(), [notice.text for notice in self.site.notices() if notice.kind == "bad"]
        told = {"now": self.site.clock.now().isoformat(), "held": self._held(), "causes": bad}
        return JSONResponse({"status": "failing" if late else "ok", **told}, status_code=503 if late else 200)

    def refusal(self, request: Request, error: Exception) -> Response:
        """Answer an HTTPException: its status, and its detail as a sentence."""
        assert isinstance(error, HTTPException)
        if error.status_code in (304, 204):
            return Response(status_code=error.status_code, headers=error.headers)
        return self.render("error.html", status=error.status_code, code=error.status_code, why=error.detail)

    def failure(self, request: Request, error: Exception) -> Response:
        """Answer an error of our own without saying what it was: the log of the server has it."""
        page = self._templates.get_template("broken.html").render(version=self._version)
        # This answer is made outside of the layer that adds the headers to all others.
        return HTMLResponse(page, status_code=500, headers=HEADERS)

    def _held(self) -> int:
        return self.site.approvals.count()

    def _label_kind(self, status: Status, label: str) -> str:
        persona = self.site.persona(status.author.handle)
        ads: Iterable[str] = (persona.disclosure.ad,) if persona else ("#ad",)
        return "ad" if label in ads else "ai"


def _depths(statuses: list[Status]) -> Mapping[str, int]:
    depth: dict[str, int] = {}
    for status in statuses:
        depth[status.id] = min(3, depth.get(status.in_reply_to or "", -1) + 1)
    return depth
