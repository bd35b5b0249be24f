"""The console's web application in process: pages, the stream, orders that pass through, and what is kept back until the officer has spoken."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from core_fakes import shifts
from core_fakes.asgi import visit
from officers_fakes.console_doubles import FakeGate, console, prove, waits
from officers_fakes.handovers import handover, reading
from starlette.testclient import TestClient

import gate_officers.console
from gate_core.evidence.names import Role
from gate_core.orders.order import Challenge
from gate_core.orders.verbs import Party, Verb
from gate_officers.console.admission import BY_ITSELF
from gate_officers.console.handover import OpenAt
from gate_officers.console.sessions import IDLE_S, OVERLAP_S, PROOF_S

PORT = 8099
HOST = f"127.0.0.1:{PORT}"
ORIGIN = {"Origin": f"http://{HOST}"}
STATIC = Path(gate_officers.console.__file__).parent / "static"


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Desk:
    """A console over two gates, and browsers that sign in to it."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.north, self.south = FakeGate("north-7"), FakeGate("south-1")
        self.app, self.lanes, self.sessions = console([self.north, self.south], folder, port=PORT, clock_s=self.clock)

    def browser(self) -> TestClient:
        return TestClient(self.app, base_url=f"http://{HOST}", headers=ORIGIN)

    def signed_in(self, number: int = 7, **changes: Any) -> TestClient:
        """A browser that has proved a shift's key."""
        browser = self.browser()
        self.prove_again(browser, number, **changes)
        return browser

    def prove_again(self, browser: TestClient, number: int = 7, **changes: Any) -> None:
        """Its page proves the key, now and then."""
        challenge = browser.get("/session/challenge").json()["challenge"]
        answer = browser.post("/session", json=prove(challenge, f"http://{HOST}", number=number, **changes))
        assert answer.status_code == 200, answer.text


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def anna(desk: Desk) -> Iterator[TestClient]:
    with desk.signed_in() as browser:
        yield browser


