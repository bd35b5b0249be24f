"""Access control of the console's routes: one table by route, role and party, and the session of the cookie.

A route without a row answers 404. Without a session, a page redirects to the sign-in; a script's request gets a 401.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, cookie_parser
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse
from starlette.routing import compile_path
from starlette.websockets import WebSocketClose

from gate_core.orders.certificate import OFFICERS, ORDERING, WATCHING, Who
from gate_officers.console.sessions import Session, Sessions

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

SIGN_IN: Final = "/sign-in"
BY_ITSELF: Final = (
    "portcullis-by-itself"  # request header of a page's automatic requests: they do not reset the idle time
)


class Admitted(NamedTuple):
    """Access to a route. `who` None: everyone, also without a session. `by_itself`: pages request it automatically."""

    who: frozenset[Who] | None
    by_itself: bool = False


_STRANGERS: Final = Admitted(None, by_itself=True)

ROUTES: Final[dict[tuple[str, str], Admitted]] = {
    ("GET", "/static/{path:path}"): _STRANGERS,
    ("GET", "/healthz"): _STRANGERS,
    ("GET", "/sign-in"): _STRANGERS,
    ("GET", "/enrol"): _STRANGERS,
    ("POST", "/sign-in/{question}"): _STRANGERS,
    ("GET", "/session/challenge"): _STRANGERS,
    ("POST", "/session"): _STRANGERS,
    ("POST", "/session/end"): _STRANGERS,
    ("GET", "/"): Admitted(WATCHING),
    ("GET", "/events"): Admitted(WATCHING, by_itself=True),
    ("GET", "/gates/{gate}/look"): Admitted(ORDERING),
    ("POST", "/gates/{gate}/orders"): Admitted(ORDERING),
    ("GET", "/gates/{gate}"): Admitted(WATCHING),
    ("POST", "/gates/{gate}/calls/{kind}"): Admitted(ORDERING),
    ("GET", "/gates/{gate}/crossings/{crossing}"): Admitted(OFFICERS),
    ("POST", "/gates/{gate}/crossings/{crossing}/opinion"): Admitted(OFFICERS),
    ("GET", "/handover"): Admitted(ORDERING),
    ("POST", "/handover"): Admitted(ORDERING),
    ("POST", "/handover/read"): Admitted(OFFICERS),
}

_PATTERNS: Final = [(method, compile_path(path)[0], admitted) for (method, path), admitted in ROUTES.items()]


def admitted(method: str, path: str) -> Admitted | None:
    """Return the table's row for a request, or None."""
    wanted = "GET" if method == "HEAD" else method
    return next((row for of, pattern, row in _PATTERNS if of == wanted and pattern.match(path)), None)


@dataclass(frozen=True, slots=True)
class Cookie:
    """The session cookie. Cookies ignore ports, so its name has `port`. `secure`: the pages are served over HTTPS."""

    port: int
    secure: bool

    @property
    def name(self) -> str:
        """Its name. With the prefix `__Host-`, browsers refuse such a cookie from another host or without TLS."""
        return f"__Host-console-{self.port}" if self.secure else f"console-{self.port}"

    def of(self, headers: Headers) -> str | None:
        """Return the cookie's value in a request's headers, or None."""
        return cookie_parser(headers.get("cookie", "")).get(self.name)

    def header(self, token: str, seconds: int) -> str:
        """Return the Set-Cookie value, for `seconds`: hidden from scripts, not sent with other sites' requests."""
        secure = "; Secure" if self.secure else ""
        return f"{self.name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"


class Admission:
    """ASGI middleware that applies the table, after `Guard` and before the routes."""

    def __init__(self, app: ASGIApp, *, sessions: Sessions, cookie: Cookie) -> None:
        self._app = app
        self._sessions = sessions
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        match scope["type"]:
            case "http":
                await self._for(scope)(scope, receive, send)
            case "websocket":
                await WebSocketClose(code=1008, reason="no such route")(scope, receive, send)
            case _:
                await self._app(scope, receive, send)

    def _for(self, scope: Scope) -> ASGIApp:
        row, headers = admitted(scope["method"], scope["path"]), Headers(scope=scope)
        if row is None:
            return PlainTextResponse("no such page\n", status_code=404)
        session = self._sessions.find(self._cookie.of(headers), by_hand=not (row.by_itself or BY_ITSELF in headers))
        scope.setdefault("state", {})["session"] = session
        if row.who is None:
            return self._app
        if session is None:
            if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
                return RedirectResponse(SIGN_IN, 303)
            return refusal(401, "signed_out", "sign in")
        if Who.of(session.certificate) not in row.who:
            return refusal(403, "not_permitted", "this is not for your role and party")
        return self._app


def session_of(request: HTTPConnection) -> Session | None:
    """Return the request's session; None if not signed in."""
    session: Session | None = request.state.session
    return session


def refusal(status: int, word: str, text: str) -> JSONResponse:
    """Return a JSON refusal: `word` is the code for scripts, `text` is for people."""
    return JSONResponse({"error": word, "detail": text}, status_code=status)
