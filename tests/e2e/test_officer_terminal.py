"""A whole gate with an officer at a terminal: presence, an admission in spite of the machine, a release, orders kept over a restart; and the
books show it.
"""

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
from gate_core.orders.order import Challenge
from gate_core.orders.verbs import Verb
from gate_demo import stage as staging

pytestmark = pytest.mark.e2e


async def gate_command(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Run a `gate` command as a process of its own, with --json."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gate.cli", *arguments, "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    assert b"Traceback" not in err
    return process.returncode, json.loads(out) if out else {}


class AtTheGate:
    """An officer's terminal at a gate."""

    def __init__(self, gate: Gate) -> None:
        self._config = ("--config", str(gate.stage.config_path))
        self._key = ("--key", str(gate.stage.shift))

    async def say(self, *words: str) -> tuple[int, dict[str, Any]]:
        return await gate_command("officer", *words, *self._config, *self._key)

    async def waiting(self) -> list[dict[str, Any]]:
        _, document = await self.say("list")
        found: list[dict[str, Any]] = document["referred"]
        return found

    async def stay(self) -> asyncio.subprocess.Process:
        """`present --every 2`, as an officer leaves it running."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gate.cli", "officer", "present", "--every", "2", *self._config, *self._key),
            stdout=asyncio.subprocess.DEVNULL,
        )


@pytest.mark.long
async def test_an_officer_at_a_terminal_works_a_gate(short_path: Path) -> None:
    async with running(short_path) as gate:
        gate.officer.absent = True  # the robot rests; all orders come from the terminal
        await gate.until(Screen.WELCOME)
        terminal = AtTheGate(gate)

        # Without an officer nobody is admitted, and the referral waits for one.
        visiting = asyncio.ensure_future(gate.visit("genuine"))
        await gate.until(Screen.OFFICER)
        (first,) = await terminal.waiting()
        assert "officer_absent" in first["objections"]
        code, answer = await terminal.say("hand-over", "walked_back", "--crossing", first["crossing"])
        assert (code, answer["done"], answer["referred"]) == (0, True, [])
        assert (await visiting).passed == 0
        code, answer = await terminal.say("admit", "--crossing", first["crossing"], "--reason", "too late")
        assert (code, answer["done"], answer["detail"]) == (1, False, f"already decided by {staging.OFFICER}")

        # With one, a genuine traveller passes by the machine's decision.
        staying = await terminal.stay()
        try:
            await _until_present(gate)
            assert await gate.passes()

            # An impostor is referred, and the officer lets them through.
            visiting = asyncio.ensure_future(gate.visit("someone_elses_passport"))
            await gate.until(Screen.OFFICER)
            (second,) = await terminal.waiting()
            assert "face_below_threshold" in second["objections"]
            code, answer = await terminal.say(
                "admit", "--crossing", second["crossing"], "--reason", "compared by eye, same person"
            )
            assert (code, answer["done"], answer["detail"]) == (0, True, "granted")
            assert (await visiting).passed == 1

            # A release opens, whoever is inside.
            code, answer = await terminal.say("release", "--reason", "somebody knocked")
            assert (code, answer["done"], answer["detail"]) == (0, True, "the leaf is open")
            await gate.until(Screen.WELCOME)
        finally:
            staying.terminate()
            await staying.wait()

        # An emergency that an officer orders holds the leaf open, longer than a release would.
        code, answer = await terminal.say("open-emergency", "--reason", "smoke")
        assert (code, answer["done"], answer["state"]) == (0, True, "emergency")
        await asyncio.sleep(5)
        _, status = await gate_command("status", "--config", str(gate.stage.config_path))
        assert status["detail"]["lane"]["leaf_closed"] is False
        code, answer = await terminal.say("end-emergency")
        assert (code, answer["done"]) == (0, True)
        await gate.until(Screen.WELCOME)
        await _orders_are_worth_nothing_to_the_lanes_next_start(gate)
        await gate.family.stop("lane")
        world_truth = Path(gate.world.ready.truth)
        books = await asyncio.to_thread(_books, gate, short_path)

    by_crossing = {
        crossing: [record["kind"] for record in books if record["crossing"] == crossing]
        for crossing in (first["crossing"], second["crossing"])
    }
    assert by_crossing[first["crossing"]] == ["opened", "decided", "closed", "disposition"]
    assert by_crossing[second["crossing"]] == [
        *("opened", "decided", "closed"),
        *("overruled", "granted", "passed", "grant_ended", "disposition"),
    ]
    (overruled,) = [record["body"] for record in books if record["kind"] == "overruled"]
    assert overruled["order"] == {
        "officer": staging.OFFICER,
        "role": "officer",
        "reason": "compared by eye, same person",
        "missing": [],
    }
    assert "face_below_threshold" in {reason["reason"] for reason in overruled["reasons"]}
    dispositions = [record["body"]["disposition"] for record in books if record["kind"] == "disposition"]
    assert dispositions == ["walked_back", "admitted_by_officer"]
    (release,) = [record["body"] for record in books if record["kind"] == "release"]
    assert release["order"]["reason"] == "somebody knocked"
    assert sum(record["kind"] == "presence" for record in books) == 1  # however often it was said
    judged = _judged(world_truth, short_path / "decrypted.jsonl")
    assert (judged["wrong_openings"], judged["different"]) == (0, [])
    assert judged["passages"] == 2


async def _orders_are_worth_nothing_to_the_lanes_next_start(gate: Gate) -> None:
    shift, _ = read_shift(gate.stage.shift)
    orders = gate.stage.config.socket("orders")
    terminal = await Terminal.reach(orders)
    look = await terminal.look()
    challenge = Challenge(issued_ms=look.issued_ms, nonce=look.nonce, version=look.version)
    kept = {
        verb: shift.sign(verb, gate=look.gate, challenge=challenge)
        for verb in (Verb.CLOSE, Verb.RELEASE, Verb.OPEN_EMERGENCY)
    }
    terminal.close()
    gate.screens.clear()
    gate.family.children["lane"].kill()
    await gate.until(Screen.WELCOME)
    terminal = await Terminal.reach(orders)
    for verb, order in kept.items():
        answer = await terminal.submit(order)
        assert answer.outcome is Outcome.FORBIDDEN, verb
        assert "challenge_foreign" in answer.detail
    assert (await terminal.order(shift, Verb.CLOSE)).outcome is Outcome.DONE
    terminal.close()


async def _until_present(gate: Gate) -> None:
    async with asyncio.timeout(20):
        while True:
            _, status = await gate_command("status", "--config", str(gate.stage.config_path))
            if status["officers"]["present"]:
                return


def _books(gate: Gate, folder: Path) -> list[dict[str, Any]]:
    """Export, verify and decrypt the log."""
    bundle = folder / "gate.bundle"
    staging.command("audit", "export", "--out", str(bundle), "--spool", str(gate.stage.spool))
    assert staging.command("audit", "verify", str(bundle), "--vkey", str(gate.stage.vkey))["verified"]
    with (folder / "decrypted.jsonl").open("wb") as file:
        subprocess.run(
            [
                *(sys.executable, "-m", "gate.cli", "audit", "decrypt", str(bundle)),
                *("--identity", str(gate.stage.identities[0])),
                *("--purpose", "a test", "--case", "1", "--access-note", str(folder / f"{secrets.token_hex(4)}.note")),
            ],
            stdout=file,
            check=True,
            timeout=60,
        )
    return [json.loads(line) for line in (folder / "decrypted.jsonl").read_text().splitlines()]


def _judged(truth: Path, log: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "hardware_sim", "judge", "--truth", str(truth), "--log", str(log), "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    judged: dict[str, Any] = json.loads(done.stdout)
    return judged
