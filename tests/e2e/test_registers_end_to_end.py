"""A gate whose documents a signed list must answer for: a hit, its owner, a program that is away, and whoever asks for protection. And one whose chips the exchange of its
site must answer for.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from e2e.test_lists_end_to_end import records_of
from fakes.online_registers import Fault
from fakes.online_registers import Registers as Simulated
from fakes.whole_gate import PROGRAMS, running

from gate_core.evidence.screen import Screen
from gate_core.programs import clock
from gate_demo import stage as staging

pytestmark = pytest.mark.e2e
KEY = hashlib.sha256(b"a canary").hexdigest()


@pytest.mark.long
async def test_a_list_s_hit_is_an_officer_s_and_told_to_its_owner_and_without_the_program_nobody_passes(
    short_path: Path,
) -> None:
    async with running(short_path, programs=(*PROGRAMS, "registers")) as gate:
        await gate.until(Screen.WELCOME)
        assert await gate.passes()
        hit = await gate.visit("reported_stolen")
        shown = [screen for screen in gate.screens[gate.screens.index(Screen.LOOK) :] if screen is not Screen.GO]
        assert hit.passed == 0
        assert Screen.OTHER_LANE not in shown
        outbox = short_path / "registers" / "outbox" / "stolen-documents"
        await gate.visit("asked_for_protection")
        files = sorted(path.name.partition(".")[2] for path in outbox.iterdir())
        assert files == ["disposition.json", "hit.json"], "of the first hit alone"
        (told,) = (json.loads(path.read_text()) for path in outbox.glob("*.disposition.json"))
        assert told["disposition"] == "taken_over"
        await gate.family.stop("registers")
        assert (await gate.visit("genuine")).passed == 0
        status = staging.command("status", "--config", str(gate.stage.config_path), may_say_no=True)
        assert "registers_away" in json.dumps(status["degraded"])
        gate.family.start("registers")
        await gate.family.stop("lane")
        await gate.family.stop("log")
    records = records_of(gate.stage)
    started = next(one["body"] for one in records if one["kind"] == "started")
    assert started["registers"] == ["stolen-documents"]
    decided = [one["body"] for one in records if one["kind"] == "decided"]
    said = [[(one["answer"], one["cause"]) for one in body["evidence"]["registers"] or []] for body in decided]
    assert said[0] == [("none", None)]
    assert [("hit", "number_listed")] in said
    assert said[-1] == [("unknown", "not_reached")]
    reasons = {one["reason"] for body in decided for one in body["reasons"]}
    assert {"register_hit", "register_unknown"} <= reasons
    assert "ST0LEN017" not in json.dumps(records)


class Exchange(Simulated):
    """One to which every chip was told at another gate, once the test says so."""

    is_elsewhere = False

    def answer(self, path: str, question: dict[str, Any]) -> dict[str, Any]:
        """As the simulator's."""
        if self.is_elsewhere and path == "/reuse/mark":
            self.marks[question["mark"]] = ("gate-0002", "14:05")
        return super().answer(path, question)

    def marked(self) -> list[dict[str, Any]]:
        """What it was told of chips."""
        return [question for path, question in self.asked if path == "/reuse/mark"]


def holding(folder: Path, secrets: list[bytes]) -> set[str]:
    """The files in this folder that hold one of these, as it is or in hexadecimal."""
    looked_for = [form for one in secrets for form in (one, one.hex().encode())]
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.name for path in files if any(it in path.read_bytes() for it in looked_for)}


@pytest.mark.long
async def test_a_chip_that_was_read_at_another_gate_is_an_officer_s_and_without_the_exchange_nobody_passes(
    short_path: Path,
) -> None:
    exchange = Exchange(day_key=(clock.now().date().isoformat(), KEY))
    async with exchange.serving():
        reuse = {"adapter": "reuse", "address": exchange.address, "basis": "Border Act, Article 12a", "minutes": 30}
        places = {"folder": str(short_path / "registers"), "incoming": str(short_path / "registers-incoming")}
        tables = {"registers": {**places, "online": {"reuse": reuse}}}
        async with running(short_path, programs=(*PROGRAMS, "registers"), tables=tables) as gate:
            await gate.until(Screen.WELCOME)
            assert await gate.passes()
            exchange.is_elsewhere = True
            shown = len(gate.screens)
            assert (await gate.visit("genuine")).passed == 0
            assert Screen.OTHER_LANE not in gate.screens[shown:]
            exchange.is_elsewhere, exchange.fault = False, Fault.SILENT
            assert (await gate.visit("genuine")).passed == 0
            status = staging.command("status", "--config", str(gate.stage.config_path), may_say_no=True)
            (short_path / "status.json").write_text(json.dumps(status))
            screens = gate.stage.config.screens
            async with httpx2.AsyncClient(trust_env=False) as client:
                metrics = await client.get(f"http://127.0.0.1:{screens.port}/metrics")
            assert "registers" in metrics.text
            (short_path / "metrics").write_text(metrics.text)
            bundle = (
                "support-bundle",
                "--out",
                str(short_path / "bundle.tar"),
                "--config",
                str(gate.stage.config_path),
            )
            staging.command(*bundle, may_say_no=True)
            await gate.family.stop("lane")
            await gate.family.stop("log")
    secrets = [bytes.fromhex(KEY), *(bytes.fromhex(question["mark"])[8:] for question in exchange.marked())]
    assert holding(short_path, secrets) == set(), "neither log, state, spool, status, metrics nor bundle"
    (short_path / "planted").write_text(f"a mark: {exchange.marked()[0]['mark']}")
    assert holding(short_path, secrets) == {"planted"}
    assert all(question.keys() == {"mark", "minutes"} for question in exchange.marked())
    assert len({question["mark"] for question in exchange.marked()}) == len(exchange.marked())
    records = records_of(gate.stage)
    decided = [one["body"]["evidence"]["registers"] or [] for one in records if one["kind"] == "decided"]
    said = [[(one["answer"], one["cause"], one["about"]) for one in found] for found in decided]
    assert said[0] == [("none", None, "")]
    assert [("hit", "presented_elsewhere", "gate gate-0002 at 14:05")] in said
    assert said[-1] == [("unknown", "no_answer", "")]
    assert not [question for question in exchange.marked() if question["mark"] in json.dumps(records)]
    assert not list((short_path / "registers" / "outbox").glob("*/*"))
