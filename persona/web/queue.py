"""The page of held drafts, and the forms that decide about them."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ..errors import DraftAmbiguous, DraftNotFound, DraftNotHeld, EditRefused
from .pages import Pages
from .security import Forms, form_of

DONE = {
    "approve": "Approved. It goes out at the next tick.",
    "edit": "Changed and approved. It goes out at the next tick.",
    "reject": "Rejected. It will not be sent.",
}
BY = "page"
"""Who the log names for a decision that was made here."""


class Queue:
    """Answers for the queue. Decisions are plain forms; each is checked for its origin and its form token."""

    def __init__(self, pages: Pages, forms: Forms) -> None:
        self._pages, self._forms = pages, forms

    def show(self, request: Request) -> Response:
        """List what is held, with the result of the decision that led here."""
        return self._page(request, done=DONE.get(request.query_params.get("done", ""), ""))

    async def decide(self, request: Request) -> Response:
        """Carry out one decision and go back to the list; say what is wrong where it cannot be done."""
        form = await form_of(request)
        if form is None:
            raise HTTPException(413, "That form is too large or is none.")
        if not self._forms.trusted(request, form.get("form_token", "")):
            raise HTTPException(403, "This form is from an older or another page. Open the queue again and repeat it.")
        return await run_in_threadpool(self._carry_out, request, form)

    def _carry_out(self, request: Request, form: dict[str, str]) -> Response:
        ref, decision = str(request.path_params["ref"]), str(request.path_params["decision"])
        approvals, now = self._pages.site.approvals, self._pages.site.clock.now()
        try:
            if decision == "approve":
                approvals.approve(ref, BY, now)
            elif decision == "reject":
                approvals.reject(ref, BY, now, reason=form.get("reason", ""))
            elif decision == "edit":
                approvals.edit(ref, form.get("body", ""), BY, now)
            else:
                raise HTTPException(404, "There is no such decision.")
        except EditRefused as error:
            return self._page(request, status=422, problem=str(error), edited={ref: form.get("body", "")})
        except DraftNotHeld as error:
            return self._page(request, status=409, problem=str(error))
        except (DraftNotFound, DraftAmbiguous) as error:
            raise HTTPException(404, str(error)) from error
        return RedirectResponse(f"/queue?done={decision}", status_code=303)

    def _page(
        self,
        request: Request,
        *,
        status: int = 200,
        done: str = "",
        problem: str = "",
        edited: dict[str, str] | None = None,
    ) -> Response:
        session, site = self._forms.session(request), self._pages.site
        drafts = site.approvals.held()
        page = self._pages.render(
            "queue.html",
            here="queue",
            status=status,
            drafts=drafts,
            handles={d.persona: site.known_as(d.persona) for d in drafts},
            names={d.persona: p.name for d in drafts if (p := site.persona(site.known_as(d.persona)))},
            form_token=self._forms.token(session),
            done=done,
            problem=problem,
            edited=edited or {},
        )
        self._forms.keep(page, session)
        return page
