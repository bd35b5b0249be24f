"""Sign-in at the console: its pages, the forwarding of requests to the officers' authority, and the start of a session.

Requests to the authority and its answers are forwarded unchanged: this module cannot enrol, certify or sign. The
authority's clock, in each answer's Date header, corrects the console's.
"""

from __future__ import annotations

import logging
from base64 import b64decode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from gate_core.http_server.request_body import whole
from gate_core.web_pages.templates import environment
from gate_core.web_pages.texts import Texts
from gate_officers.console.admission import Cookie, refusal, session_of
from gate_officers.console.sessions import PROOF_S, SessionError, Sessions

QUESTIONS: Final = ("request", "certify", "creation", "enrol")
QUESTION_BYTES_MAX: Final = 16 * 1024
ASKING_MAX: Final = 8  # concurrent requests to the authority; a further one is answered "busy"
CLOCK_OFF_S: Final = 2.0  # smaller differences are ignored: the authority sends whole seconds
CLOCK_WRONG_S: Final = 60  # from this difference on, the page shows it
_SCRIPT_TEXTS: Final = "sign-in-says-"
_HERE: Final = Path(__file__).parent

log = logging.getLogger("gate.console")


class AwayError(Exception):
    """The officers' authority does not answer; the message gives the reason."""


@dataclass(frozen=True, slots=True)
class Told:
    """The authority's HTTP answer. `now_s`: its Date header in seconds since 1970, None without a valid one."""

    status: int
    body: bytes
    now_s: float | None


Ask = Callable[[str, bytes], Awaitable[Told]]


class Clock:
    """The console's clock, corrected by the authority's. `wall_s` and `monotonic_s` are the machine's clocks."""

    def __init__(self, wall_s: Callable[[], float], monotonic_s: Callable[[], float]) -> None:
        self._wall_s = wall_s
        self._monotonic_s = monotonic_s
        self._heard: tuple[float, float] | None = None

    def hear(self, now_s: float) -> None:
        """Set the correction from the authority's time, in seconds since 1970."""
        self._heard = None if abs(now_s - self._wall_s()) <= CLOCK_OFF_S else (now_s, self._monotonic_s())

    def now_s(self) -> float:
        """Return the corrected time in seconds since 1970."""
        if self._heard is None:
            return self._wall_s()
        said_s, at_s = self._heard
        return said_s + self._monotonic_s() - at_s

    @property
    def off_s(self) -> int:
        """Seconds by which the machine's clock is ahead of the authority's; negative: behind."""
        return round(self._wall_s() - self.now_s())


class _Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page's proof that it holds the shift key. Certificate and signature are Base64."""

    certificate: Annotated[str, msgspec.Meta(max_length=4096)]
    challenge: Annotated[str, msgspec.Meta(max_length=256)]
    signature: Annotated[str, msgspec.Meta(max_length=128)]


class SignIn:
    """The sign-in routes. `ask` None: no authority is configured, and officers use key files. `may_ask` limits how
    often a client address may use the authority, whose nonces are limited.
    """

    def __init__(
        self,
        *,
        sessions: Sessions,
        cookie: Cookie,
        clock: Clock,
        ask: Ask | None,
        texts: Texts,
        language: str = "en",
        may_ask: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._sessions = sessions
        self._cookie = cookie
        self._clock = clock
        self._ask = ask
        self._may_ask = may_ask
        self._asking = 0
        self._away = False  # as last logged
        self._language = language
        self._templates = environment(_HERE / "templates")
        self._templates.globals["t"] = partial(texts.t, language)
        self._script_texts = {
            text.removeprefix(_SCRIPT_TEXTS): texts.t(language, text)
            for text in texts.text_ids(language)
            if text.startswith(_SCRIPT_TEXTS)
        }

    def routes(self) -> list[Route]:
        """Return the routes; `Admission` must guard them."""
        return [
            Route("/sign-in", self._page("sign-in.html"), name="sign_in"),
            Route("/enrol", self._page("sign-in-enrol.html"), name="enrol"),
            Route("/sign-in/{question}", self._carry, methods=["POST"], name="ask_authority"),
            Route("/session/challenge", self._challenge, name="challenge"),
            Route("/session", self._prove, methods=["POST"], name="prove"),
            Route("/session/end", self._end, methods=["POST"], name="sign_out"),
        ]

    def _page(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        page = self._templates.get_template(name).render(
            language=self._language, texts=self._script_texts, authority=self._ask is not None
        )

        async def show(_request: Request) -> Response:
            return HTMLResponse(page)

        return show

    async def _carry(self, request: Request) -> Response:
        question = request.path_params["question"]
        if question not in QUESTIONS or self._ask is None:
            return refusal(404, "no_authority", "this console asks no authority that")
        body = await whole(request, QUESTION_BYTES_MAX)
        if body is None:
            return refusal(413, "malformed", "no question is as long, or as slow")
        address = "" if request.client is None else request.client.host
        if self._asking >= ASKING_MAX or not self._may_ask(address):
            return refusal(503, "busy", "others are signing in; try again")
        self._asking += 1
        try:
            told = await self._ask(f"/{question}", body)
        except AwayError as error:
            if not self._away:
                log.warning("authority_away", extra={"reason": str(error)})
            self._away = True
            return refusal(503, "authority_away", str(error))
        finally:
            self._asking -= 1
        if self._away:
            log.info("authority_back")
        self._away = False
        if told.now_s is not None:
            self._clock.hear(told.now_s)
        return Response(told.body, told.status, media_type="application/json")

    async def _challenge(self, _request: Request) -> Response:
        return JSONResponse({"challenge": self._sessions.challenge()})

    async def _prove(self, request: Request) -> Response:
        try:
            shown = msgspec.json.decode(await whole(request, QUESTION_BYTES_MAX) or b"", type=_Proof)
            certificate, signature = (
                b64decode(shown.certificate, validate=True),
                b64decode(shown.signature, validate=True),
            )
        except (msgspec.DecodeError, ValueError) as error:
            return refusal(400, "malformed", str(error))
        before = session_of(request)
        try:
            session, token = self._sessions.prove(
                certificate, shown.challenge, signature, self._cookie.of(request.headers)
            )
        except SessionError as error:
            return refusal(403, error.word, str(error))
        says = session.certificate
        if session is not before:
            log.info("signed_in", extra={"officer": says.officer, "role": says.role.value, "party": says.party.value})
        ends_s = int(self._sessions.ends_in_s(session))
        off_s = self._clock.off_s
        told = {
            "officer": says.officer,
            "role": says.role.value,
            "party": says.party.value,
            "trained": says.trained,
            "gates": says.gates,
            "ends_s": ends_s,
            "proof_s": PROOF_S,
            "clock_off_s": off_s if abs(off_s) >= CLOCK_WRONG_S else 0,
        }
        return JSONResponse(told, headers={"Set-Cookie": self._cookie.header(token, ends_s)})

    async def _end(self, request: Request) -> Response:
        if (session := session_of(request)) is not None:
            self._sessions.end(session)
            log.info("signed_out", extra={"officer": session.certificate.officer})
        return JSONResponse({}, headers={"Set-Cookie": self._cookie.header("", 0)})
