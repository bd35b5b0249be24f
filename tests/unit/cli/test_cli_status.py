"""`gate status`: what it says of officers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tomli_w
from typer.testing import CliRunner

import gate.cli.status_page as module
from gate.channel.message import Status
from gate.cli import status
from gate.programs.shared.config import Config
from gate.programs.shared.program_status import ProgramStatus, Silence
from gate_core.command_line.output import Exit
from gate_core.programs import clock

TABLE = {
    "purpose": "trial",
    "gate_id": "gate-1",
    "operator": "border.example",
    "barrier": {"port": "/dev/b"},
    "swipe": {"port": "/dev/s"},
    "camera": {"address": "http://127.0.0.1:1/s"},
    "audit": {"recipients": ["age1x"]},
}
AUTHORITY = {"officers": {"authority": "A" * 43 + "="}}


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Ask a gate whose programs are all well; the lane says these details."""
    import typer

    app = typer.Typer()
    app.command()(status.command)

    def ask(
        *words: str,
        tables: dict[str, Any],
        away: tuple[str, ...] = (),
        closed: tuple[str, ...] = (),
        log: dict[str, Any] | None = None,
        registers: dict[str, Any] | None = None,
        **lane: Any,
    ) -> Any:
        path = tmp_path / "gate.toml"
        path.write_bytes(tomli_w.dumps({**TABLE, **tables}).encode())

        def said(name: str) -> Status | Silence:
            of_lane = {"in_service": True, "lost": [], "clock_sure": True, **lane}
            detail = {"lane": of_lane, "log": log or {}, "registers": registers or {}}.get(name, {})
            if name in closed:
                return Silence.NO_RIGHT
            return Silence.AWAY if name in away else Status(name, "ready", detail)

        def ask_all(config: Config) -> ProgramStatus:
            return ProgramStatus.of({name: said(name) for name in config.programs})

        monkeypatch.setattr(module, "ask_all", ask_all)
        return CliRunner().invoke(app, ["--config", str(path), *words])

    return ask


@pytest.mark.parametrize(
    ("purpose", "in_service", "first"),
    [
        ("trial", True, "on trial"),
        ("demo", True, "in a demo"),
        ("trial", False, "out of service (trial)"),
    ],
)
def test_a_gate_on_trial_is_never_called_in_service(
    ask: Callable[..., Any], purpose: str, in_service: object, first: str
) -> None:
    assert ask(tables={"purpose": purpose}, in_service=in_service).stdout.splitlines()[0] == first


@pytest.mark.parametrize(
    ("sure", "words"), [(True, {"synchronised", "not synchronised; allowed outside service"}), (False, {"unsure"})]
)
def test_the_clock_has_the_words_of_the_selftest(ask: Callable[..., Any], sure: object, words: set[str]) -> None:
    (line,) = [one for one in ask(tables={}, clock_sure=sure).stdout.splitlines() if one.startswith("  clock")]
    assert line.removeprefix("  clock    ") in words


@pytest.mark.parametrize(
    ("tables", "lane", "line"),
    [
        ({}, {"officer_seen_ago_s": 1.0}, "no officer: everybody is referred ([officers] in gate.toml)"),
        (AUTHORITY, {"officer_seen_ago_s": None}, "no officer: everybody is referred"),
        (AUTHORITY, {"officer_seen_ago_s": 120.5}, "no officer: everybody is referred"),
        (AUTHORITY, {"officer_seen_ago_s": 119.0}, "present"),
        (AUTHORITY, {"officer_seen_ago_s": 1.0, "closed_by": "anna"}, "closed by anna"),
    ],
)
def test_it_says_whether_there_is_an_officer(
    ask: Callable[..., Any], tables: dict[str, Any], lane: dict[str, Any], line: str
) -> None:
    page = ask(tables=tables, **lane).stdout.splitlines()
    assert f"  officer  {line}" in page
    document = json.loads(ask("--json", tables=tables, **lane).stdout)
    assert document["officers"] == {
        "authority": bool(tables),
        "present": lane["officer_seen_ago_s"] in {1.0, 119.0},
        "closed_by": lane.get("closed_by"),
    }


