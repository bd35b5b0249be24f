"""Who is let to which route of the console: one table, by role, party and route; and the cookie's session, which is asked for whoever comes.

A route without a row is not there, and nobody may it. A page leads whoever is not signed in to where they can; what scripts ask is answered with a word.
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
BY_ITSELF: Final = "portcullis-by-itself"  # a header of what a page does without its officer: it keeps no session


class Admitted(NamedTuple):
    """A row's last column. `who` None: whoever comes, signed in or not. `by_itself`: pages ask it without anybody's act."""

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
    """The row of a request; None where there is none."""
    wanted = "GET" if method == "HEAD" else method
    return next((row for of, pattern, row in _PATTERNS if of == wanted and pattern.match(path)), None)


@dataclass(frozen=True, slots=True)
class Cookie:
    """The cookie of a session. Cookies know no ports, so `port` keeps two consoles of one machine apart; `secure` where pages come over HTTPS."""

    port: int
    secure: bool

    @property
    def name(self) -> str:
        """What it is called. The prefix has browsers refuse one that another host, or a page without TLS, would set."""
        return f"__Host-console-{self.port}" if self.secure else f"console-{self.port}"

    def of(self, headers: Headers) -> str | None:
        """What a request brings."""
        return cookie_parser(headers.get("cookie", "")).get(self.name)

    def header(self, token: str, seconds: int) -> str:
        """The header that sets it, for no script and for no other page's requests."""
        secure = "; Secure" if self.secure else ""
        return f"{self.name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"


class Admission:
    """ASGI middleware: behind the guard, before the routes."""

    def __init__(self, app: ASGIApp, *, sessions: Sessions, cookie: Cookie) -> None:
        self._app = app
        self._sessions = sessions
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, or say no."""
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
    """Whose a request is; None for somebody who is not signed in."""
    session: Session | None = request.state.session
    return session


def refusal(status: int, word: str, text: str) -> JSONResponse:
    """No, with a word for scripts and a text for people."""
    return JSONResponse({"error": word, "detail": text}, status_code=status)
