"""`gate selftest` never says that all is well where `gate status` says that the gate is out of service, whatever put it there."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import typer
from typer.testing import CliRunner

from gate.channel.message import Status
from gate.channel.row import PROGRAMS
from gate.cli.selftest import code_of, command
from gate.programs import selftest
from gate.programs.screens.kiosk_start import start_page
from gate.programs.selftest import State, run_all
from gate.programs.shared.config import Config, load
from gate.programs.shared.status import hear_all, serve_status
from gate.programs.shared.status_page import StatusPage
from gate_core.command_line.output import Exit

TABLE = {
    "purpose": "trial",
    "gate_id": "gate-1",
    "operator": "border.example",
    "barrier": {"port": "/dev/b"},
    "swipe": {"port": "/dev/s"},
    "camera": {"address": "http://127.0.0.1:1/s"},
    "audit": {"recipients": ["age1x"]},
}
WELL = {"in_service": True, "lost": [], "hinders": [], "alarms": [], "closed_by": None}
ALARM = {"alarm": "trapped", "standing": False, "waits": True}


def out(**lane: Any) -> dict[str, Any]:
    return {**WELL, "in_service": False, **lane}


# What the lane says, what the log is, who does not answer; and what the self-test must say of that.
CASES: dict[str, tuple[dict[str, Any], str, tuple[str, ...], State, str]] = {
    "in service": (WELL, "ready", (), State.WELL, "in service"),
    "closed by an officer": (out(closed_by="officer7"), "ready", (), State.CLOSED, "gate officer open"),
    "closed by an officer, and a part lost": (
        out(closed_by="officer7", lost=["barrier"]),
        "ready",
        (),
        State.WRONG,
        "barrier is lost",
    ),
    "a part lost": (out(lost=["camera", "log"]), "ready", (), State.WRONG, "camera is lost, log is lost"),
    "lists too old": (out(hinders=["lists_stale"]), "ready", (), State.WRONG, "lists_stale"),
    "clock unsure": (out(hinders=["clock_unsure"]), "ready", (), State.WRONG, "clock_unsure"),
    "head unconfirmed": (out(hinders=["head_unconfirmed"]), "ready", (), State.WRONG, "head_unconfirmed"),
    "rules close it": (out(hinders=["rule:night"]), "ready", (), State.WRONG, "rule:night"),
    "an alarm waits": (out(hinders=["alarm"], alarms=[ALARM]), "ready", (), State.WRONG, "alarm, trapped"),
    "an emergency": (out(state="emergency"), "ready", (), State.WRONG, "an emergency"),
    "an emergency in a closed lane": (
        out(state="emergency", closed_by="officer7"),
        "ready",
        (),
        State.WRONG,
        "an emergency",
    ),
    "starting": (out(), "ready", (), State.WRONG, "the lane invites nobody"),
    "log degraded": (WELL, "degraded", (), State.WRONG, "the log is degraded"),
    "vision away": (WELL, "ready", ("vision",), State.WRONG, "no answer from vision"),
    "lane away": (WELL, "ready", ("lane",), State.WRONG, "no answer from lane"),
    "nothing started": (WELL, "ready", PROGRAMS, State.WRONG, "systemctl start portcullis.target"),
}


@contextlib.asynccontextmanager
async def gate(config: Config, lane: dict[str, Any], log: str, away: tuple[str, ...]) -> AsyncIterator[None]:
    """Programs that say this of themselves, on their own sockets."""
    said = {name: Status(name, "ready", {}) for name in config.programs if name not in away}
    if "lane" in said:
        said["lane"] = Status("lane", "ready", lane)
    if "log" in said:
        said["log"] = Status("log", log, {})
    async with contextlib.AsyncExitStack() as served:
        for name, status in said.items():
            config.runtime(name).mkdir(parents=True, exist_ok=True)
            await served.enter_async_context(serve_status(config, name, lambda status=status: status))  # type: ignore[misc]
        yield


@pytest.fixture
def config(short_path: Path) -> Config:
    path = short_path / "gate.toml"
    paths = {name: str(short_path / name) for name in ("state", "spool", "inbox", "models", "keys", "identity", "run")}
    path.write_bytes(tomli_w.dumps({**TABLE, "paths": paths}).encode())
    return load(path)


@pytest.mark.parametrize("case", CASES)
async def test_it_is_well_exactly_where_status_is(config: Config, case: str) -> None:
    lane, log, away, state, words = CASES[case]
    async with gate(config, lane, log, away):
        shown = StatusPage(config, await hear_all(config), synchronised=True, start_page=start_page)
        outcomes = await run_all(config, more={"service": selftest.in_service})
    (found,) = [one for one in outcomes if one.id == "service"]
    assert (found.state, words in found.detail) == (state, True), found.detail
    assert found.ok is shown.told.ok is bool(json.loads(json.dumps(shown.fields(), default=str))["ok"])
    assert "officer7" not in found.detail  # the support bundle holds no name


@pytest.mark.usefixtures("config")
def test_the_command_looks_at_it_last(short_path: Path) -> None:
    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, ["--config", str(short_path / "gate.toml"), "--json"])
    said = json.loads(done.stdout)
    (row,) = [one for one in said["checks"] if one["id"] == "service"]
    assert said["checks"][-1] is row
    assert (done.exit_code, said["ok"], row["ok"], row["state"]) == (1, False, False, "wrong")


def test_a_lane_that_an_officer_closed_is_no_fault_of_the_night() -> None:
    def ended(*states: State) -> Exit:
        return code_of([selftest.TestOutcome("x", state, "", 0) for state in states])

    assert ended(State.WELL, State.CLOSED) is Exit.TRY_LATER
    assert ended(State.CLOSED, State.WRONG) is Exit.NO


async def test_a_driver_that_fails_is_wrong_and_the_other_tests_go_on(config: Config) -> None:
    async def failing(_: Config) -> str:
        raise KeyError("odd")

    async def well(_: Config) -> str:
        return "well"

    *_, failed, other = await run_all(config, more={"failing": failing, "well": well})
    assert (failed.state, failed.detail.partition(";")[0]) == (State.WRONG, "failed with KeyError")
    assert other.ok


async def test_an_updates_checks_run_while_no_program_does_and_go_without_it(config: Config) -> None:
    assert "service" not in {one.id for one in await run_all(config)}
