"""Central's own log: what is done to gates and by whom, in the format of the gates' logs, in one transaction with what it tells."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyrage
import pytest
from central_fakes.folder import make_context, told
from central_fakes.server import GATE_ID, Bench
from typer.testing import CliRunner

from gate_central import folder as folders
from gate_central.archive import export, is_intact
from gate_central.commands.central import app
from gate_central.errors import FolderError, ForbiddenError
from gate_central.evidence import Answer, Kind
from gate_central.server_context import ServerContext
from gate_core.audit_format.note import Signer
from gate_core.audit_format.tiles import TILE_WIDTH
from gate_core.audit_format.unsealer import Unsealer
from gate_core.mirror_client.wire import Request
from gate_verify.verify import Known, verify


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "log")


@pytest.fixture
def context(bench: Bench, tmp_path: Path) -> ServerContext:
    return make_context(bench, tmp_path / "server")


def verified(context: ServerContext, out: Path) -> int:
    """How many entries the auditor's verifier finds in an export, which it must find whole and cosigned."""
    export(context.ledger, context.admin_log.as_gate, out)
    known = Known(cosigners=context.folder.mirror.verifier.vkey)
    report = verify(out, context.admin_log.as_gate.log.vkey, known=known)
    assert (report.verified, report.problems) == (True, ())
    assert report.bodies == report.entries
    assert [one.checked for one in report.cosignatures] == [True]
    return report.entries


def test_enrolments_and_revocations_are_a_log_that_the_auditors_verifier_reads(
    context: ServerContext, tmp_path: Path
) -> None:
    token = context.roster.new_token("gate-0002", 2_000_000_000)
    log = Signer.generate("border.example/gate-0002/demo").verifier
    context.roster.enrol(token, "gate-0002", log, certificate="c" * 64, now_s=1, at="2026-11-25T10:00:00.000Z")
    context.roster.renew("gate-0002", "d" * 64, "2026-11-25T10:00:00.000Z")
    context.roster.revoke("gate-0002")
    context.roster.retire("gate-0002", "2026-11-25T11:00:00.000Z")
    context.roster.retire("gate-0002", "2026-11-25T12:00:00.000Z")
    found = told(context)
    kinds = ["token_made", "gate_enrolled", "gate_renewed", "gate_revoked", "gate_retired"]
    assert [one.kind for one in found] == kinds
    assert (found[1].fields["gate"], found[1].fields["log"]) == ("gate-0002", log.vkey)
    assert token not in str([one.fields for one in found])
    assert verified(context, tmp_path / "out") == len(kinds)


def test_what_is_refused_is_not_recorded_and_what_cannot_be_recorded_is_not_done(
    context: ServerContext, bench: Bench
) -> None:
    with pytest.raises(ForbiddenError):
        context.roster.enrol("no token", "gate-0002", bench.log.signer.verifier, certificate="c", now_s=1, at="now")
    assert told(context) == []
    with bench.server.ledger._engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON package BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    with pytest.raises(Exception, match=r"rows beyond|full"):
        context.roster.revoke(GATE_ID)
    assert not bench.gate.revoked


def test_many_at_once_are_one_log_after_another(context: ServerContext, bench: Bench, tmp_path: Path) -> None:
    other = make_context(bench, tmp_path / "server")

    def act(number: int) -> None:
        (context, other)[number % 2].admin_log.record("export_made", {"n": number})

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(act, range(TILE_WIDTH + 20)))
    assert sorted(int(str(one.fields["n"])) for one in told(context)) == list(range(TILE_WIDTH + 20))
    assert verified(context, tmp_path / "out") == TILE_WIDTH + 20
    assert is_intact(context.ledger, context.admin_log.as_gate, context.folder.mirrors)


@pytest.mark.parametrize("change", ["entry", "body", "gone"])
def test_a_record_that_was_changed_or_dropped_is_found(
    context: ServerContext, bench: Bench, tmp_path: Path, change: str
) -> None:
    for number in range(3):
        context.admin_log.record("export_made", {"n": number})
    out = tmp_path / "out"
    export(context.ledger, context.admin_log.as_gate, out)
    vkey = context.admin_log.as_gate.log.vkey
    if change == "gone":
        early = make_context(bench, tmp_path / "server")
        early.admin_log.record("export_made", {"n": 3})
        report = verify(out, vkey, known=Known(at_least=4))
    else:
        (path,) = (out / ("tile/entries/000.p" if change == "entry" else "sealed/000.p")).iterdir()
        raw = bytearray(path.read_bytes())
        raw[100] ^= 1
        path.write_bytes(raw)
        report = verify(out, vkey)
    assert not report.verified


