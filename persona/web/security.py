"""What stands between the page and the network: allowed hosts, the token, response headers, and form tokens."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: with it browsers send `Origin: null` with the page's own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
WILDCARD = frozenset({"0.0.0.0", "::"})
SESSION = "persona_session"
LIMIT = 64 * 1024


def host_of(netloc: str) -> str:
    """Return the host of `host`, `host:port` or `[v6]:port`, in lower case and without brackets; "" if it is none."""
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""


class Hosts:
    """Which names the page may be asked for by, so that a stranger's domain that points here gets nothing.

    Always loopback; also each name given. A wildcard address allows every address in numbers: only names can be
    made to point somewhere else.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        given = {name.strip("[]").lower() for name in names}
        self._names = LOOPBACK | given
        self._numbers = bool(given & WILDCARD)

    def allows(self, netloc: str) -> bool:
        host = host_of(netloc)
        if host in self._names:
            return True
        return self._numbers and _is_number(host)


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class Guarded:
    """Wraps the app: refuses strange hosts and, where a token is set, everyone without it; adds the headers.

    The token comes once as `?token=` (kept as a cookie, then taken out of the address) or as a Bearer header.
    """

    def __init__(self, app: ASGIApp, *, hosts: Hosts, token: str | None) -> None:
        self._app, self._hosts, self._token = app, hosts, token
        # The cookie is named after its token: two pages on one machine share their cookies whatever their ports.
        mark = _mac(token.encode(), "cookie") if token else ""
        self._cookie, self._value = f"persona_key_{mark[:8]}", mark

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        answer = self._refuse(scope)
        app = answer if answer is not None else self._app

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        return await app(scope, receive, dressed)

    def _refuse(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._hosts.allows(headers.get("host", "")):
            text = "This page does not answer to that host name. Start it with --host NAME to allow one.\n"
            return PlainTextResponse(text, status_code=421)
        if self._token is None:
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = [value for name, value in query if name == "token"]
        if given and scope["method"] in ("GET", "HEAD") and _same(given[-1], self._token):
            rest = urlencode([(name, value) for name, value in query if name != "token"])
            # One slash: a path that begins with two would name another host.
            path = "/" + str(scope["path"]).lstrip("/\\")
            answer = RedirectResponse(path + (f"?{rest}" if rest else ""), status_code=303)
            answer.set_cookie(self._cookie, self._value, httponly=True, samesite="strict", path="/")
            return answer
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _same(bearer.strip(), self._token):
            return None
        if _same(cookies_of(headers).get(self._cookie, ""), self._value):
            return None
        text = "A token is needed: open the address that `persona serve` printed, or send it as a Bearer token.\n"
        return PlainTextResponse(text, status_code=401, headers={"WWW-Authenticate": "Bearer"})


class Forms:
    """Form tokens: a digest of the visitor's session cookie under a secret of this process.

    A form from before a restart is refused; the visitor loads the page again.
    """

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def session(self, request: Request) -> str:
        """Return the visitor's session, a new one if there is none that could be ours."""
        known = request.cookies.get(SESSION, "")
        return known if len(known) == 43 and known.isascii() else secrets.token_urlsafe(32)

    def token(self, session: str) -> str:
        """Return the form token that goes with `session`."""
        return _mac(self._secret, session)

    def keep(self, response: Response, session: str) -> None:
        """Set the session cookie. Other sites cannot make a browser send it."""
        response.set_cookie(SESSION, session, httponly=True, samesite="strict", path="/")

    def trusted(self, request: Request, given: str) -> bool:
        """Say whether a form came from this page: its token fits the cookie, and its origin is this host."""
        session = request.cookies.get(SESSION, "")
        if not session or not _same(given, self.token(session)):
            return False
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return False
        origin, host = request.headers.get("origin"), request.headers.get("host", "").lower()
        return origin is None or origin.lower() in (f"{scheme}://{host}" for scheme in ("http", "https"))


async def form_of(request: Request) -> dict[str, str] | None:
    """Return the fields of a posted form, the last of each name; None if it is over 64 KiB or no such form."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return None
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LIMIT:
            return None
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=20))
    except ValueError:
        return None


def cookies_of(headers: Headers) -> dict[str, str]:
    """Return the request's cookies; none if the header cannot be read."""
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}


def _mac(secret: bytes, text: str) -> str:
    return hmac.new(secret, text.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode())
