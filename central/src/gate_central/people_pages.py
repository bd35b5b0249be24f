"""Central's pages for people: fleet, gate with alarms, search and export for auditors, central's own log. No scripts.

Without a certificate of a person with access, every path answers 403. One table gives each route its act, which
`gate_central.rights` must permit. A gate of another party answers 404, not 403. Searches and exports are recorded
before their result is shown. Forms sent by other sites' pages are refused.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from gate_central.admin_log import DEVICE, SHOWN_MAX
from gate_central.database import first_line
from gate_central.errors import BadRequestError, CentralError, ForbiddenError, UnknownError
from gate_central.evidence import BY_MAX, WORDS_MAX, Answer
from gate_central.fleet import Row, fleet
from gate_central.folder import ACTS_IDENTITY
from gate_central.metrics import CONTENT_TYPE, exposition
from gate_central.request_reader import whole_body
from gate_central.rights import Doing, may
from gate_central.search import Stretch, carried, stretch
from gate_central.server_context import ServerContext
from gate_central.tenants import Person
from gate_core.audit_format.record import time_text
from gate_core.audit_format.unsealer import Unsealer
from gate_core.web_pages.templates import environment

FORM_BYTES_MAX: Final = 8 * 1024
GATES_MAX: Final = 50  # in one search
PURPOSES: Final = ("complaint", "access request", "supervision", "security", "prosecution", "operation")
HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
_HERE: Final = Path(__file__).parent
log = logging.getLogger("gate_central")

Handler = Callable[[Request, Person, bytes], Response]


@dataclass(frozen=True, slots=True)
class Page:
    """One route and the act that it needs."""

    path: str
    method: str
    doing: Doing
    handler: Handler


def make_pages(server: ServerContext) -> Starlette:
    """Return the application."""
    pages = PeoplePages(server)
    routes = [Route(one.path, pages.guarded(one), methods=[one.method]) for one in pages.pages()]
    return Starlette(
        routes=routes, exception_handlers={CentralError: _refuse, SQLAlchemyError: _stall, 404: _nothing, 405: _nothing}
    )


class PeoplePages:
    """The pages' handlers, which run in worker threads, with the request and the form in its body."""

    def __init__(self, server: ServerContext) -> None:
        self._server = server
        self._environment = environment(_HERE / "templates")
        self._environment.filters["number"] = lambda value: f"{value:,}"
        self._environment.filters["told"] = _told

    def pages(self) -> Iterator[Page]:
        """Yield every route with its act."""
        yield Page("/", "GET", Doing.LOOK, self.show_fleet)
        yield Page("/central.css", "GET", Doing.LOOK, self.style)
        yield Page("/gates/{gate}", "GET", Doing.LOOK, self.show_gate)
        yield Page("/gates/{gate}/alarms/{alarm}", "POST", Doing.ANSWER, self.answer)
        yield Page("/search", "GET", Doing.SEARCH, self.ask)
        yield Page("/search", "POST", Doing.SEARCH, self.search)
        yield Page("/export", "POST", Doing.CARRY, self.carry)
        yield Page("/acts", "GET", Doing.READ_ADMIN_LOG, self.show_admin_log)
        yield Page("/metrics", "GET", Doing.MEASURE, self.metrics)

    def guarded(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint of a page, which checks certificate, rights and origin. It raises ForbiddenError."""

        async def endpoint(request: Request) -> Response:
            certificate = request.scope.get("extensions", {}).get("tls", {}).get("client_cert_sha256")
            person = None if certificate is None else await run_in_threadpool(self._server.tenants.person, certificate)
            if person is None:
                raise ForbiddenError("this certificate is of nobody who may look here")
            if not may(person.role, page.doing, of_whole_nation=person.party is None):
                raise ForbiddenError(f"to {page.doing.value} is not permitted to this {person.role.value}")
            if request.method == "POST" and not _is_of_our_page(request):
                raise ForbiddenError("another site's page sent this")
            raw = await whole_body(request, FORM_BYTES_MAX) if request.method == "POST" else b""
            response = await run_in_threadpool(page.handler, request, person, raw)
            response.headers.update(HEADERS)
            return response

        return endpoint

    # ── everybody's ──────────────────────────────────────────────────────────────────────────────────────────────────

    def show_fleet(self, _request: Request, person: Person, _raw: bytes) -> Response:
        """Show the gates that this person may see."""
        rows = self._rows(person)
        counted = {
            "gates": len(rows),
            "need somebody": sum(not row.is_well for row in rows),
            "silent": sum(row.silent_since is not None for row in rows),
            "entries signed for": sum(row.signed for row in rows),
            "entries on their way": sum(row.behind for row in rows),
        }
        own = self._server.evidence.alarms(DEVICE) if person.party is None else ()
        standing = [one.fields() for one in own if one.answer is None]
        return self._page("fleet.html", person, rows=rows, counted=counted, own=standing)

    def style(self, _request: Request, _person: Person, _raw: bytes) -> Response:
        """Return the style sheet."""
        return FileResponse(_HERE / "static" / "central.css", media_type="text/css")

    def show_gate(self, request: Request, person: Person, _raw: bytes) -> Response:
        """Show a gate, and its alarms with their evidence."""
        row = self._row(person, request.path_params["gate"])
        alarms = self._server.evidence.alarms(row.device)
        repeats = self._server.evidence.repeats(row.device)
        can_answer = may(person.role, Doing.ANSWER, of_whole_nation=person.party is None)
        shown = [one.fields() for one in reversed(alarms)]
        return self._page("gate.html", person, row=row, alarms=shown, repeats=repeats, can_answer=can_answer)

    def metrics(self, _request: Request, person: Person, _raw: bytes) -> Response:
        """Return the metrics of the person's gates, for Prometheus."""
        rows = self._rows(person)
        return Response(exposition(rows, self._server.now()), media_type=CONTENT_TYPE)

    # ── a supervisor's ───────────────────────────────────────────────────────────────────────────────────────────────

    def answer(self, request: Request, person: Person, raw: bytes) -> Response:
        """Answer an alarm."""
        row = self._row(person, request.path_params["gate"])
        words = _form(raw).get("words", "").strip()
        if not 0 < len(words) <= WORDS_MAX:
            raise BadRequestError(f"an answer is 1 to {WORDS_MAX} characters")
        given = Answer(time_text(self._server.now()), person.name[:BY_MAX], words)
        self._server.evidence.answer(row.device, request.path_params["alarm"], given)
        return RedirectResponse(f"/gates/{row.device}", status_code=303)

    def show_admin_log(self, _request: Request, person: Person, _raw: bytes) -> Response:
        """Central's own log, the newest first."""
        identity = self._server.folder.path / ACTS_IDENTITY
        acts = self._server.admin_log.newest(Unsealer.from_file(identity), SHOWN_MAX)
        return self._page("acts.html", person, acts=acts, most=SHOWN_MAX)

    # ── an auditor's ─────────────────────────────────────────────────────────────────────────────────────────────────

    def ask(self, _request: Request, person: Person, _raw: bytes) -> Response:
        """The question of a search."""
        return self._searched(person, {}, [])

    def search(self, _request: Request, person: Person, raw: bytes) -> Response:
        """Show the entries of a period in each matching gate's log; the search is recorded first."""
        asked = _Asked.of(_form(raw))
        rows = self._matching(person, asked)
        self._record("searched", person, asked, {"gates": [row.device for row in rows]})
        found = [(row, self._stretch(row.device, asked)) for row in rows]
        return self._searched(person, asked.fields, [(row, one) for row, one in found if one.entries])

    def carry(self, _request: Request, person: Person, raw: bytes) -> Response:
        """Return a period of one gate's log as a bundle; the export is recorded first."""
        asked = _Asked.of(_form(raw))
        self._server.require_current()
        row = self._row(person, asked.gate)
        gate = self._server.roster.find(row.device)
        assert gate is not None
        wanted = self._stretch(row.device, asked)
        if not wanted.entries:
            raise UnknownError(f"nothing of {row.device} lies in this time")
        told = {"entries": [wanted.start, wanted.end], "size": wanted.size}
        self._record("export_made", person, asked, told)
        held = ExitStack()
        path = held.enter_context(carried(self._server.ledger, gate, wanted))
        name = f"{row.device}-{wanted.start}.bundle"
        return FileResponse(path, media_type="application/jsonl", filename=name, background=BackgroundTask(held.close))

    # ── what they share ──────────────────────────────────────────────────────────────────────────────────────────────

    def _rows(self, person: Person) -> list[Row]:
        return fleet(self._server.engine, self._server.settings, person, self._server.now())

    def _row(self, person: Person, device: str) -> Row:
        """Return a gate that this person may see. Raises UnknownError, also for another party's gate."""
        found = next((row for row in self._rows(person) if row.device == device), None)
        if found is None:
            raise UnknownError("there is no such gate")
        return found

    def _matching(self, person: Person, asked: _Asked) -> list[Row]:
        """Return the gates that match the form. Raises BadRequestError if more than GATES_MAX."""
        rows = [
            row
            for row in self._rows(person)
            if (not asked.gate or row.device == asked.gate) and (not asked.site or row.place.site == asked.site)
        ]
        if len(rows) > GATES_MAX:
            raise BadRequestError(f"more than {GATES_MAX} gates at once; name a site or a gate")
        return rows

    def _stretch(self, device: str, asked: _Asked) -> Stretch:
        return stretch(self._server.ledger, device, asked.first, asked.last)

    def _record(self, kind: str, person: Person, asked: _Asked, more: Mapping[str, object]) -> None:
        self._server.admin_log.record(kind, {"by": person.name, "role": person.role.value, **asked.fields, **more})

    def _searched(self, person: Person, asked: Mapping[str, str], found: list[tuple[Row, Stretch]]) -> Response:
        rows = self._rows(person)
        sites = sorted({row.place.site for row in rows if row.place.site is not None})
        shown = {name: asked.get(name, "") for name in ("gate", "site", "from", "to", "purpose", "case")}
        return self._page(
            "search.html", person, asked=shown, is_asked=bool(asked), found=found, sites=sites, purposes=PURPOSES
        )

    def _page(self, name: str, person: Person, **more: object) -> HTMLResponse:
        nation = person.party is None
        allowed = {one.name.lower(): may(person.role, one, of_whole_nation=nation) for one in Doing}
        told = {"person": person, "allowed": allowed, "at": time_text(self._server.now())[:16].replace("T", " ")}
        return HTMLResponse(self._environment.get_template(name).render(**told, **more))


@dataclass(frozen=True, slots=True)
class _Asked:
    """An auditor's search form: gates, period, purpose and case."""

    gate: str
    site: str
    first: str
    last: str
    fields: Mapping[str, str]

    @classmethod
    def of(cls, form: Mapping[str, str]) -> _Asked:
        """Read a form. Raises BadRequestError, also without purpose and case."""
        told = {name: form.get(name, "").strip() for name in ("gate", "site", "from", "to", "purpose", "case")}
        if told["purpose"] not in PURPOSES:
            raise BadRequestError(f"a purpose is one of {', '.join(PURPOSES)}")
        if not 0 < len(told["case"]) <= 100 or not told["case"].isprintable():
            raise BadRequestError("say the case's number, 100 characters at most")
        return cls(told["gate"], told["site"], _hour(told["from"]), _hour(told["to"]), told)


def _hour(text: str) -> str:
    """Convert an ISO time in UTC to an hour in the headers' format. Raises BadRequestError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRequestError("a time is a day and an hour, as 2026-11-25T10:00, in UTC") from error
    if moment.tzinfo is not None:
        raise BadRequestError("times are in UTC, without a zone")
    return moment.strftime("%Y-%m-%dT%H:00:00Z")


def _told(value: object) -> str:
    """Format a record's field as text."""
    match value:
        case None | "":
            return "none"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(_told, value))
        case dict():
            return "; ".join(f"{name} {_told(one)}" for name, one in value.items())
        case _:
            return str(value)


def _form(raw: bytes) -> dict[str, str]:
    """Read a form, each field once. Raises BadRequestError."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=16, errors="strict")
    except ValueError as error:
        raise BadRequestError("this is no form") from error
    if len(pairs) != len(dict(pairs)):
        raise BadRequestError("a field came twice")
    return dict(pairs)


def _is_of_our_page(request: Request) -> bool:
    """True if a form comes from this server's page, by its browser headers, or from a client that sends none."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    return site in {None, "same-origin"} and origin in {None, f"https://{request.headers.get('host', '')}"}


async def _refuse(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, CentralError) else 500
    log.warning("page_refused", extra={"path": request.url.path[:100], "status": status, "reason": str(error)[:300]})
    return PlainTextResponse(f"{error}\n" if status != 500 else "the server's store is damaged\n", status, HEADERS)


async def _stall(request: Request, error: Exception) -> Response:
    log.error("database_failed", extra={"path": request.url.path[:100], "reason": first_line(error)[:300]})
    return PlainTextResponse("the database does not answer; try later\n", 503, HEADERS)


async def _nothing(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("there is no such page\n", 404, HEADERS)
