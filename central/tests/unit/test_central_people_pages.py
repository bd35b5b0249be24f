"""Central's pages: who may see and do what of which gate, nothing that was not permitted, and nothing read before it is recorded."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

import pytest
from central_fakes.folder import told
from central_fakes.people import HOST, NORTH, NOWHERE, PARTIES, SOUTH, Nation
from core_fakes.sealed_log import PlainRecord, crossing
from starlette.routing import Route

from gate_central.admin_log import DEVICE
from gate_central.evidence import Answer, Kind
from gate_central.metrics import METRICS
from gate_central.people_pages import PURPOSES, make_pages
from gate_central.rights import ALLOWED, Doing, Role, may
from gate_central.search import Stretch, carried, stretch
from gate_core.mirror_client.wire import Request
from gate_verify.verify import verify

ASKED = {
    "gate": NORTH,
    "site": "",
    "from": "2026-11-25T09:00",
    "to": "2026-11-25T11:00",
    "purpose": "complaint",
    "case": "K-1",
}
# What each route is asked with, and who may: the table of what is permitted, written down once more.
ROUTES: dict[tuple[str, str], set[str]] = {
    ("GET", "/"): {"auditor", "operator", "supervisor"},
    ("GET", "/central.css"): {"auditor", "operator", "supervisor"},
    ("GET", "/gates/{gate}"): {"auditor", "operator", "supervisor"},
    ("POST", "/gates/{gate}/alarms/{alarm}"): {"supervisor"},
    ("GET", "/search"): {"auditor"},
    ("POST", "/search"): {"auditor"},
    ("POST", "/export"): {"auditor"},
    ("GET", "/acts"): {"supervisor-nation"},
    ("GET", "/metrics"): {"operator"},
}


@pytest.fixture
async def nation(tmp_path: Path) -> Nation:
    made = Nation.make(tmp_path)
    made.bench.grow(3)
    await made.bench.round()
    return made


def accused(nation: Nation, device: str = NORTH) -> str:
    """Raise an alarm against a gate; its id."""
    nation.context.evidence.keep(
        device, Kind.FORK, f"shown of {device}\n".encode(), against=b"other\n", at="2026-11-25T10:00:00.000Z"
    )
    return nation.context.evidence.alarms(device)[-1].id


@pytest.mark.parametrize("party", ["north", "south", "nation"])
@pytest.mark.parametrize("role", [one.value for one in Role])
async def test_every_route_is_open_to_whom_it_is_permitted_and_to_nobody_else(
    nation: Nation, role: str, party: str
) -> None:
    routes = {
        (next(iter(one.methods - {"HEAD"})), one.path)
        for one in make_pages(nation.context).routes
        if isinstance(one, Route) and one.methods
    }
    assert routes == set(ROUTES), "a new route needs a row here"
    name, sees = f"{role}-{party}", party in {"north", "nation"}
    with nation.as_person(name) as client:
        for (method, path), permitted in ROUTES.items():
            asked = path.replace("{gate}", NORTH).replace("{alarm}", accused(nation))
            form = ASKED | {"words": "looked at"}
            answer = client.request(method, asked, data=form if method == "POST" else None)
            may_ask = bool({role, name} & permitted)
            is_of_a_gate = "gates/" in path or path == "/export"
            expected = {403} if not may_ask else {404} if is_of_a_gate and not sees else {200, 303}
            assert answer.status_code in expected, (method, path)
            if not sees:
                assert NORTH not in answer.text.replace(f'value="{NORTH}"', ""), (method, path)


@pytest.mark.parametrize("who", [None, "0" * 64, "a gate", "dismissed"])
async def test_who_is_nobody_is_refused_everywhere(nation: Nation, who: str | None) -> None:
    if who == "a gate":
        gate = nation.context.roster.find(NORTH)
        assert gate is not None
        who = gate.certificate
    elif who == "dismissed":
        nation.context.tenants.dismiss("supervisor-nation")
        who = "supervisor-nation"
    with nation.as_person(who) as client:
        for method, path in ROUTES:
            assert client.request(method, path).status_code == 403, path
        assert client.get("/no/such/page").status_code == 404


def test_what_stands_in_no_table_is_not_permitted() -> None:
    assert set(ALLOWED) == set(Doing)
    for doing in Doing:
        before = ALLOWED.pop(doing)
        try:
            assert not any(may(role, doing, of_whole_nation=True) for role in Role)
        finally:
            ALLOWED[doing] = before


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}]
)
async def test_what_another_sites_page_sends_is_refused(nation: Nation, headers: dict[str, str]) -> None:
    alarm = accused(nation)
    with nation.as_person("supervisor-nation") as client:
        path = f"/gates/{NORTH}/alarms/{alarm}"
        assert client.post(path, data={"words": "all well"}, headers=headers).status_code == 403
        assert nation.context.evidence.alarms(NORTH)[0].answer is None
        ours = {"origin": f"https://{HOST}", "sec-fetch-site": "same-origin"}
        assert client.post(path, data={"words": "taken out"}, headers=ours).status_code == 303
    answer = nation.context.evidence.alarms(NORTH)[0].answer
    assert answer is not None
    assert (answer.by, answer.words) == ("supervisor-nation", "taken out")


# ── the fleet ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_each_party_sees_its_own_gates_and_the_nation_all(nation: Nation) -> None:
    for party, gate in PARTIES.items():
        for role in Role:
            with nation.as_person(f"{role.value}-{party}") as client:
                shown = client.get("/").text
                assert [one in shown for one in (NORTH, SOUTH, NOWHERE)] == [
                    one == gate for one in (NORTH, SOUTH, NOWHERE)
                ]
    with nation.as_person("operator-nation") as client:
        assert all(one in client.get("/").text for one in (NORTH, SOUTH, NOWHERE))


async def test_a_site_is_of_one_party_for_good_and_a_gate_of_one_site(nation: Nation) -> None:
    places = nation.context.tenants
    with pytest.raises(Exception, match="is a site of north"):
        places.add_site("north-port", "south", "taken")
    places.put(NORTH, site="south-port", canary=None)
    with nation.as_person("auditor-north") as client:
        assert NORTH not in client.get("/").text
    with nation.as_person("auditor-south") as client:
        assert NORTH in client.get("/").text


async def test_a_gate_that_needs_somebody_stands_first_with_why(nation: Nation, tmp_path: Path) -> None:
    accused(nation, SOUTH)
    nation.bench.server.clock.now += timedelta(hours=2)
    (tmp_path / "server" / "central.toml").write_text("silent_after_minutes = 60\n")
    nation.context = type(nation.context)(tmp_path / "server", nation.context.engine, nation.context.now)
    await nation.bench.ask(Request("GET", "/bodies"))  # the north speaks
    with nation.as_person("operator-nation") as client:
        text = client.get("/").text
        assert text.index(SOUTH) < text.index(NOWHERE) < text.index(NORTH)
        assert "fork, silent" in text
        assert text.count("SILENT since") == 2
        assert "shown of gate-0002" in client.get(f"/gates/{SOUTH}").text


async def test_the_software_that_a_gate_names_is_shown_and_nothing_else_that_it_says(nation: Nation) -> None:
    nation.bench.server.clock.now += timedelta(minutes=5)
    await nation.bench.ask(Request("GET", "/bodies"))
    with nation.as_person("operator-nation") as client:
        assert f"portcullis/{version('portcullis')}" in client.get("/").text


# ── search and download ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_that_the_server_itself_was_put_back_is_told_to_those_of_the_nation(nation: Nation) -> None:
    nation.context.evidence.keep(DEVICE, Kind.MIRROR_WENT_BACK, b"a\n", against=b"b\n", at="2026-11-25T10:00:00.000Z")
    for name, is_told in (("operator-nation", True), ("operator-north", False)):
        with nation.as_person(name) as client:
            assert ("put back" in client.get("/").text) is is_told
    (alarm,) = nation.context.evidence.alarms(DEVICE)
    nation.context.evidence.answer(DEVICE, alarm.id, Answer("2026-11-25T11:00:00.000Z", "anna", "a disk was changed"))
    with nation.as_person("operator-nation") as client:
        assert "put back" not in client.get("/").text


async def test_a_search_is_recorded_before_its_answer_and_says_where_to_look(nation: Nation) -> None:
    with nation.as_person("auditor-nation") as client:
        found = client.post("/search", data=ASKED)
    assert "15: 0 to 14" in found.text
    act = told(nation.context)[-1]
    assert act.kind == "searched"
    assert {name: act.fields[name] for name in ("by", "gate", "purpose", "case")} == {
        "by": "auditor-nation",
        "gate": NORTH,
        "purpose": "complaint",
        "case": "K-1",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"purpose": ""},
        {"purpose": "curiosity"},
        {"case": " "},
        {"case": "x" * 101},
        {"from": "yesterday"},
        {"to": "2026-11-25T10:00+02:00"},
    ],
    ids=str,
)
async def test_who_gives_no_reason_reads_nothing(nation: Nation, wrong: dict[str, str]) -> None:
    before = len(told(nation.context))
    with nation.as_person("auditor-nation") as client:
        for path in ("/search", "/export"):
            assert client.post(path, data=ASKED | wrong).status_code == 400
    assert len(told(nation.context)) == before


async def test_what_is_carried_away_is_verified_and_opens_what_was_asked_for_alone(
    nation: Nation, tmp_path: Path
) -> None:
    with nation.as_person("auditor-north") as client:
        answer = client.post("/export", data=ASKED)
    assert answer.status_code == 200
    out = tmp_path / "carried.bundle"
    out.write_bytes(answer.content)
    report = verify(out, nation.bench.log.vkey)
    assert (report.verified, report.entries, report.keys) == (True, 15, 3)
    act = told(nation.context)[-1]
    assert (act.kind, act.fields["by"], act.fields["entries"]) == ("export_made", "auditor-north", [0, 15])


async def test_nothing_is_carried_away_while_erased_keys_may_be_here_again(nation: Nation, tmp_path: Path) -> None:
    def copied(source: Path, target: Path) -> None:
        with closing(sqlite3.connect(source)) as here, closing(sqlite3.connect(target)) as there:
            here.backup(there)

    database, copy = tmp_path / "log" / "central.sqlite", tmp_path / "copy.sqlite"
    copied(database, copy)
    nation.context.admin_log.record("searched", {"n": 1})
    copied(copy, database)
    with nation.as_person("auditor-north") as client:
        refused = client.post("/export", data=ASKED)
        assert (refused.status_code, "gate central serve erases again" in refused.text) == (409, True)
        assert "export_made" not in [one.kind for one in told(nation.context)]
        with nation.context.kept_in_order():
            pass
        assert client.post("/export", data=ASKED).status_code == 200


async def test_only_the_keys_of_the_time_asked_for_are_carried_away(nation: Nation, tmp_path: Path) -> None:
    gate = nation.bench.gate
    with carried(nation.context.ledger, gate, Stretch(5, 10, 15)) as path:
        (tmp_path / "part.bundle").write_bytes(path.read_bytes())
    report = verify(tmp_path / "part.bundle", nation.bench.log.vkey)
    assert (report.verified, report.since, report.entries, report.keys) == (True, 5, 10, 1)


async def test_what_cannot_be_recorded_is_not_read(nation: Nation) -> None:
    with nation.context.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TRIGGER full BEFORE INSERT ON sealed BEGIN SELECT RAISE(ABORT, 'full'); END")
    with nation.as_person("auditor-nation") as client:
        for path in ("/search", "/export"):
            answer = client.post(path, data=ASKED)
            assert answer.status_code >= 500
            assert b"bundle" not in answer.content


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        ("2026-11-25T09", "2026-11-25T09", 0),
        ("2026-11-25T10", "2026-11-25T10", 15),
        ("2026-11-25T11", "2026-12-01T00", 0),
        ("2020-01-01T00", "2030-01-01T00", 15),
    ],
)
async def test_a_stretch_of_time_is_found_by_the_hours_of_entries(
    nation: Nation, first: str, last: str, found: int
) -> None:
    assert stretch(nation.context.ledger, NORTH, f"{first}:00:00Z", f"{last}:00:00Z").entries == found
    assert stretch(nation.context.ledger, SOUTH, f"{first}:00:00Z", f"{last}:00:00Z").entries == 0


@pytest.mark.parametrize("rows_at_once", [2, 10_000])
@pytest.mark.parametrize("at_once", [True, False], ids=["one upload", "an upload a traveller"])
async def test_a_clock_that_stood_wrong_for_a_while_hides_nothing_and_opens_nothing_else(
    nation: Nation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, at_once: bool, rows_at_once: int
) -> None:
    monkeypatch.setattr("gate_central.ledger.ROWS_AT_ONCE", rows_at_once)
    wrong, ten, eleven = "2030-01-01T00", "2026-11-25T10", "2026-11-25T11"
    for number, hour in enumerate([wrong, *3 * [ten], *2 * [eleven]]):
        moment = f"{hour}:00:00.000Z"
        nation.bench.log.write(
            [PlainRecord(replace(one.happening, time=moment), one.plain) for one in crossing(f"w{number}")]
        )
        if not at_once:
            await nation.bench.round()
    await nation.bench.round()
    ledger = nation.context.ledger
    for hour, found in ((ten, (0, 35)), (eleven, (35, 45)), (wrong, (15, 20))):
        asked = stretch(ledger, NORTH, f"{hour}:00:00Z", f"{hour}:00:00Z")
        assert (asked.start, asked.end, asked.first_hour[:13], asked.last_hour[:13]) == (*found, hour, hour)
    asked = stretch(ledger, NORTH, f"{ten}:00:00Z", f"{ten}:00:00Z")
    with carried(ledger, nation.bench.gate, asked) as path:
        (tmp_path / "part.bundle").write_bytes(path.read_bytes())
    report = verify(tmp_path / "part.bundle", nation.bench.log.vkey)
    assert (report.verified, report.entries, report.keys) == (True, 45, 6), "of those at ten o'clock alone"


async def test_the_own_log_is_shown_to_a_supervisor_of_the_nation(nation: Nation) -> None:
    with nation.as_person("auditor-nation") as client:
        client.post("/search", data=ASKED | {"case": "<b>K-2</b>"})
    with nation.as_person("supervisor-nation") as client:
        text = client.get("/acts").text
    assert "searched" in text
    assert "case: &lt;b&gt;K-2&lt;/b&gt;" in text


def test_purposes_are_words_that_a_page_can_offer() -> None:
    assert len(set(PURPOSES)) == len(PURPOSES)


# ── metrics ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_metrics_are_of_the_gates_that_their_reader_sees(nation: Nation) -> None:
    accused(nation)
    with nation.as_person("operator-north") as client:
        text = client.get("/metrics").text
    assert f'portcullis_central_signed_entries_total{{gate="{NORTH}",site="north-port",party="north"}} 15' in text
    assert f'portcullis_central_alarm{{gate="{NORTH}",site="north-port",party="north",kind="fork"}} 1' in text
    assert SOUTH not in text
    assert 'portcullis_central_gates{state="enrolled"} 1' in text
    assert all(f"# TYPE {one.name} {one.kind}\n" in text for one in METRICS)


def test_every_person_has_a_certificate_of_their_own(tmp_path: Path) -> None:
    nation = Nation.make(tmp_path)
    assert len(set(nation.certificates.values())) == len(nation.certificates)
    assert nation.context.tenants.person(hashlib.sha256(b"nobody").hexdigest()) is None
