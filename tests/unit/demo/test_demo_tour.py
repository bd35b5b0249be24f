"""The tour: its scenes and their time, the lane from above, the way into the frames, its page's door, and the byte that is changed."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from core_fakes.shifts import AUTHORITY
from fakes.roots import ROOT, SOURCES
from starlette.testclient import TestClient
from typer.testing import CliRunner

import gate_core.command_line.tree
from gate.screens.kiosk.key import Key
from gate_core.orders import keys
from gate_core.orders.certificate import open_certificate
from gate_core.web_pages.guard import HEADERS
from gate_demo.director import Visit
from gate_demo.report import Line
from gate_demo.stage import free_port
from gate_demo.tour import relay
from gate_demo.tour.above import Above, Happening, Place, after
from gate_demo.tour.app import ASIDE, OFFICER, Shown, TourAuthority, create_app, policy
from gate_demo.tour.evidence_proof import change_one_byte, decided_by
from gate_demo.tour.relay import Relay, Server
from gate_demo.tour.scenes import CAST, SCENES, SECONDS_MAX
from hardware_sim.scenario import Lane, read_scenarios, scenario_folder

SECRET = "s" * 43
TOUR, CONSOLE = "localhost:4001", "localhost:4002"
ORIGIN = f"http://{TOUR}"
AUDIT_S = 30.0  # three commands of the auditor's and the judge, on a machine that has something else to do


# ── scenes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_eight_scenes_end_in_time_whatever_whoever_watches_does() -> None:
    assert len(SCENES) == 8
    assert sum(scene.seconds for scene in SCENES) + AUDIT_S < SECONDS_MAX
    assert [scene.title for scene in SCENES if not scene.visitors] == [SCENES[-1].title], "what is audited comes last"


def test_every_traveller_of_the_tour_is_one_of_the_simulated_world_and_tells_no_lie_about_the_three() -> None:
    scenarios = read_scenarios(scenario_folder(), Lane.ONE_DOOR)
    assert set(CAST) <= scenarios.keys()
    three = [scenarios[visitor.scenario] for visitor in SCENES[1].visitors]
    assert [one.verdict.value for one in three] == ["referred"] * 3
    assert sum(scene.is_theirs for scene in SCENES) == 1


@pytest.mark.parametrize(
    "words", [["--travellers", "3"], ["--scenario", "genuine"], ["--lane", "two-door"], ["--reader", "page"]]
)
def test_a_tour_has_its_own_travellers_and_lane(words: list[str]) -> None:
    done = CliRunner().invoke(
        gate_core.command_line.tree.application(["demo"]), ["demo", "--tour", "--headless", *words]
    )
    assert done.exit_code == 2
    assert "a tour has its own travellers, reader and lane" in done.stderr


# ── the lane from above ──────────────────────────────────────────────────────────────────────────────────────────────


def seen(*lines: dict[str, str]) -> Above:
    above = Above()
    for line in lines:
        above = after(above, Happening(**line))
    return above


def test_the_lane_from_above_shows_who_is_where_and_how_the_leaf_stands() -> None:
    lines: list[dict[str, str]] = [
        {"event": "arrived", "traveller": "t001"},
        {"event": "presented", "traveller": "t001"},
        {"event": "leaf_moved", "to": "opening"},
        {"event": "body_entered", "traveller": "t001"},
        {"event": "body_entered", "traveller": "t001-other"},
        {"event": "leaf_at_rest", "at": "open"},
        {"event": "passed", "traveller": "t001"},
        {"event": "walked_back", "traveller": "t001-other"},
        {"event": "document_removed", "traveller": "t001"},
    ]
    assert seen(*lines[:4]) == Above((("t001", Place.ZONE),), "opening", document=True)
    assert seen(*lines) == Above((("t001", Place.BEYOND), ("t001-other", Place.READER)), "open")
    assert seen(*lines, {"event": "left", "traveller": "t001"}).bodies == (), "and whoever came with them"
    assert seen({"event": "fire_on"}).fire
    assert seen({"event": "fire_on"}, {"event": "fire_off"}, {"event": "host_seen"}) == Above()


# ── the way into the frames ──────────────────────────────────────────────────────────────────────────────────────────

HEAD = b"GET /a?b HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nConnection: keep-alive\r\nCookie: c=1\r\n\r\n"


def test_a_request_by_the_relays_own_name_is_passed_on_by_the_pages_and_any_other_as_it_is() -> None:
    ours = relay.request(HEAD % (b"localhost:1", b"localhost:1"), called="localhost:1", there="localhost:2")
    assert ours.split(b"\r\n") == [
        *(b"GET /a?b HTTP/1.1", b"host: localhost:2", b"origin: http://localhost:2", b"cookie: c=1"),
        *(b"connection: close", b"", b""),
    ]
    theirs = relay.request(HEAD % (b"evil.example:1", b"evil.example"), called="localhost:1", there="localhost:2")
    assert b"host: evil.example:1\r\norigin: http://evil.example\r\n" in theirs
    upgrade = HEAD.replace(b"keep-alive", b"Upgrade") % (b"localhost:1", b"localhost:1")
    assert relay.request(upgrade, called="localhost:1", there="x").endswith(b"connection: upgrade\r\n\r\n")
    assert relay.path_of(HEAD) == "/a"
    assert relay.path_of(b"nonsense\r\n\r\n") == ""


def test_of_an_answer_nothing_changes_but_who_may_frame_it() -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items()).encode()
    changed = relay.answer(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n", framed_by=ORIGIN)
    was, now = (dict(one.split(b": ", 1) for one in text.split(b"\r\n") if b": " in one) for text in (head, changed))
    assert {name for name in was if was[name] != now[name]} == {b"Content-Security-Policy"}
    assert now[b"Content-Security-Policy"] == was[b"Content-Security-Policy"].replace(
        b"'none'; req", ORIGIN.encode() + b"; req"
    )


def test_whatever_a_gate_serves_may_be_framed_by_nobody() -> None:
    assert "frame-ancestors 'none'" in HEADERS["Content-Security-Policy"]
    outside = [path for place in ("gate", *set(SOURCES) - {"."}) for path in (ROOT / place).rglob("*.py")]
    mine = {path for path in outside if path.parent.name != "tour" and "frame-ancestors" in path.read_text()}
    assert {path.name for path in mine} == {"guard.py", "people_pages.py"}, (
        "no setting loosens it, and central's pages are no gate's"
    )
    assert all(
        path.read_text().count("frame-ancestors") == path.read_text().count("frame-ancestors 'none'") for path in mine
    )


async def test_the_relay_carries_requests_and_answers_of_both_servers_and_outlives_nonsense() -> None:
    heads: list[bytes] = []

    def serves(body: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Security-Policy: frame-ancestors 'none'\r\n\r\n" + body)
            await writer.drain()
            writer.close()

        return serve

    async def ask(port: int, text: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(relay.HOST, port)
        writer.write(text)
        answer = await reader.read()
        writer.close()
        return answer

    page, aside, port = free_port(), free_port(), free_port()
    servers = [
        await asyncio.start_server(serves(b"p"), relay.HOST, page),
        await asyncio.start_server(serves(b"a"), relay.HOST, aside),
    ]
    way = Relay(port, Server(page, "localhost:9"), framed_by=ORIGIN, aside={"/tour": Server(aside, "localhost:8")})
    called = f"localhost:{port}".encode()
    async with way.serving(), asyncio.timeout(10):
        assert (await ask(port, HEAD % (called, called))).endswith(b"frame-ancestors %s\r\n\r\np" % ORIGIN.encode())
        assert await ask(port, b"x" * 2 * relay.HEAD_BYTES_MAX) == b""
        assert (await ask(port, (HEAD % (called, called)).replace(b"/a?b", b"/tour"))).endswith(b"\r\n\r\na")
    for server in servers:
        server.close()
        await server.wait_closed()
    assert [b"host: localhost:9" in heads[0], b"host: localhost:8" in heads[1]] == [True, True]


async def test_the_relay_ends_at_once_whoever_is_connected() -> None:
    """From Python 3.12 on a server that is waited for waits for its connections."""
    way = Relay(port := free_port(), Server(free_port(), "localhost:9"), framed_by=ORIGIN)
    async with asyncio.timeout(relay.HEAD_S / 2):
        async with way.serving():
            reader, writer = await asyncio.open_connection(relay.HOST, port)
            await asyncio.sleep(0)
        assert await reader.read() == b"", "and hangs up"
    writer.close()


# ── the tour's own page ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def app(tmp_path: Path) -> Any:
    (tmp_path / "authority.key").write_bytes(keys.key_text(AUTHORITY))
    return create_app(
        Shown(scene=0),
        key=Key(SECRET, port=4001),
        authority=TourAuthority(tmp_path / "authority.key", "gate-0001"),
        hosts=frozenset({TOUR, CONSOLE}),
        origin=ORIGIN,
        frames=("http://localhost:4003", f"http://{CONSOLE}"),
    )


def test_the_tours_page_frames_the_two_others_alone_and_keeps_the_gates_policy_otherwise(app: Any) -> None:
    answer = TestClient(app, base_url=ORIGIN).get("/")
    said = answer.headers["content-security-policy"]
    assert said == policy(ORIGIN, ("http://localhost:4003", f"http://{CONSOLE}"))
    assert said.endswith(f"frame-src http://localhost:4003 http://{CONSOLE}")
    assert "script-src 'self'" in said
    assert "unsafe" not in said
    assert "<script>" not in answer.text
    assert "style=" not in answer.text


def test_nobody_is_told_anything_or_signed_in_without_the_tours_secret(app: Any) -> None:
    stranger = TestClient(app, base_url=ORIGIN, headers={"origin": ORIGIN})
    assert stranger.get("/events").status_code == 403
    assert {
        stranger.request("POST" if "sign-in/" in path[1:] and not path.startswith("/tour") else "GET", path).status_code
        for path in ASIDE
    } == {403}
    assert stranger.post("/enter", content="x" * 43).status_code == 403
    assert TestClient(app, base_url="http://evil.example").get("/").status_code == 421


def test_whoever_shows_the_secret_gets_a_certificate_for_the_keys_of_their_browser(app: Any) -> None:
    browser = TestClient(app, base_url=ORIGIN, headers={"origin": ORIGIN})
    browser.headers["cookie"] = browser.post("/enter", content=SECRET).headers["set-cookie"].partition(";")[0]
    assert browser.get("/tour/sign-in").status_code == 200
    assert browser.post("/sign-in/request", json={}).json()["rp_id"] == "localhost"
    signing, sealing = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
    told = browser.post("/sign-in/certify", json={"answer": {}, "nonce": "", "signing": signing, "sealing": sealing})
    says = open_certificate(base64.b64decode(told.json()["certificate"]), AUTHORITY.public_key().public_bytes_raw())
    assert (says.officer, says.role.value, says.gates) == (OFFICER, "officer", ("gate-0001",))
    assert (says.key, says.sealing) == (signing, sealing)
    for nonsense in ("", "[]", json.dumps({"signing": "x", "sealing": "y"})):
        assert browser.post("/sign-in/certify", content=nonsense).status_code == 400
    assert browser.post("/sign-in/certify", json={}, headers={"origin": "http://evil.example"}).status_code == 403


# ── the log ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_byte_of_one_entry_is_another_one_and_nothing_else() -> None:
    bodies = [bytes(range(200)), bytes(range(50, 250))]
    lines = [json.dumps({"ct": base64.b64encode(body).decode(), "leaf": "l"}).encode() + b"\n" for body in bodies]
    bundle = b'{"bundle":1}\n{"key":"k"}\n' + lines[0] + lines[1] + b'{"entries":2}\n'
    changed = change_one_byte(bundle, 1, 100)
    was, now = bundle.splitlines(), changed.bundle.splitlines()
    assert [number for number, (one, other) in enumerate(zip(was, now, strict=True)) if one != other] == [3]
    body = base64.b64decode(json.loads(now[3])["ct"])
    assert [at for at in range(200) if body[at] != bodies[1][at]] == [100]
    assert (changed.was, changed.now) == (bodies[1][100], body[100])
    with pytest.raises(IndexError):
        change_one_byte(bundle, 2, 0)


def test_who_decided_about_a_traveller_is_who_the_log_names_first() -> None:
    def line(kind: str, crossing: str, officer: str) -> Line:
        body: dict[str, object] = {
            "order": {"officer": officer, "role": "officer"},
            "reasons": [],
            "disposition": "taken_over",
        }
        return Line(kind, crossing, body)

    visits = [Visit("t1", "expired", ["c1"]), Visit("t2", "genuine", ["c2"]), Visit("t3", "fire", ["c3"])]
    lines = [
        line("overruled", "c1", "you"),
        line("disposition", "c1", "demo-officer"),
        line("disposition", "c3", "demo-officer"),
    ]
    assert decided_by(visits, [*lines, line("disposition", "another", "you"), Line("closed", "c2", None)]) == {
        "you": 1,
        "demo-officer": 1,
    }
