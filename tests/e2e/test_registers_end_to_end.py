"""A gate whose documents a signed list must answer for: a hit, its owner, a program that is away, and whoever asks for protection."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from e2e.test_lists_end_to_end import records_of
from fakes.whole_gate import PROGRAMS, running

from gate.demo import stage as staging
from gate.passage.screen import Screen

pytestmark = pytest.mark.e2e


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