def test_it_names_the_alarms_and_why_a_lane_is_closed(ask: Callable[..., Any]) -> None:
    forced = {"alarm": "forced", "standing": False, "waits": True}
    blocked = {"alarm": "obstructed", "standing": True, "waits": False}
    blockers = ["barrier_alarm:forced", "barrier_alarm:obstructed", "lists_stale:trust"]
    lane = {"in_service": False, "alarms": [forced, blocked], "hinders": blockers}
    page = ask(tables=AUTHORITY, **lane).stdout.splitlines()
    assert page[0] == "out of service (trial)"
    assert "  alarms   forced (acknowledge it), obstructed" in page
    assert "  closed   barrier_alarm:forced, barrier_alarm:obstructed, lists_stale:trust" in page
    document = json.loads(ask("--json", tables=AUTHORITY, **lane).stdout)
    assert (document["alarms"], document["hinders"]) == ([forced, blocked], blockers)
    assert "  alarms   none" in ask(tables=AUTHORITY).stdout.splitlines()


def test_it_says_who_bears_the_logs_head_out(ask: Callable[..., Any]) -> None:
    head = {"state": "unconfirmed", "entries": 48211, "root": "ab" * 32, "age_s": 12.3}
    page = ask(tables=AUTHORITY, log={"head": head}).stdout.splitlines()
    assert "  head     unconfirmed, 12 s ago: 48211 entries when the machine was started" in page
    assert json.loads(ask("--json", tables=AUTHORITY, log={"head": head}).stdout)["head"] == head
    assert not any(line.startswith("  head") for line in ask(tables=AUTHORITY).stdout.splitlines())


@pytest.mark.parametrize("borne_out", [True, False])
def test_it_says_how_long_records_can_be_opened_and_when_the_next_go(ask: Callable[..., Any], borne_out: bool) -> None:  # noqa: FBT001
    oldest = clock.now().date() - timedelta(days=28)
    keys = {
        "kept_days": {"crossing": 30, "device": None, "administration": 200},
        "oldest": {"crossing": oldest.isoformat()},
        "clock_borne_out": borne_out,
    }
    page = ask(tables=AUTHORITY, log={"keys": keys}).stdout.splitlines()
    assert "  keys     crossing 30 days (the oldest go in 3 days), device for good, administration 200 days" in page
    assert any("bears the clock out" in line for line in page) is not borne_out
    told = json.loads(ask("--json", tables=AUTHORITY, log={"keys": keys}).stdout)["keys"]
    assert told == {**keys, "held": 0, "problem": None}


def test_it_says_what_of_the_log_is_on_this_disk_where_entries_go_from_it(ask: Callable[..., Any]) -> None:
    kept = {"first": 512, "days": 30, "problem": "refused"}
    page = ask(tables=AUTHORITY, log={"kept": kept, "entries": 9000}).stdout.splitlines()
    assert "  entries  512 to 8999 are here, for 30 days after the central server had them" in page
    assert "           refused" in page
    assert json.loads(ask("--json", tables=AUTHORITY, log={"kept": kept}).stdout)["kept"] == kept
    page = ask(tables=AUTHORITY, log={"kept": {**kept, "days": None}}).stdout.splitlines()
    assert not any(line.startswith("  entries") for line in page)


def test_it_says_how_each_list_and_register_would_answer(ask: Callable[..., Any]) -> None:
    listed = {"agency": "police.example", "keys": ["k"]}
    tables = {**AUTHORITY, "registers": {"lists": {"stolen-documents": listed}}}
    states = {
        "stolen-documents": {"state": "list_old", "edition": 7},
        "entry-exit": {"state": "ready", "edition": None},
    }
    said = {"registers": states, "problem": "stolen-8.note: has 1 numbers after 4"}
    page = ask(tables=tables, registers=said).stdout.splitlines()
    at = page.index("  asked    entry-exit: ready")
    assert page[at + 1 : at + 3] == [
        "           stolen-documents: list_old, edition 7",
        "           stolen-8.note: has 1 numbers after 4",
    ]
    assert any(line.startswith("  degraded register_silent") for line in page)
    told = json.loads(ask("--json", tables=tables, registers=said).stdout)
    assert told["registers"] == states
    assert "  asked" not in ask(tables=AUTHORITY).stdout
    away = ask(tables=tables, away=("registers",)).stdout
    assert "degraded registers_away" in away


