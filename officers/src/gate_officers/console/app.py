"""The web application of the officers' console.

`/` is the overview, `/gates/ID` a lane and its orders, `/gates/ID/crossings/ID` a decision, `/handover` the end of a
shift, `/events` all lanes as server-sent events. Orders are forwarded as the page signed them; the program can neither
sign an order nor decrypt a picture. The machine's result for a face is sent only after the officer's statement.

Access to each route is in the table of `gate_officers.console.admission`; a route without a row answers 404.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from gate_core.console_link import ORDER_BYTES_MAX, Answer, Challenge, Waits, encode
from gate_core.http_server.request_body import whole
from gate_core.orders.certificate import OFFICERS, ORDERING, Certificate, Who, may_order
from gate_core.orders.errors import OrderError
from gate_core.orders.verbs import VERBS, Verb
from gate_core.web_pages.fanout import events
from gate_core.web_pages.guard import Guard
from gate_core.web_pages.templates import environment
from gate_core.web_pages.texts import Say, Texts
from gate_officers.console import view
from gate_officers.console.admission import Admission, Cookie, refusal, session_of
from gate_officers.console.handover import BYTES_MAX as HANDOVER_BYTES_MAX
from gate_officers.console.handover import WORDS_MAX, HandoverError, Handovers, OldPageError, Signed
from gate_officers.console.lanes import Gate, Known, Lanes
from gate_officers.console.sessions import PROOF_S, Session, Sessions
from gate_officers.console.sign_in import SignIn
from gate_officers.console.view import Said

HEARTBEAT_S: Final = 1.0
TEXTS: Final = Texts(__package__)
BODY_BYTES_MAX: Final = 4096
# Texts that scripts insert; all other texts are rendered into the page.
_SCRIPT_TEXTS: Final = (
    "outcome-",
    "lack-",
    "keys-",
    "order-",
    "presence-",
    "confirm-",
    "offline-title",
    "call-escalated",
    "call-nobody-yet",
)
_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Console:
    """The parts of the application. `now_s`: corrected clock, seconds since 1970. `boot`: new at each start."""

    lanes: Lanes
    handovers: Handovers
    sessions: Sessions
    cookie: Cookie
    now_s: Callable[[], float]
    boot: str
    language: str = "en"


def create_app(
    console: Console,
    *,
    hosts: frozenset[str],
    sign_in: SignIn,
    heartbeat_s: float = HEARTBEAT_S,
    on_known: Callable[[Scope], None] = lambda _: None,
) -> Starlette:
    """Return the application. `hosts`: accepted Host headers. `on_known`: called with the scope of each event stream.

    Raises TextError.
    """
    pages = Pages(console, on_known)
    stream = events(
        lambda request: console.lanes.watch(_viewer(request).officer),
        form=pages.form,
        goes_on=lambda request: console.sessions.holds(_session(request)),
        is_over=pages.is_over,
        is_full=lambda request: console.lanes.is_full_for(_viewer(request).officer),
        heartbeat_s=heartbeat_s,
    )
    routes = [
        Route("/", pages.overview, name="overview"),
        Route("/events", stream, name="events"),
        Route("/gates/{gate}", pages.of_gate(pages.lane), name="lane"),
        Route("/gates/{gate}/look", pages.of_gate(pages.look), name="look"),
        Route("/gates/{gate}/orders", pages.of_gate(pages.order), methods=["POST"], name="order"),
        Route("/gates/{gate}/calls/{kind}", pages.of_gate(pages.answer), methods=["POST"], name="answer"),
        Route("/gates/{gate}/crossings/{crossing}", pages.of_gate(pages.decision), name="decision"),
        Route(
            "/gates/{gate}/crossings/{crossing}/opinion", pages.of_gate(pages.opinion), methods=["POST"], name="opinion"
        ),
        Route("/handover", pages.handover, name="handover"),
        Route("/handover", pages.kept(console.handovers.sign), methods=["POST"], name="sign_handover"),
        Route("/handover/read", pages.kept(console.handovers.mark_read), methods=["POST"], name="read_handover"),
        Route("/healthz", pages.healthz, name="healthz"),
        *sign_in.routes(),
        Mount("/static", StaticFiles(directory=_HERE / "static"), name="static"),
    ]
    guards = [
        Middleware(Guard, hosts=hosts, admits=lambda _: True, scheme="https" if console.cookie.secure else "http"),
        Middleware(Admission, sessions=console.sessions, cookie=console.cookie),
    ]
    return Starlette(routes=routes, middleware=guards)


class _Opinion(msgspec.Struct, frozen=True):
    said: Said


_NO_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
Endpoint = Callable[[Request], Awaitable[Response]]


class Pages:
    """The routes' endpoints, one method each."""

    def __init__(self, console: Console, on_known: Callable[[Scope], None]) -> None:
        self._console = console
        self._on_known = on_known
        self._say = Say(TEXTS, console.language)
        self._templates = environment(_HERE / "templates")
        self._templates.globals["t"] = self._say
        self._script_texts = {
            text: TEXTS.t(console.language, text)
            for text in TEXTS.text_ids(console.language)
            if text.startswith(_SCRIPT_TEXTS) and text not in _WITH_VARIABLES
        }

    # ── who may come here ────────────────────────────────────────────────────────────────────────────────────────────

    def of_gate(self, answer: Callable[[Request, Gate], Awaitable[Response]]) -> Endpoint:
        """Wrap an endpoint of a gate. Answers 404 for an unknown gate or one outside the viewer's certificate."""

        async def answered(request: Request) -> Response:
            gate = self._console.lanes.gate(request.path_params["gate"])
            if gate is None or not _viewer(request).covers(gate.id):
                if "text/html" in request.headers.get("accept", ""):
                    return self._page("gone.html", _viewer(request), status_code=404, gone="lane-gone")
                return PlainTextResponse("no such gate here\n", status_code=404)
            return await answer(request, gate)

        return answered

    # ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def overview(self, request: Request) -> Response:
        """Return the overview of all lanes."""
        viewer = _viewer(request)
        gates = [one.gate for one in self._known(viewer).gates]
        may_open_all = may_order(viewer, Verb.OPEN_EMERGENCY)
        return self._page("overview.html", viewer, gates=gates, may_open_all=may_open_all)

    async def lane(self, request: Request, gate: Gate) -> Response:
        """Return a lane's page with its orders."""
        viewer = _viewer(request)
        return self._page(
            "lane.html",
            viewer,
            gate=gate.id,
            groups=view.controls(viewer, self._say),
            flags=VERBS[Verb.FLAG].arguments if may_order(viewer, Verb.FLAG) else (),
        )

    async def decision(self, request: Request, gate: Gate) -> Response:
        """Return the page of a waiting crossing; 404 with a page that states it, if it no longer waits."""
        viewer, waiting = _viewer(request), self._waiting(request, gate)
        seen = self._console.lanes.known.gate(gate.id)
        if waiting is None or seen is None:
            lost = seen is not None and seen.lost
            return self._page("gone.html", viewer, status_code=404, gone="lane-lost" if lost else "decision-gone")
        return self._page(
            "decision.html",
            viewer,
            gate=gate.id,
            said=list(Said),
            flag_arguments=VERBS[Verb.FLAG].arguments if may_order(viewer, Verb.FLAG) else (),
            **view.decision(waiting, seen, viewer, self._say),
        )

    async def handover(self, request: Request) -> Response:
        """Return the open matters and the earlier handovers."""
        viewer, known = _viewer(request), self._known(_viewer(request))
        open_at = view.open_things(known.gates, known.calls, self._say)
        unread = [one.digest for one in self._to_read(viewer)]
        return self._page(
            "handover.html",
            viewer,
            shown={"at": int(self._console.now_s()), "open_at": open_at, "unread": unread},
            kept=self._console.handovers.of(viewer.covers),
            unsigned=self._console.handovers.unsigned,
            words_max=WORDS_MAX,
        )

    def _page(self, name: str, viewer: Certificate, *, status_code: int = 200, **fields: object) -> Response:
        hands_over = Who.of(viewer) in ORDERING
        about = {
            "boot": self._console.boot,
            "language": self._console.language,
            "officer": viewer.officer,
            "role": viewer.role.value,
            "watched": [one.gate for one in self._known(viewer).gates] if may_order(viewer, Verb.PRESENT) else [],
            "texts": self._script_texts,
            "hands_over": hands_over,
            "handover_waits": bool(self._to_read(viewer)),
        }
        return HTMLResponse(self._templates.get_template(name).render(**about, **fields), status_code=status_code)

    # ── what scripts ask for ─────────────────────────────────────────────────────────────────────────────────────────

    def form(self, request: Request) -> Callable[[Known], bytes]:
        """Return the function that encodes the state as an event for this viewer."""
        viewer = _viewer(request)
        request.state.began_s = self._console.lanes.clock_s()
        self._on_known(request.scope)

        def written(known: Known) -> bytes:
            now_s = self._console.lanes.clock_s()
            ours = _of(known, viewer)
            shown = {
                "boot": self._console.boot,
                **view.overview(ours.gates, ours.calls, viewer, self._say, now_s=now_s),
            }
            return f"event: overview\ndata: {json.dumps(shown, separators=(',', ':'))}\n\n".encode()

        return written

    def is_over(self, request: Request) -> bool:
        """True if the page must reopen its stream with the current cookie, so that a copied older one stops working."""
        return self._console.lanes.clock_s() - float(request.state.began_s) > PROOF_S

    async def look(self, _request: Request, gate: Gate) -> Response:
        """Return a challenge of the gate; 502 if it does not answer."""
        said = await gate.look()
        if isinstance(said, Challenge):
            return _json(encode(said))
        return refusal(502, "gate_away", said.problem)

    async def order(self, request: Request, gate: Gate) -> Response:
        """Forward an order to the gate, which verifies its signature, and return the answer."""
        raw = await whole(request, ORDER_BYTES_MAX)
        if raw is None:
            return PlainTextResponse("no order is as long, or as slow\n", status_code=413)
        said = await gate.order(raw)
        if isinstance(said, Answer):
            return _json(encode(said))
        outcome = "unknown" if said.maybe_done else "unreachable"
        return _json(encode(Answer(outcome=outcome, detail=said.problem, state="")))

    async def answer(self, request: Request, gate: Gate) -> Response:
        """Record that the viewer responds to an alarm."""
        viewer = _viewer(request)
        call = self._console.lanes.answer(gate.id, request.path_params["kind"], viewer.officer)
        return PlainTextResponse("it is over\n", status_code=404) if call is None else JSONResponse({"by": call.by})

    async def opinion(self, request: Request, gate: Gate) -> Response:
        """Return the machine's result for the face, in answer to the officer's statement."""
        raw = await whole(request, BODY_BYTES_MAX)
        waiting = self._waiting(request, gate)
        try:
            said = msgspec.json.decode(raw or b"", type=_Opinion).said
        except _NO_JSON:
            return PlainTextResponse("say first what you see\n", status_code=422)
        if waiting is None:
            return PlainTextResponse("nobody waits\n", status_code=404)
        return JSONResponse({"said": said.value, **view.opinion(waiting, self._say)})

    async def healthz(self, _request: Request) -> Response:
        """Report that the program runs."""
        return JSONResponse({"ok": True})

    # ── what they share ──────────────────────────────────────────────────────────────────────────────────────────────

    def kept(self, keep: Callable[[bytes, Certificate, float], None]) -> Endpoint:
        """Return the endpoint that stores a signed text by `keep`; 204, or 422, 409 or 507 for its errors."""

        async def answered(request: Request) -> Response:
            raw = await whole(request, HANDOVER_BYTES_MAX)
            try:
                keep(raw or b"", _viewer(request), self._console.now_s())
            except OrderError as error:
                return refusal(422, "malformed", str(error))
            except OldPageError as error:
                return refusal(409, "old_page", str(error))
            except HandoverError as error:
                return refusal(507, "not_kept", str(error))
            return Response(status_code=204)

        return answered

    def _to_read(self, viewer: Certificate) -> list[Signed]:
        """Return the handovers that this viewer has yet to read; empty unless the viewer is an officer."""
        ours = self._console.handovers.of(viewer.covers) if Who.of(viewer) in OFFICERS else ()
        return [one for one in ours if one.waits_for(viewer.officer)]

    def _known(self, viewer: Certificate) -> Known:
        return _of(self._console.lanes.known, viewer)

    def _waiting(self, request: Request, gate: Gate) -> Waits | None:
        """Return the requested crossing if it is waiting, else None."""
        seen = self._console.lanes.known.gate(gate.id)
        waiting = () if seen is None or seen.lane is None else seen.lane.waiting
        return next((one for one in waiting if one.crossing == request.path_params["crossing"]), None)


# Script texts with variables, which the page renders itself.
_WITH_VARIABLES: Final = frozenset({"confirm-title", "presence-on", "presence-still"})


def _of(known: Known, viewer: Certificate) -> Known:
    """Return only the lanes that the viewer's certificate covers."""
    return Known(
        tuple(one for one in known.gates if viewer.covers(one.gate)),
        tuple(one for one in known.calls if viewer.covers(one.gate)),
    )


def _session(request: Request) -> Session:
    """Return the request's session, which `Admission` has checked."""
    session = session_of(request)
    assert session is not None, "a route whose row in the table is for people"
    return session


def _viewer(request: Request) -> Certificate:
    return _session(request).certificate


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