def test_an_answer_to_an_alarm_is_recorded_with_who_gave_it(context: ServerContext) -> None:
    evidence = context.evidence
    evidence.keep(GATE_ID, Kind.FORK, b"shown\n", against=b"other\n", at="2026-11-25T10:00:00.000Z")
    (alarm,) = evidence.alarms(GATE_ID)
    evidence.answer(GATE_ID, alarm.id, Answer("2026-11-25T11:00:00.000Z", "A. Operator", "taken out"))
    (act,) = told(context)
    assert (act.kind, act.fields["by"], act.fields["gate"]) == ("alarm_answered", "A. Operator", GATE_ID)


def test_what_is_set_is_recorded_when_it_changes_and_only_then(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "server"
    for settings in ("", "", "silent_after_minutes = 5\n", "silent_after_minutes=5 # the same\n", ""):
        make_context(bench, folder, settings).tell_settings()
    found = told(make_context(bench, folder))
    assert [one.kind for one in found] == ["settings_changed"] * 3
    assert "silent_after_minutes" in str(found[1].fields["settings"])


@pytest.mark.parametrize(
    "settings",
    [
        "nonsense",
        "unknown = 1",
        "[kept]\nothers_days = 182",
        "[kept]\ncrossings_days = 0",
        "[acts]\nrecipients = ['x']",
        "[[holds]]\nfirst = 2026-11-05\nlast = 2026-11-01\ncase = 'K'",
        "silent_after_minutes = 0",
    ],
)
def test_settings_that_cannot_be_meant_are_one_line(bench: Bench, tmp_path: Path, settings: str) -> None:
    make_context(bench, tmp_path / "server")
    with pytest.raises(FolderError, match=r"central\.toml"):
        make_context(bench, tmp_path / "server", settings)


def test_the_own_log_is_no_gates_and_nobody_speaks_for_it(context: ServerContext, bench: Bench) -> None:
    context.admin_log.record("export_made", {})
    context.admin_log.record("export_made", {"n": 1})
    assert [one.fields for one in told(context)] == [{"n": 1}], "what came to nothing is no record"
    assert bench.server.roster.names() == [GATE_ID]
    assert bench.server.roster.speaker(".central", "c" * 64) is None


async def test_the_command_shows_and_exports_it(bench: Bench, tmp_path: Path) -> None:
    make_context(bench, tmp_path / "server")
    database = ["--dir", str(tmp_path / "server"), "--database", f"sqlite:///{tmp_path / 'log' / 'central.sqlite'}"]
    assert CliRunner().invoke(app, ["revoke", GATE_ID, *database]).exit_code == 0
    done = CliRunner().invoke(app, ["acts", *database, "--json"])
    assert [one["kind"] for one in json.loads(done.stdout)["acts"]] == ["gate_revoked"]
    assert "gate: gate-0001" in CliRunner().invoke(app, ["acts", *database]).stdout
    done = CliRunner().invoke(app, ["acts", *database, "--out", str(tmp_path / "out"), "--json"])
    vkey = json.loads(done.stdout)["vkey"]
    assert verify(tmp_path / "out", vkey).verified
    assert (await bench.ask(Request("GET", "/bodies"))).status == 403
    (tmp_path / "server" / folders.ACTS_IDENTITY).write_text("no identity\n")
    assert CliRunner().invoke(app, ["acts", *database]).exit_code == 78


def test_a_record_sealed_for_others_alone_says_so(context: ServerContext) -> None:
    context.admin_log.record("export_made", {"n": 1})
    (act,) = context.admin_log.newest(Unsealer([pyrage.x25519.Identity.generate()]))
    assert (act.index, act.fields) == (0, {})


def test_a_damaged_own_log_stops_nobodys_round(context: ServerContext, bench: Bench) -> None:
    context.admin_log.record("export_made", {"n": 1})
    bench.server.ledger._engine.dispose()
    with contextlib.closing(sqlite3.connect(bench.log.folder / "central.sqlite")) as connection, connection:
        connection.execute("UPDATE log_head SET frontier = x'00' WHERE device = '.central'")
    with pytest.raises(Exception, match="damaged"):
        context.roster.revoke(GATE_ID)
    assert not bench.gate.revoked, "what cannot be recorded is not done"