def test_it_says_whom_the_lane_serves(ask: Callable[..., Any]) -> None:
    lane = {"direction": "exit", "travellers": "eu"}
    assert "  serves   exit, eu" in ask(tables=AUTHORITY, **lane).stdout.splitlines()
    assert json.loads(ask("--json", tables=AUTHORITY, **lane).stdout)["serves"] == lane


def test_of_a_lane_that_is_away_nothing_is_said_to_be_well(ask: Callable[..., Any]) -> None:
    page = ask(tables=AUTHORITY, away=("lane",))
    assert page.exit_code == Exit.UNREACHABLE
    for part in ("lost    ", "alarms  ", "officer ", "serves  ", "lists   ", "clock   "):
        assert f"  {part} unknown: the lane is away" in page.stdout.splitlines()
    document = json.loads(ask("--json", tables=AUTHORITY, away=("lane",)).stdout)
    assert set(document["devices"].values()) == {None}
    assert set(json.loads(ask("--json", tables=AUTHORITY).stdout)["devices"].values()) == {True}


TWO_DOORS = {
    "first_barrier": {"port": "/dev/f"},
    "sensors": {"port": "/dev/i", "profile": "portcullis-sim"},
}


@pytest.mark.parametrize(
    ("tables", "parts"), [({}, {"camera", "screen"}), (TWO_DOORS, {"first_barrier", "sensors", "camera"})]
)
def test_whatever_the_lane_has_lost_is_named(ask: Callable[..., Any], tables: dict[str, Any], parts: set[str]) -> None:
    page = ask(tables=tables, lost=sorted(parts), in_service=False).stdout.splitlines()
    (line,) = [one for one in page if one.startswith("  lost")]
    assert set(line.removeprefix("  lost     ").split(", ")) == parts
    devices = json.loads(ask("--json", tables=tables, lost=sorted(parts)).stdout)["devices"]
    assert {name for name, well in devices.items() if not well} == parts
    assert ("sensors" in devices) is bool(tables)


def test_a_lane_that_no_browser_paints_names_the_page_to_open(ask: Callable[..., Any]) -> None:
    opens = "  page     no browser shows it: open file://"
    page = ask(tables=AUTHORITY, lost=["screen"]).stdout.splitlines()
    (line,) = [one for one in page if one.startswith("  page")]
    assert line.startswith(opens)
    assert line.endswith("/portcullis-screens/kiosk/start.html")
    assert opens not in ask(tables=AUTHORITY).stdout


def test_of_programs_that_this_user_may_not_ask_it_says_who_may(ask: Callable[..., Any]) -> None:
    page = ask(tables=AUTHORITY, closed=("lane", "log"))
    assert page.exit_code == Exit.NOT_PERMITTED
    assert "  lane     no_right" in page.stdout.splitlines()
    assert "  clock    unknown: this user may not ask the lane" in page.stdout.splitlines()
    assert page.stderr == ("gate: this user may not ask the programs; root and members of portcullis-operators may\n")
    told = ask("--json", tables=AUTHORITY, closed=("lane", "log"))
    document = json.loads(told.stdout)
    assert (told.exit_code, document["lane"], document["programs"]["log"]) == (
        Exit.NOT_PERMITTED,
        "no_right",
        "no_right",
    )
    assert ask("--json", tables=AUTHORITY, away=("lane",)).exit_code == Exit.UNREACHABLE


