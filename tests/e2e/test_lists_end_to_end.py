"""A revocation list that comes by itself while the gate runs: the next traveller whose document it revokes is referred."""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes.whole_gate import PROGRAMS, running

from gate.programs.shared.runner import status_of
from gate_core.evidence.screen import Screen
from gate_demo import stage as staging
from gate_demo.stage import Stage
from hardware_sim.passport.issuer import Issuer
from hardware_sim.passport.office import SIGNERS

pytestmark = pytest.mark.e2e
DEADLINE_S = 30.0
SEED = 1  # of the world that `running` starts


def deliver_revocations(downloads: Path) -> None:
    """As a directory's downloader does. Every signer of two of the country's CSCAs is revoked; the third's key is never the same."""
    issuer = Issuer(SEED)
    serials = [issuer.signer_serial(name) for name in SIGNERS]
    for line in (1, 2):
        (downloads / "coming").write_bytes(issuer.crl(line, number=9, revoked=serials))
        (downloads / "coming").rename(downloads / f"UT{line}.crl")


async def detail_of(stage: Stage, program: str, question: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            status = await status_of(stage.config, program)
            detail: Any = None if status is None else status.detail["lists"]
            if status is not None and question(detail):
                return dict(detail)
            await asyncio.sleep(0.1)


def records_of(stage: Stage) -> list[dict[str, Any]]:
    bundle = stage.folder / "log.bundle"
    staging.command("audit", "export", "--out", str(bundle), "--spool", str(stage.spool))
    note = stage.folder / f"{secrets.token_hex(4)}.note"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "gate.cli", "audit", "decrypt", str(bundle)),
            *("--identity", str(stage.identities[0])),
            *("--purpose", "a test", "--case", "1", "--access-note", str(note)),
        ],
        capture_output=True,
        check=True,
        timeout=60,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.long
async def test_a_signer_that_is_revoked_while_the_gate_runs_is_referred_from_the_next_traveller_on(
    short_path: Path,
) -> None:
    downloads = short_path / "downloads"
    downloads.mkdir()
    lists = {"folder": str(downloads), "test": True, "check_every_ms": 100}
    async with running(short_path, programs=(*PROGRAMS, "sync"), tables={"lists": lists}) as gate:
        await gate.until(Screen.WELCOME)
        before = await detail_of(gate.stage, "lane", bool)
        assert await gate.passes()
        deliver_revocations(downloads)
        imported = await detail_of(gate.stage, "sync", lambda lists: lists["revocation_lists"] == 2)
        now = await detail_of(gate.stage, "lane", lambda lists: lists["version"] == imported["version"])
        assert now["version"] != before["version"]
        assert await gate.passages() == 0
        status = staging.command("status", "--config", str(gate.stage.config_path))
        assert status["lists"]["version"] == status["lists"]["import"]["version"] == now["version"]
        await gate.family.stop("lane")
        await gate.family.stop("log")
    records = records_of(gate.stage)
    bodies = {
        kind: [one["body"] for one in records if one["kind"] == kind]
        for kind in ("started", "decided", "lists_updated")
    }
    assert [body["lists"] for body in bodies["started"]] == [before["version"]]
    assert [(body["before"], body["version"]) for body in bodies["lists_updated"]] == [
        (before["version"], now["version"])
    ]
    assert [body["evidence"]["document"]["lists"] for body in bodies["decided"]] == [before["version"], now["version"]]
    assert [body["decision"] for body in bodies["decided"]] == ["admit", "refer"]
    assert {"reason": "document_check_failed", "detail": "revocation"} in bodies["decided"][1]["reasons"]
