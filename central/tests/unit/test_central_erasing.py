"""Central forgets keys: when two approvers say so, for good and with a receipt; and after their time, by class and day, but for what is held."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from central_fakes.folder import make_context, order, told
from central_fakes.process import KEPT, registered
from central_fakes.server import GATE_ID, NOW, Bench
from core_fakes.approvals import signer
from core_fakes.sealed_log import SealedLog, crossing
from typer.testing import CliRunner

from gate_central import retention
from gate_central.archive import export
from gate_central.commands.central import app
from gate_central.database import open_database
from gate_central.errors import FolderError, ForbiddenError, UnknownError
from gate_central.folder import database_url
from gate_central.key_erasure import RECEIPT, Erasures, judge_in
from gate_central.schema import age_keys, heads
from gate_central.server_context import ServerContext
from gate_core.audit_format.note import Note, Signer
from gate_core.audit_format.statements import Expired
from gate_core.mirror_client import wire
from gate_core.mirror_client.spool import SpoolLog
from gate_core.mirror_client.wire import Request, expired_request
from gate_verify.verify import verify


@pytest.fixture
async def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path / "log")
    made.grow(3)
    await made.round()
    return made


def keys_of(bench: Bench) -> list[str]:
    with bench.server.ledger._engine.begin() as connection:
        mine = sa.select(age_keys.c.id).where(age_keys.c.device == GATE_ID).order_by(age_keys.c.first_index)
        return list(connection.execute(mine).scalars())


def erasures(context: ServerContext) -> Erasures:
    judge = judge_in(context.folder.path)
    assert judge is not None
    return context.erasures(judge)


def stored(bench: Bench) -> bytes:
    """All bytes of the database and its write-ahead log."""
    return b"".join(one.read_bytes() for one in bench.log.folder.glob("central.sqlite*"))


async def test_a_signed_erasure_is_carried_out_for_good_and_answered_by_a_receipt(bench: Bench, tmp_path: Path) -> None:
    context = make_context(bench, tmp_path / "server")
    first, second, third = keys_of(bench)
    wrapped = bench.server.ledger.key(GATE_ID, first)
    assert wrapped is not None
    assert wrapped[-64:] in stored(bench)
    note = order(bench.origin, [first, second])
    receipt = Note.parse(erasures(context).carry_out(note, origin=bench.origin))
    receipt.verify(context.folder.mirror.verifier)
    assert receipt.text.split("\n")[:2] == [RECEIPT, bench.origin]
    assert keys_of(bench) == [third]
    assert wrapped[-64:] not in stored(bench), "nor in a free page of the file"
    (act,) = told(context)
    assert (act.kind, act.fields["keys"], act.fields["by"]) == (
        "keys_erased",
        sorted([first, second]),
        ["anna.example", "ben.example"],
    )
    for key_id in (first, second):  # whoever brings it again
        assert (await bench.ask(wire.put_key(key_id, SpoolLog(bench.log.spool).key(key_id)))).status == 204
        assert bench.server.ledger.key(GATE_ID, key_id) is None
    assert bench.server.ledger.missing_keys(GATE_ID) == 0, "and it is asked of nobody"
    export(bench.server.ledger, bench.gate, tmp_path / "out")
    report = verify(tmp_path / "out", bench.log.vkey)
    assert (report.verified, report.keys) == (True, 1)


async def test_an_order_that_comes_again_gets_its_receipt_and_no_record(bench: Bench, tmp_path: Path) -> None:
    context = make_context(bench, tmp_path / "server")
    note = order(bench.origin, keys_of(bench)[:1])
    for _ in range(5):
        assert erasures(context).carry_out(note)
    assert len(told(context)) == 1


@pytest.mark.parametrize("by", [0, 1])
async def test_what_two_approvers_did_not_sign_erases_nothing(bench: Bench, tmp_path: Path, by: int) -> None:
    context, before = make_context(bench, tmp_path / "server"), keys_of(bench)
    with pytest.raises(ForbiddenError):
        erasures(context).carry_out(order(bench.origin, before, by))
    assert (keys_of(bench), told(context)) == (before, [])


async def test_a_gate_brings_orders_for_itself_alone(bench: Bench, tmp_path: Path) -> None:
    context, before = make_context(bench, tmp_path / "server"), keys_of(bench)
    with pytest.raises(ForbiddenError, match="another gate"):
        erasures(context).carry_out(order(bench.origin, before), origin="border.example/gate-0002/demo")
    with pytest.raises(UnknownError, match="no gate"):
        erasures(context).carry_out(order("border.example/gate-0404/demo", before))
    assert keys_of(bench) == before


async def test_an_age_file_that_was_erased_before_it_came_is_never_taken(bench: Bench, tmp_path: Path) -> None:
    """The order overtakes the entries that name the key."""
    context = make_context(bench, tmp_path / "server")
    bench.grow()
    (new,) = {one.stem for one in (bench.log.spool / "keys").rglob("*.age")} - set(keys_of(bench))
    erasures(context).carry_out(order(bench.origin, [new]))
    assert await bench.round() is not None
    assert new not in keys_of(bench)
    assert bench.server.ledger.missing_keys(GATE_ID) == 0


async def test_a_day_that_is_held_is_erased_by_nobody(bench: Bench, tmp_path: Path) -> None:
    hold = "[[holds]]\nfirst = 2026-11-25\nlast = 2026-11-25\ncase = 'K-1'\n"
    context, before = make_context(bench, tmp_path / "server", hold), keys_of(bench)
    with pytest.raises(ForbiddenError, match="held"):
        erasures(context).carry_out(order(bench.origin, before))
    assert keys_of(bench) == before


async def test_a_database_that_was_put_back_forgets_once_more(bench: Bench, tmp_path: Path) -> None:
    context, before = make_context(bench, tmp_path / "server"), keys_of(bench)
    put_back(bench, context, before[:2])
    assert keys_of(bench) == before
    with context.kept_in_order():
        assert keys_of(bench) == before[2:]
    assert [one.kind for one in told(context)] == ["keys_erased", "settings_changed", "keys_erased_again"]
    with context.kept_in_order():
        pass
    assert len(told(context)) == 3


def put_back(bench: Bench, context: ServerContext, keys: list[str]) -> None:
    """Erase keys as two order, and bring the database back to before."""
    with bench.server.ledger._engine.begin() as connection:
        asked = sa.select(age_keys).where(age_keys.c.device == GATE_ID, age_keys.c.id.in_(keys))
        kept = [dict(one) for one in connection.execute(asked).mappings()]
    erasures(context).carry_out(order(bench.origin, keys))
    with bench.server.ledger._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM age_key_erased")
        connection.execute(age_keys.insert(), kept)


@pytest.mark.parametrize("change", ["another approver", "no approver"])
async def test_an_order_that_was_kept_holds_whoever_may_order_by_now(bench: Bench, tmp_path: Path, change: str) -> None:
    context, before = make_context(bench, tmp_path / "server"), keys_of(bench)
    put_back(bench, context, before[:2])
    approvers = tmp_path / "server" / "approvers.toml"
    if change == "no approver":
        approvers.unlink()
    else:
        other = Signer.generate("cleo.example").verifier.vkey
        approvers.write_text(approvers.read_text().replace(signer("ben").verifier.vkey, other))
    with make_context(bench, tmp_path / "server").kept_in_order():
        assert keys_of(bench) == before[2:]
    (act,) = [one for one in told(context) if one.kind == "keys_erased_again"]
    assert act.fields["by"] == ["anna.example", "ben.example"]


async def test_keys_of_a_day_that_is_held_since_stay_until_the_hold_ends(bench: Bench, tmp_path: Path) -> None:
    hold = "[[holds]]\nfirst = 2026-11-25\nlast = 2026-11-25\ncase = 'K-1'\n"
    context, before = make_context(bench, tmp_path / "server"), keys_of(bench)
    put_back(bench, context, before[:2])
    with make_context(bench, tmp_path / "server", hold).kept_in_order():
        assert keys_of(bench) == before
    assert "keys_erased_again" not in [one.kind for one in told(context)]
    with make_context(bench, tmp_path / "server").kept_in_order():
        assert keys_of(bench) == before[2:]


async def test_an_order_for_a_gate_that_the_database_does_not_know_yet_keeps_no_server_down(
    bench: Bench, tmp_path: Path
) -> None:
    context = make_context(bench, tmp_path / "server")
    put_back(bench, context, keys_of(bench)[:2])
    with bench.server.ledger._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE gate SET origin = 'border.example/gate-0404/demo'")
    with context.kept_in_order():
        assert len(keys_of(bench)) == 3


async def test_a_kept_order_that_is_none_is_named_and_passed_over_by_nobody(bench: Bench, tmp_path: Path) -> None:
    context = make_context(bench, tmp_path / "server")
    put_back(bench, context, keys_of(bench)[:2])
    (tmp_path / "server" / "erasures" / "0.note").write_bytes(b"torn")
    with pytest.raises(FolderError, match=r"what it erased may be here: 0\.note is no order"), context.kept_in_order():
        pass


async def test_the_command_erases_and_writes_the_receipt(bench: Bench, tmp_path: Path) -> None:
    make_context(bench, tmp_path / "server")
    note, receipt = tmp_path / "order.note", tmp_path / "receipt.note"
    note.write_bytes(order(bench.origin, keys_of(bench)[:1]))
    opened = ["--dir", str(tmp_path / "server"), "--database", f"sqlite:///{tmp_path / 'log' / 'central.sqlite'}"]
    done = CliRunner().invoke(app, ["erase", str(note), *opened, "--out", str(receipt), "--json"])
    assert (done.exit_code, json.loads(done.stdout)["receipt"]) == (0, receipt.read_text())
    note.write_bytes(order(bench.origin, keys_of(bench)[:1], by=1))
    assert CliRunner().invoke(app, ["erase", str(note), *opened]).exit_code == 77
    (tmp_path / "server" / "approvers.toml").unlink()
    assert CliRunner().invoke(app, ["erase", str(note), *opened]).exit_code == 78


async def test_a_gate_is_answered_over_its_own_connection(bench: Bench, tmp_path: Path) -> None:
    note = order(bench.origin, keys_of(bench)[:1])
    asked = Request("POST", "/erasure", note, "text/plain")
    assert (await bench.ask(asked)).status == 404, "a server that knows no approvers"
    context = make_context(bench, tmp_path / "server")
    bench.server.erasures = erasures(context)
    bench.server.show([bench.server.authority.certificate])
    answer = await bench.ask(asked)
    assert answer.status == 200
    Note.parse(answer.body).verify(context.folder.mirror.verifier)
    assert (await bench.ask(Request("POST", "/erasure", b"no order", "text/plain"))).status == 403


# ── after their time ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_keys_are_forgotten_after_their_time_by_class_and_day_and_the_log_stays(
    bench: Bench, tmp_path: Path
) -> None:
    context = make_context(bench, tmp_path / "server", "[kept]\ncrossings_days = 30\n")
    clock = bench.server.clock
    clock.now = NOW + timedelta(days=30)
    await borne_out(bench)
    assert context.retention.look() == 0, "the thirtieth day is not over"
    clock.now = NOW + timedelta(days=31)
    await borne_out(bench)
    assert context.retention.look() == 3
    assert context.retention.look() == 0
    (act,) = told(context)
    assert (act.kind, dict(act.fields)) == (
        "keys_expired",
        {"gate": GATE_ID, "class": "crossing", "day": "2026-11-25", "keys": 3},
    )
    export(bench.server.ledger, bench.gate, tmp_path / "out")
    assert verify(tmp_path / "out", bench.log.vkey).verified


async def test_a_day_of_a_class_goes_of_all_gates_at_once_and_the_oldest_first(bench: Bench, tmp_path: Path) -> None:
    """It was a transaction for each gate's day, a thousand an hour, gate by gate."""
    hold = "[[holds]]\ngate = 'gate-0031'\nfirst = 2026-10-20\nlast = 2026-10-21\ncase = 'K-1'\n"
    context = make_context(bench, tmp_path / "server", "[kept]\ncrossings_days = 30\nothers_days = 183\n" + hold)
    days = [(NOW - timedelta(days=31 + one)).date().isoformat() for one in range(40)]
    names = [f"gate-{number:04}" for number in range(2, 32)]
    with bench.server.ledger._engine.begin() as connection:
        connection.execute(
            heads.insert(),
            [
                {
                    **dict.fromkeys(heads.c.keys(), 0),
                    "root": b"",
                    "note": None,
                    "frontier": b"",
                    "day": "",
                    "device": one,
                }
                for one in names
            ],
        )
        row = {"about": "crossing", "first_index": 0, "wrapped": b"w"}
        connection.execute(
            age_keys.insert(),
            [{**row, "device": one, "id": f"{one}{day}", "day": day} for one in names for day in days],
        )
    before = len(told(context))
    assert context.retention.look() == 30 * 40 - 2
    acts = told(context)[before:]
    assert [one.fields["day"] for one in acts] == sorted(days)
    assert {one.fields["gates"] for one in acts} == {30, 29}
    assert sum(int(str(one.fields["keys"])) for one in acts) == 30 * 40 - 2
    with bench.server.ledger._engine.begin() as connection:
        left = connection.execute(sa.select(age_keys.c.device, age_keys.c.day).order_by(age_keys.c.day)).all()
    assert left[:2] == [("gate-0031", "2026-10-20"), ("gate-0031", "2026-10-21")], "held, of that gate alone"
    assert len(keys_of(bench)) == 3, "of today"


