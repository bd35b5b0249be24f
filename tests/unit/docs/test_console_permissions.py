"""Who may what at the console: every cell of role x party x route is walked and is as docs/protocols/shift-keys.md says."""

from __future__ import annotations

import asyncio
import os
import re
from itertools import product
from pathlib import Path

import httpx2
import pytest
from core_fakes.shifts import AUTHORITY, NOW_S, PUBLIC, certificate, key_of
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from gate_core.evidence.names import Role
from gate_core.orders.certificate import Certificate, Sight, Who, certify, may_order, sees
from gate_core.orders.verbs import VERBS, Party, Verb
from gate_officers.console import app
from gate_officers.console.admission import ROUTES, Admission, Cookie, session_of
from gate_officers.console.handover import Handovers
from gate_officers.console.lanes import Lanes
from gate_officers.console.sessions import Sessions
from gate_officers.console.sign_in import Clock, SignIn, Told

PAGE = Path(__file__).parents[3] / "docs/protocols/shift-keys.md"
ADDRESS = "https://console.example:8443"
COOKIE = Cookie(8443, secure=True)
SIGHTS = {
    "sees the state of lanes, outages, who is present": Sight.STATE,
    "sees reasons and findings": Sight.REASONS,
    "sees pictures sealed to them": Sight.PICTURES,
    "sees quiet flags, if trained or a supervisor": Sight.FLAGS,
}
PEOPLE = [Who(role, party) for role, party in product(Role, Party)]


def table() -> dict[str, dict[str, bool]]:
    """The document's table: what, and by column whether."""
    text = PAGE.read_text().partition("## Who may what at the console")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    head, _, *body = rows
    return {what.strip("`"): dict(zip(head[1:], (one == "yes" for one in cells), strict=True)) for what, *cells in body}


def column(who: Who) -> str | None:
    """The column in which somebody stands; None for nothing at all."""
    if who.role is Role.AUDITOR:
        return "all: auditor"
    if who.party is Party.AIRPORT:
        return "airport: all"
    if who.role is Role.TECHNICIAN:
        return f"{who.party.value}: technician"
    return "police: officer, supervisor" if who.party is Party.POLICE else None


def wanted(what: str, who: Who | None) -> bool:
    """What the document says of a cell."""
    row = table()[what]
    at = "nobody" if who is None else column(who)
    return row["nobody"] if at is None else row[at]


class Console:
    """An application that answers every path, behind the real admission."""

    def __init__(self) -> None:
        self.sessions = Sessions(
            authority=PUBLIC, origin=ADDRESS, now_s=lambda: NOW_S, monotonic_s=lambda: 1.0, random=os.urandom
        )
        self.app = Admission(self._answer, sessions=self.sessions, cookie=COOKIE)

    @staticmethod
    async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("here")(scope, receive, send)

    def cookie(self, says: Certificate) -> dict[str, str]:
        """The cookie of whoever this certifies."""
        asked = self.sessions.challenge()
        signature = key_of(7).sign(f"portcullis-proof/1\n{ADDRESS}\n{asked}".encode())
        _, token = self.sessions.prove(certify(says, AUTHORITY), asked, signature, None)
        return {"cookie": f"{COOKIE.name}={token}"}

    async def ask(self, method: str, path: str, headers: dict[str, str]) -> httpx2.Response:
        """One request."""
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(self.app), base_url=ADDRESS) as client:
            return await client.request(method, path, headers=headers)


async def test_every_cell_of_the_table_is_as_the_document_says() -> None:
    console, wrong = Console(), []
    for who in (None, *PEOPLE):
        headers = {} if who is None else console.cookie(certificate(7, role=who.role, party=who.party))
        for method, path in ROUTES:
            got = (await console.ask(method, re.sub(r"{[^}]*}", "x", path), headers)).status_code
            said = 200 if wanted(f"{method} {path}", who) else 401 if who is None else 403
            wrong += [f"{who} {method} {path}: {got}"] if got != said else []
    assert wrong == []


def test_the_document_has_every_row_of_the_table_and_no_other() -> None:
    assert set(table()) == {f"{method} {path}" for method, path in ROUTES} | set(SIGHTS)


