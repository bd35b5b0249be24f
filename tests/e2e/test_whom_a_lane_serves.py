"""A whole gate that a supervisor has serve departures, and EU nationals alone: other travellers are shown their lane, over a restart, too."""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fakes.whole_gate import Gate, running

from gate.passage.names import Outcome
from gate.programs.shared.terminal import Terminal
from gate_core.command_line.key_files import read_shift
from gate_core.evidence.screen import Screen
from gate_core.orders.order import Shift
from gate_core.orders.verbs import Verb
from gate_demo import stage as staging

pytestmark = [pytest.mark.e2e, pytest.mark.long]


def supervisor_of(gate: Gate) -> Shift:
    """A supervisor's shift key."""
    out = gate.stage.folder / "supervisor.key"
    staging.command(
        *("officer", "authority", "certify", "--authority", str(gate.stage.folder / "officers-authority.key")),
        *("--out", str(out), "--officer", "boss", "--role", "supervisor", "--gate", staging.GATE_ID),
    )
    return read_shift(out)[0]


async def order(gate: Gate, by: Shift, verb: Verb, argument: str) -> Outcome:
    """Have the lane serve something, between two travellers."""
    terminal = await Terminal.reach(gate.stage.config.socket("orders"))
    try:
        return (await terminal.order(by, verb, argument=argument)).outcome
    finally:
        terminal.close()


async def served(gate: Gate) -> tuple[str, str]:
    """What the lane says that it serves."""
    terminal = await Terminal.reach(gate.stage.config.socket("orders"))
    try:
        look = await terminal.look()
    finally:
        terminal.close()
    return look.direction.value, look.travellers


async def test_other_travellers_are_shown_their_lane_and_the_books_say_whom_it_served(short_path: Path) -> None:
    # Without the demo's written rules, by which its lane is closed to whoever leaves.
    rules = {"officer_presence_max_s": 15, "directions": ["entry", "exit"], "written": ""}
    async with running(short_path, tables={"rules": rules}) as gate:
        await gate.until(Screen.WELCOME)
        supervisor = await asyncio.to_thread(supervisor_of, gate)
        assert await order(gate, supervisor, Verb.DIRECTION, "exit") is Outcome.DONE
        assert await order(gate, supervisor, Verb.MODE, "eu") is Outcome.DONE

        gate.screens.clear()
        assert (await gate.visit("genuine")).passed == 0, "a national of Utopia"
        assert Screen.OTHER_LANE in gate.screens
        assert Screen.OFFICER not in gate.screens

        await gate.until(Screen.WELCOME)
        gate.screens.clear()
        gate.family.children["lane"].kill()
        await gate.until(Screen.WELCOME)
        assert await served(gate) == ("exit", "eu")

        assert await order(gate, supervisor, Verb.MODE, "all") is Outcome.DONE
        assert await gate.passes()
        await gate.until(Screen.WELCOME)
        await gate.family.stop("lane")
        books = await asyncio.to_thread(_books, gate, short_path)

    opened = [body for kind, body in books if kind == "opened"]
    assert len(opened) >= 2
    assert all(body["direction"] == "exit" for body in opened)
    first, *_, last = [body for kind, body in books if kind == "decided"]
    assert {"reason": "not_served", "detail": "eu"} in first["reasons"]
    assert (first["evidence"]["document"]["nationality"], first["policy"]["travellers"]["name"]) == ("UTO", "eu")
    assert (last["decision"], last["evidence"]["document"]["nationality"]) == ("admit", "")
    obeyed = [
        (body["verb"], body["before"], body["after"]) for kind, body in books if kind == "obeyed" and body["after"]
    ]
    assert obeyed == [("direction", "entry", "exit"), ("mode", "all", "eu"), ("mode", "eu", "all")]


def _books(gate: Gate, folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Export and decrypt the log."""
    bundle = folder / "gate.bundle"
    staging.command("audit", "export", "--out", str(bundle), "--spool", str(gate.stage.spool))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "gate.cli", "audit", "decrypt", str(bundle)),
            *("--identity", str(gate.stage.identities[0])),
            *("--purpose", "a test", "--case", "1", "--access-note", str(folder / f"{secrets.token_hex(4)}.note")),
        ],
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [(line["kind"], line["body"]) for line in lines]