def order(
    browser: TestClient,
    gate: str,
    verb: Verb,
    *,
    number: int = 7,
    officer: str = "anna",
    headers: dict[str, str] | None = None,
    **about: Any,
) -> Any:
    """Sign and send an order as a page does."""
    look = browser.get(f"/gates/{gate}/look", headers=headers).json()
    given = Challenge(**{name: look[name] for name in ("issued_ms", "nonce", "version")})
    raw = shifts.shift(number, officer=officer).sign(gate=gate, verb=verb, challenge=given, **about)
    return browser.post(f"/gates/{gate}/orders", content=raw, headers=headers).json()


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/", "/gates/north-7", "/gates/north-7/crossings/c-1", "/handover"])
def test_every_page_has_one_heading_and_loads_from_its_own_server_only(desk: Desk, anna: TestClient, path: str) -> None:
    desk.north.tell(waiting=[waits("c-1", sealed_for=["anna"])])
    answer = anna.get(path)
    assert answer.status_code == 200
    assert answer.text.count("<h1") == 1
    assert re.findall(r"https?://", answer.text.replace("http://www.w3.org/2000/svg", "")) == []
    assert re.search(r'\s(style|on\w+)="', answer.text) is None
    for linked in re.findall(r'(?:src|href)="(/static/[^"]+)"', answer.text):
        assert anna.get(linked).status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_a_stranger_is_led_to_the_sign_in_page_and_sees_no_lane(desk: Desk) -> None:
    stranger = desk.browser()
    answer = stranger.get("/", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    for path in ("/events", "/gates/north-7/look", "/handover"):
        assert stranger.get(path).status_code == 401


def test_a_gate_at_which_the_shift_is_not_worked_is_not_there(desk: Desk) -> None:
    with desk.signed_in(gates=("south-1",)) as ben:
        for path in ("/gates/north-7", "/gates/north-7/look"):
            assert ben.get(path).status_code == 404
        assert ben.get("/gates/south-1").status_code == 200
        assert "north-7" not in ben.get("/").text


def test_the_page_of_somebody_who_does_not_wait_any_more_says_so(desk: Desk, anna: TestClient) -> None:
    answer = anna.get("/gates/north-7/crossings/c-1")
    assert answer.status_code == 404
    assert "does not wait any more" in answer.text
    desk.north.lose()
    assert anna.get("/gates/north-7/crossings/c-1").status_code == 404


# ── the officer first, the machine after ─────────────────────────────────────────────────────────────────────────────


def test_the_machines_opinion_comes_in_answer_to_the_officers_and_in_no_page_before(
    desk: Desk, anna: TestClient
) -> None:
    desk.north.tell(waiting=[waits("c-1")])
    page, overview = anna.get("/gates/north-7/crossings/c-1").text, anna.get("/").text
    for telling in ("0.31", "0.45", "0.62", "less alike", "mask or screen"):
        assert telling not in page + overview
    path = "/gates/north-7/crossings/c-1/opinion"
    assert anna.get(path).status_code == 404  # by no link and by no reload
    for nothing in (b"", b"{}", b"[]", b'{"said": "perhaps"}', b"{" * 5000, b"[" * 4000):
        assert anna.post(path, content=nothing).status_code == 422
    opinion = anna.post(path, json={"said": "said not same"}).json()
    assert [number["value"] for number in opinion["numbers"]] == ["0.31", "0.62"]


async def test_the_stream_tells_of_every_lane_and_not_what_the_machine_thinks_of_a_face(
    desk: Desk, anna: TestClient
) -> None:
    desk.north.tell(waiting=[waits("c-1")])
    headers = {"Host": HOST, "Cookie": "; ".join(f"{name}={value}" for name, value in anna.cookies.items())}
    async with visit(desk.app, "/events", headers=headers) as client:
        assert (await client.next())["status"] == 200
        await client.body()
        told = (await client.body()).decode()
        overview = json.loads(told.partition("data: ")[2])
        assert [tile["gate"] for tile in overview["tiles"]] == ["north-7", "south-1"]
        assert "0.31" not in told
        assert "mask or screen" not in told
        desk.south.lose()
        overview = json.loads((await client.body()).decode().partition("data: ")[2])
        assert overview["tiles"][1]["need"] == "lost"


async def test_the_stream_ends_with_the_session(desk: Desk, anna: TestClient) -> None:
    headers = {"Host": HOST, "Cookie": "; ".join(f"{name}={value}" for name, value in anna.cookies.items())}
    async with visit(desk.app, "/events", headers=headers) as client:
        for _ in range(2):
            await client.next()
        await client.body()
        desk.clock.now_s += 24 * 3600
        desk.south.lose()
        end = await client.next()
        assert (end["body"], end["more_body"]) == (b"", False)


async def test_a_stream_that_a_copied_cookie_began_ends_although_the_session_goes_on(desk: Desk) -> None:
    browser = desk.signed_in()
    copied = {**ORIGIN, "Host": HOST, "Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
    async with visit(desk.app, "/events", headers=copied) as thief:
        for _ in range(2):
            await thief.next()
        await thief.body()
        desk.clock.now_s += PROOF_S
        desk.prove_again(browser)
        desk.south.lose()
        assert b"event: overview" in await thief.body()
        desk.clock.now_s += 1
        desk.south.tell()
        await thief.body()
        end = await thief.next()
        assert (end["body"], end["more_body"]) == (b"", False)
    assert browser.get("/").status_code == 200
    desk.clock.now_s += OVERLAP_S + 1
    async with visit(desk.app, "/events", headers=copied) as thief:
        assert (await thief.next())["status"] == 401
        await thief.next()


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_orders_pass_through_and_the_second_officer_reads_who_was_first(desk: Desk, anna: TestClient) -> None:
    desk.north.tell(waiting=[waits("c-1")])
    reason = "said same; compared by eye: the same person"
    assert order(anna, "north-7", Verb.ADMIT, crossing="c-1", reason=reason)["outcome"] == "done"
    with desk.signed_in(8, officer="ben") as ben:
        late = order(ben, "north-7", Verb.ADMIT, number=8, officer="ben", crossing="c-1", reason=reason)
    assert (late["outcome"], late["detail"]) == ("impossible", "already decided by anna")
    assert [one.order.reason for one in desk.north.obeyed] == [reason]


def test_an_order_that_comes_again_is_not_obeyed_again(desk: Desk, anna: TestClient) -> None:
    look = anna.get("/gates/north-7/look").json()
    given = Challenge(**{name: look[name] for name in ("issued_ms", "nonce", "version")})
    desk.north.tell(waiting=[waits("c-1")])
    raw = shifts.shift().sign(gate="north-7", verb=Verb.CLOSE, challenge=given)
    assert anna.post("/gates/north-7/orders", content=raw).json()["outcome"] == "done"
    desk.north.tell(closed_by="anna")
    assert anna.post("/gates/north-7/orders", content=raw).json()["outcome"] == "stale"
    assert len(desk.north.obeyed) == 1


def test_a_stolen_cookie_looks_and_orders_nothing(desk: Desk, anna: TestClient) -> None:
    thief = desk.browser()
    thief.cookies = anna.cookies
    assert thief.get("/").status_code == 200
    look = thief.get("/gates/north-7/look").json()
    given = Challenge(**{name: look[name] for name in ("issued_ms", "nonce", "version")})
    forged = shifts.shift(9, authority=shifts.OTHER_AUTHORITY).sign(gate="north-7", verb=Verb.CLOSE, challenge=given)
    assert thief.post("/gates/north-7/orders", content=forged).json()["outcome"] == "forbidden"
    assert desk.north.obeyed == []


def test_a_gate_that_is_not_there_and_an_order_that_is_too_long_have_their_answers(
    desk: Desk, anna: TestClient
) -> None:
    desk.north.lose()
    answer = anna.get("/gates/north-7/look")
    assert (answer.status_code, answer.json()["error"]) == (502, "gate_away")
    assert anna.post("/gates/north-7/orders", content=b"x").json()["outcome"] == "unreachable"
    assert anna.post("/gates/south-1/orders", content=b"x" * 10_000).status_code == 413
    assert anna.post("/gates/none/orders", content=b"x").status_code == 404


def test_a_wrong_clock_is_the_lanes_answer(desk: Desk, anna: TestClient) -> None:
    desk.north.now_s = shifts.NOW_S + 24 * 3600
    answer = order(anna, "north-7", Verb.OPEN)
    assert (answer["outcome"], answer["detail"]) == ("forbidden", "open: shift_over")


def test_presence_that_a_page_says_by_itself_keeps_no_session(desk: Desk, anna: TestClient) -> None:
    for _ in range(IDLE_S // PROOF_S):
        desk.clock.now_s += PROOF_S
        desk.prove_again(anna)
        assert order(anna, "north-7", Verb.PRESENT, headers={BY_ITSELF: "1"})["outcome"] == "done"
    desk.clock.now_s += 1
    assert anna.get("/").status_code == 401


def test_presence_that_the_officer_says_keeps_the_session(desk: Desk, anna: TestClient) -> None:
    for _ in range(IDLE_S // PROOF_S + 1):
        desk.clock.now_s += PROOF_S
        desk.prove_again(anna)
        assert order(anna, "north-7", Verb.PRESENT)["outcome"] == "done"
    assert anna.get("/").status_code == 200


# ── alarms and handover ──────────────────────────────────────────────────────────────────────────────────────────────


def test_an_alarm_is_answered_once_and_by_nobody_who_only_looks(desk: Desk, anna: TestClient) -> None:
    desk.north.tell(alarms=["forced"])
    with desk.signed_in(9, officer="carla", role=Role.AUDITOR) as auditor:
        assert auditor.post("/gates/north-7/calls/forced").status_code == 403
    assert anna.post("/gates/north-7/calls/forced").json() == {"by": "anna"}
    with desk.signed_in(8, officer="ben") as ben:
        assert ben.post("/gates/north-7/calls/forced").json() == {"by": "anna"}
    assert anna.post("/gates/north-7/calls/obstructed").status_code == 404


def test_a_shift_is_handed_over_in_writing(desk: Desk, anna: TestClient) -> None:
    desk.north.tell(waiting=[waits("c-1")])
    shown = told(anna)
    assert [one["things"] for one in shown["open_at"]] == [["Waits for an officer: \u2068c-1\u2069"], []]
    open_at = msgspec.convert(shown["open_at"], tuple[OpenAt, ...])
    signed = handover("<b>carpet</b> is loose", *open_at, at=shown["at"])
    assert anna.post("/handover", content=signed).status_code == 204
    for nothing in (b"words", b"[" * 4000, signed[:-1], handover(signer=8)):
        assert anna.post("/handover", content=nothing).status_code == 422
    assert anna.post("/handover", content=handover(at=shown["at"] - 3600)).status_code == 409
    with desk.signed_in(8, officer="ben") as ben:
        assert "A handover waits to be read" in ben.get("/").text
        page = ben.get("/handover").text
        assert "&lt;b&gt;carpet&lt;/b&gt; is loose" in page
        assert "c-1" in page
        assert ben.post("/handover/read", content=reading(*told(ben)["unread"])).status_code == 422
        read = reading(*told(ben)["unread"], number=8, officer="ben")
        assert ben.post("/handover/read", content=read).status_code == 204
        assert "A handover waits to be read" not in ben.get("/").text


@pytest.mark.parametrize("party", [Party.INTEGRATOR, Party.POLICE])
def test_a_technician_signs_off_and_marks_no_handover_read(desk: Desk, anna: TestClient, party: Party) -> None:
    left = handover("read me")
    assert anna.post("/handover", content=left).status_code == 204
    about: dict[str, Any] = {"officer": "tom", "role": Role.TECHNICIAN, "party": party}
    with desk.signed_in(9, **about) as technician:
        page = technician.get("/handover").text
        assert ("read me" in page, 'id="read"' in page, told(technician)["unread"]) == (True, False, [])
        assert "A handover waits" not in technician.get("/").text
        read = reading(digest(left), number=9, **about)
        assert technician.post("/handover/read", content=read).status_code == 403
        assert technician.post("/handover", content=handover(number=9, **about)).status_code == 204
    assert len(told(anna)["unread"]) == 1  # the technician's


def digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def told(browser: TestClient) -> dict[str, Any]:
    """What the page of handovers has its script sign."""
    found: dict[str, Any] = json.loads(re.findall(r'id="shown">(.+?)</script>', browser.get("/handover").text)[0])
    return found


def test_a_handover_says_nothing_of_why_somebody_waits_nor_of_a_lane_that_is_not_the_readers(
    desk: Desk, anna: TestClient
) -> None:
    for lane in (desk.north, desk.south):
        lane.tell(waiting=[waits(f"c-{lane.id}", "document_check_failed")])
    shown = told(anna)["open_at"]
    assert "A check of the document failed" not in json.dumps(shown)
    left = handover("read me", *msgspec.convert(shown, tuple[OpenAt, ...]))
    assert anna.post("/handover", content=left).status_code == 204
    with desk.signed_in(9, officer="tom", role=Role.TECHNICIAN, gates=("south-1",)) as technician:
        page = technician.get("/handover").text
        assert "c-south-1" in page
        assert "north-7" not in page
    with desk.signed_in(8, officer="ben", gates=("west-1",)) as ben:
        assert "A handover waits" not in ben.get("/").text
        assert "read me" not in ben.get("/handover").text
        read = reading(digest(left), number=8, officer="ben", gates=("west-1",))
        assert ben.post("/handover/read", content=read).status_code == 204
    with desk.signed_in(6, officer="cleo", gates=("south-1",)) as cleo:
        assert "A handover waits" in cleo.get("/").text


def test_whoever_only_looks_is_offered_no_order_and_no_handover(desk: Desk) -> None:
    desk.north.tell(waiting=[waits("c-1", "document_check_failed")])
    with desk.signed_in(9, officer="carla", role=Role.AUDITOR) as auditor:
        overview, lane = auditor.get("/").text, auditor.get("/gates/north-7").text
        assert ("open-all" in overview, "/handover" in overview, "data-verb" in lane, "data-flag" in lane) == (
            False,
        ) * 4
        assert auditor.get("/gates/north-7/crossings/c-1").status_code == 403


def test_every_word_that_a_script_looks_up_is_in_the_page(anna: TestClient) -> None:
    told = json.loads(re.findall(r'id="texts">(.+?)</script>', anna.get("/").text)[0])
    scripts = "".join(path.read_text() for path in STATIC.glob("*.js"))
    wanted = set(re.findall(r'\bsay\("([a-z-]+)"\)', scripts)) | {"lack-role", "outcome-unknown", "keys-signed_out"}
    assert wanted - set(told) == set()


def test_nothing_is_taken_from_another_page(anna: TestClient) -> None:
    for path in ("/handover", "/gates/north-7/orders", "/gates/north-7/calls/forced"):
        assert anna.post(path, headers={"Origin": "http://evil.example"}).status_code == 403
    assert anna.get("/", headers={"Host": "evil.example"}).status_code == 421


def test_the_sounds_are_those_of_the_script() -> None:
    assert {path.stem for path in STATIC.glob("*.wav")} == {"call", "alarm", "escalated"}
    assert all(path.read_bytes()[:4] == b"RIFF" and path.stat().st_size < 20_000 for path in STATIC.glob("*.wav"))