@pytest.mark.parametrize("who", PEOPLE, ids=lambda who: f"{who.party.value}-{who.role.value}")
def test_everybody_sees_what_the_document_says(who: Who) -> None:
    trained = certificate(7, role=who.role, party=who.party, trained=True)
    assert sees(trained) == {sight for what, sight in SIGHTS.items() if wanted(what, who)}
    untrained = certificate(7, role=who.role, party=who.party)
    assert (Sight.FLAGS in sees(untrained)) is (who == Who(Role.SUPERVISOR, Party.POLICE))


@pytest.mark.parametrize("who", PEOPLE, ids=lambda who: f"{who.party.value}-{who.role.value}")
def test_verbs_are_offered_by_role_to_those_who_order(who: Who) -> None:
    says = certificate(7, role=who.role, party=who.party)
    offered = {verb for verb in Verb if may_order(says, verb)}
    orders = wanted("POST /gates/{gate}/orders", who)
    assert offered == ({verb for verb in Verb if who.role in VERBS[verb].roles} if orders else set())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/secret"),
        ("POST", "/"),
        ("DELETE", "/session"),
        ("GET", "/session"),
        ("GET", "/gates/north-7/orders"),
        ("GET", "/gates/north-7/look/more"),
        ("GET", "/gates//look"),
    ],
)
async def test_what_is_not_in_the_table_is_not_there_for_anybody(method: str, path: str) -> None:
    console = Console()
    for headers in ({}, console.cookie(certificate(7, role=Role.SUPERVISOR, trained=True))):
        assert (await console.ask(method, path, headers)).status_code == 404


async def test_a_page_leads_to_where_one_signs_in_and_a_script_gets_a_word() -> None:
    console = Console()
    page = await console.ask("GET", "/", {"accept": "text/html,*/*"})
    assert (page.status_code, page.headers["location"]) == (303, "/sign-in")
    script = await console.ask("GET", "/events", {"accept": "text/event-stream"})
    assert (script.status_code, script.json()["error"]) == (401, "signed_out")


def test_every_route_that_exists_stands_in_the_table_and_every_row_has_its_route(tmp_path: Path) -> None:
    routes = set()
    for route in application(tmp_path).routes:
        if isinstance(route, Mount):
            routes.add(("GET", f"{route.path}/{{path:path}}"))
        if isinstance(route, Route):
            routes |= {(method, route.path) for method in (route.methods or ()) if method != "HEAD"}
    assert routes == set(ROUTES)


def application(folder: Path) -> Starlette:
    """The console's own, with no gates."""
    sessions, clock = Console().sessions, Clock(lambda: 0.0, lambda: 0.0)
    console = app.Console(
        lanes=Lanes([], clock_s=lambda: 0.0),
        handovers=Handovers(folder / "handovers.json", PUBLIC),
        sessions=sessions,
        cookie=COOKIE,
        now_s=lambda: 0.0,
        boot="boot-1",
    )
    signing = SignIn(sessions=sessions, cookie=COOKIE, clock=clock, ask=None, texts=app.TEXTS)
    return app.create_app(console, hosts=frozenset({"console.example:8443"}), sign_in=signing)


def test_an_address_asks_the_authority_as_often_as_it_may() -> None:
    asked: list[str] = []

    async def ask(question: str, _body: bytes) -> Told:
        await asyncio.sleep(0)
        asked.append(question)
        return Told(200, b"{}", None)

    may = iter([True, False])
    signing = SignIn(
        sessions=Console().sessions, cookie=COOKIE, clock=Clock(lambda: 0.0, lambda: 0.0), ask=ask, texts=app.TEXTS,
        may_ask=lambda _: next(may),
    )  # fmt: skip
    with TestClient(Starlette(routes=signing.routes())) as browser:
        assert [browser.post("/sign-in/request", json={}).status_code for _ in range(2)] == [200, 503]
    assert asked == ["/request"]


async def test_the_cookie_is_for_no_script_no_other_page_and_no_plain_http() -> None:
    header = COOKIE.header("token", 60)
    assert header == "__Host-console-8443=token; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"
    assert Cookie(8080, secure=False).header("t", 0) == "console-8080=t; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"


async def test_a_route_finds_whose_a_request_is() -> None:
    console, seen = Console(), []

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.requests import HTTPConnection

        seen.append(session_of(HTTPConnection(scope)))
        await PlainTextResponse("here")(scope, receive, send)

    console.app = Admission(answer, sessions=console.sessions, cookie=COOKIE)
    await console.ask("GET", "/", console.cookie(certificate(7)))
    await console.ask("GET", "/sign-in", {})
    assert [one and one.certificate.officer for one in seen] == ["anna", None]