def test_it_loads_of_the_messages_and_programs_what_it_needs_alone(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_bytes(tomli_w.dumps(TABLE).encode())
    loaded = f"import sys; sys.argv[1:] = ['status', '--json', '--config', {str(tmp_path / 'gate.toml')!r}]\n"
    loaded += "import contextlib; from gate_core.command_line import main\nwith contextlib.suppress(SystemExit): main.main()\n"
    loaded += "slow = ('gate.channel.log_messages', 'gate.channel.order_messages', 'gate.channel.table', 'gate_core.evidence.crossing.', 'gate.passage.events')\n"
    loaded += (
        "slow += ('gate.programs.shared.runner', 'rich', 'typer', 'gate_core.command_line.tree', 'gate.cli.status.')\n"
    )
    loaded += "print([name for name in sys.modules if f'{name}.'.startswith(slow)])"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    said, found = done.stdout.splitlines()
    assert (json.loads(said)["schema"], found) == ("gate.status/1", "[]")


@pytest.mark.parametrize(
    ("age_days", "old", "left"),
    [
        (None, "none", "lists unknown"),
        (3.25, "3.2 days old", "lists 86 days"),
        (88.4, "88.4 days old", "lists 1 day"),
        (89.9, "89.9 days old", "lists 0 days"),
        (90.6, "90.6 days old", "lists expired"),
        (91.0, "91.0 days old", "lists expired 1 day ago"),
        (120.0, "120.0 days old", "lists expired 30 days ago"),
        (-0.5, "newer than the clock", "lists 90 days"),
    ],
)
def test_lists_that_judge_no_more_have_expired(
    ask: Callable[..., Any], age_days: float | None, old: str, left: str
) -> None:
    page = ask(tables={}, trust_age_days=age_days).stdout.splitlines()
    assert f"  lists    {old}" in page
    (line,) = [one for one in page if one.startswith("  left")]
    assert line.removeprefix("  left     ").split(", ")[1] == left


WORDS: tuple[list[str], ...] = (
    [],
    ["--config", "FILE"],
    ["--config", "WRONG", "--json", "--config", "FILE"],
    ["--json", "--config", "WRONG"],
    ["--config", "MISSING", "--json"],
    ["--config=FILE", "--json"],
    ["--watch", "--config"],
    ["--config", ""],
    ["--config", "--json"],
    ["--json", "FILE"],
    ["--json", "--help"],
)


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_in_plain_words_it_says_what_it_says_by_the_library_of_command_lines(words: list[str], tmp_path: Path) -> None:
    """Of which the plain way does without: the same output, the same line, the same code."""
    gate = {**TABLE, "paths": {"run": str(tmp_path / "run")}}
    (tmp_path / "FILE").write_bytes(tomli_w.dumps(gate).encode())
    (tmp_path / "WRONG").write_bytes(tomli_w.dumps({**gate, "purpose": "none"}).encode())
    typed = "from gate_core.command_line.tree import application; application(['status'])(prog_name='gate')"

    def ended(*command: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, *command, "status", *words], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        return done.returncode, done.stdout, done.stderr

    plain = ended("-m", "gate.cli")
    assert plain == ended("-c", typed)
    assert "Traceback" not in plain[2]


def test_each_line_of_who_watches_says_whether_the_lane_serves_and_who_is_away(
    ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def enough(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=enough))
    serves, closed = (ask("--watch", tables={}, in_service=one).stdout.split() for one in (True, False))
    assert (serves[0], closed[0]) == ("in_service", "out_of_service")
    assert "vision=ready" in serves
    assert "vision=away" in ask("--watch", tables={}, away=("vision",)).stdout.split()
    documents = [json.loads(ask("--watch", "--json", tables={}, in_service=one).stdout) for one in (True, False)]
    assert [one["state"] for one in documents] == ["in_service", "out_of_service"]


@pytest.mark.parametrize("typed", [False, True])
def test_who_watches_may_stop_at_any_line(typed: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    """By Ctrl-C, or by a pager that is closed."""
    (tmp_path / "gate.toml").write_bytes(tomli_w.dumps({**TABLE, "paths": {"run": str(tmp_path)}}).encode())
    way = [
        "-c",
        "import sys; from gate.cli import names; names.quick = None; from gate_core.command_line.main import main; main()",
    ]
    command = [sys.executable, *(way if typed else ["-m", "gate.cli"]), "status", "--watch", "--config"]
    for stop, code in (("SIGINT", 130), ("closed", 1)):
        with subprocess.Popen(
            [*command, str(tmp_path / "gate.toml")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as watching:
            assert watching.stdout is not None
            assert watching.stdout.readline().startswith("out_of_service")
            if stop == "SIGINT":
                watching.send_signal(signal.SIGINT)
                watching.stdout.read()
            else:
                watching.stdout.close()
            assert watching.stderr is not None
            assert (watching.wait(20), "Traceback" in watching.stderr.read()) == (code, False), stop