async def test_one_deletion_on_sqlite_is_bounded_and_all_of_a_day_goes(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day of 700 gates was one transaction of 100 s, and SQLite refused who had waited for 10 s to write."""
    monkeypatch.setattr(retention, "KEYS_AT_ONCE", 2)
    context = make_context(bench, tmp_path / "server", "[kept]\ncrossings_days = 30\n")
    bench.server.clock.now = NOW + timedelta(days=31)
    await borne_out(bench)
    before = len(told(context))
    assert context.retention.look() == 3
    assert [one.fields["keys"] for one in told(context)[before:]] == [2, 1]
    assert keys_of(bench) == []


async def test_the_oldest_day_goes_first_whatever_its_class(bench: Bench, tmp_path: Path) -> None:
    context = make_context(bench, tmp_path / "server", "[kept]\ncrossings_days = 30\nothers_days = 183\n")
    rows = [("crossing", 40), ("device", 300), ("crossing", 310), ("administration", 200), ("device", 320)]
    days = [(about, (NOW - timedelta(days=ago)).date().isoformat()) for about, ago in rows]
    with bench.server.ledger._engine.begin() as connection:
        row = {"device": GATE_ID, "first_index": 0, "wrapped": b"w"}
        connection.execute(age_keys.insert(), [{**row, "id": day, "about": about, "day": day} for about, day in days])
    before = len(told(context))
    assert context.retention.look() == len(days)
    gone = [(one.fields["class"], one.fields["day"]) for one in told(context)[before:]]
    assert gone == sorted(days, key=lambda one: one[1])


async def test_a_retention_that_is_to_end_ends_between_two_days(bench: Bench, tmp_path: Path) -> None:
    context = make_context(bench, tmp_path / "server", "[kept]\ncrossings_days = 1\n")
    bench.server.clock.now = NOW + timedelta(days=31)
    await borne_out(bench)
    assert context.retention.look(lambda: True) == 0
    assert context.retention.look() == 3


# ── as gates did ─────────────────────────────────────────────────────────────────────────────────────────────────────


def forgotten(bench: Bench, before: date, *held: tuple[date, date]) -> Request:
    """A gate's word that its crossings of before a day are gone."""
    return expired_request(Expired({"crossing": before}, held).sign(bench.log.signer))


async def test_what_a_gate_has_forgotten_itself_central_forgets_too(bench: Bench, tmp_path: Path) -> None:
    context = make_context(bench, tmp_path / "server", "[kept]\ncrossings_days = 400\n")
    bench.server.heed = context.retention.heed
    bench.server.show([bench.server.authority.certificate])
    bench.server.clock.now, today = NOW + timedelta(days=31), date(2026, 12, 26)
    assert (await bench.ask(forgotten(bench, date(2026, 11, 25)))).status == 204
    assert len(keys_of(bench)) == 3, "the gate has that day still"
    held = (date(2026, 11, 20), date(2026, 11, 25))
    assert (await bench.ask(forgotten(bench, today, held))).status == 204
    assert len(keys_of(bench)) == 3, "the gate holds it"
    for _ in range(2):
        assert (await bench.ask(forgotten(bench, today))).status == 204
    assert keys_of(bench) == []
    (act,) = told(context)
    assert (act.kind, dict(act.fields)) == (
        "keys_expired",
        {"gate": GATE_ID, "before": {"crossing": "2026-12-25"}, "keys": 3, "by": bench.origin},
    )


async def test_a_gate_s_word_counts_for_itself_alone_and_for_no_day_that_is_held_or_young_here(
    bench: Bench, tmp_path: Path
) -> None:
    hold = "[[holds]]\nfirst = 2026-11-25\nlast = 2026-11-25\ncase = 'K-1'\n"
    forged = expired_request(Expired({"crossing": date(2027, 1, 1)}).sign(Signer.generate(bench.origin)))
    other = Signer.generate("border.example/gate-0002/demo")
    elsewhere = Note(Expired({"crossing": date(2027, 1, 1)}).sign(other).decode().partition("\n\n")[0] + "\n", ())
    words = (
        ("[kept]\ncrossings_days = 400\n" + hold, forgotten(bench, date(2027, 1, 1)), 204),
        ("[kept]\ncrossings_days = 400\ngates_from_days = 7\n", forgotten(bench, date(2027, 1, 1)), 204),
        ("", forged, 403),
        ("", expired_request(replace(elsewhere, signatures=(bench.log.signer.sign(elsewhere.text),)).to_bytes()), 403),
        ("", Request("POST", "/expired", b"no note", "text/plain"), 403),
        (
            "",
            expired_request(
                signed(bench, f'portcullis expired/1\n{bench.origin}\n{{"before":{{"crossing":"2026-13-01"}}}}\n')
            ),
            403,
        ),
    )
    bench.server.clock.now = NOW + timedelta(days=7)
    for settings, word, status in words:
        context = make_context(bench, tmp_path / "server", settings)
        bench.server.heed = context.retention.heed
        bench.server.show([bench.server.authority.certificate])
        assert (await bench.ask(word)).status == status
    assert len(keys_of(bench)) == 3
    assert told(context) == []


def signed(bench: Bench, text: str) -> bytes:
    return Note(text, (bench.log.signer.sign(text),)).to_bytes()


async def borne_out(bench: Bench) -> None:
    """Let the gate's newest entry be of today."""
    with bench.server.ledger._engine.begin() as connection:
        day = bench.server.clock.now.date().isoformat()
        connection.exec_driver_sql("UPDATE log_head SET day = ? WHERE device = ?", (day, GATE_ID))


async def test_a_clock_that_no_gate_bears_out_forgets_nothing(bench: Bench, tmp_path: Path) -> None:
    context = make_context(bench, tmp_path / "server", "[kept]\ncrossings_days = 30\n")
    bench.server.clock.now = NOW + timedelta(days=365)
    assert context.retention.look() == 0
    assert context.retention.is_waiting(), "and that is said"
    assert len(keys_of(bench)) == 3
    await borne_out(bench)
    assert not context.retention.is_waiting()
    assert context.retention.look() == 3
    bench.server.clock.now += timedelta(days=2)
    assert not context.retention.is_waiting(), "nothing is over"


def test_the_command_says_that_keys_wait_for_a_gate_that_bears_the_clock_out(tmp_path: Path) -> None:
    folder = tmp_path / "central"
    assert CliRunner().invoke(app, ["init", "--dir", str(folder), "--name", "127.0.0.1", *KEPT]).exit_code == 0
    log = SealedLog(tmp_path / "gate")
    registered(folder, GATE_ID, log.signer.verifier, "f" * 64)
    log.write(crossing("c1"))  # of a day in November 2026
    assert CliRunner().invoke(app, ["import", str(log.spool), "--dir", str(folder)]).exit_code == 0
    engine = open_database(database_url(folder, None))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE age_key SET day = '2026-01-01'")
        connection.exec_driver_sql("UPDATE log_head SET day = '2026-01-02' WHERE device = ?", (GATE_ID,))
    engine.dispose()
    (folder / "central.toml").write_text("[kept]\ncrossings_days = 1\n")
    done = CliRunner().invoke(app, ["prune", "--dir", str(folder)])
    assert done.exit_code == 75
    assert "no gate bears" in done.stderr


@pytest.mark.parametrize(
    "of", ["", 'gate = "gate-0001"\n', 'gate = "gate-0002"\n'], ids=["every gate", "this", "another"]
)
async def test_what_is_held_is_kept_and_goes_when_the_hold_is_lifted(bench: Bench, tmp_path: Path, of: str) -> None:
    kept = "[kept]\ncrossings_days = 1\n"
    hold = f"[[holds]]\nfirst = 2026-11-20\nlast = 2026-11-25\ncase = 'K-1'\n{of}"
    bench.server.clock.now = NOW + timedelta(days=60)
    await borne_out(bench)
    context = make_context(bench, tmp_path / "server", kept + hold)
    assert context.retention.look() == (3 if "0002" in of else 0)
    assert make_context(bench, tmp_path / "server", kept).retention.look() == (0 if "0002" in of else 3)


def test_days_are_counted_from_the_end_of_theirs(bench: Bench, tmp_path: Path) -> None:
    settings = make_context(bench, tmp_path / "server", "[kept]\nothers_days = 183\n").settings
    assert settings.over_before("crossing", date(2026, 11, 25)) is None
    assert settings.over_before("device", date(2026, 11, 25)) == date(2026, 5, 26)
    assert settings.over_before("administration", date(2026, 11, 25)) == date(2026, 5, 26)


async def test_a_gate_whose_clock_was_set_back_loses_no_evidence_early(tmp_path: Path) -> None:
    """Its records say 2020; they are kept as long as those of the day that the log had reached."""
    early = Bench(tmp_path / "early")
    early.grow(1)
    await early.round()
    with early.server.ledger._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE log_head SET day = '2026-11-27' WHERE device = 'gate-0001'")
    early.server.clock.now = NOW + timedelta(days=5)
    early.grow(1)  # says 2026-11-25
    await early.round()
    with early.server.ledger._engine.begin() as connection:
        found = connection.execute(sa.select(age_keys.c.day).order_by(age_keys.c.first_index)).scalars().all()
    assert list(found) == ["2026-11-25", "2026-11-27"]


async def test_a_gate_that_dates_ahead_keeps_nothing_for_longer(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "ahead")
    bench.server.clock.now = NOW - timedelta(days=3)
    bench.grow(1)
    await bench.round()
    with bench.server.ledger._engine.begin() as connection:
        assert connection.execute(sa.select(age_keys.c.day)).scalars().all() == ["2026-11-22"]
