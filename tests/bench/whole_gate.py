"""The whole gate against the floors that were set for it: decision, status, start, memory. One demo serves all its rows.

The decision's time runs from "chip read and enough good frames present" to the grant's first byte on the wire, with the
durable record in between.
"""

from __future__ import annotations

import asyncio
import functools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import tomli_w
from fakes.whole_gate import Onlooker, running

from bench.rows import Bench, Row
from gate.programs.shared.terminal import Terminal
from gate_core.evidence.screen import Screen
from gate_core.orders.verbs import Verb
from gate_demo.machine import descendants

DECISION_P95_FLOOR_MS = 150.0
STATUS_FLOOR_MS = 300.0
READY_FLOOR_MS = 3000.0
DEMO_DEADLINE_S = 1200
IDLE_FLOOR_PERCENT = 3.0
SETTLES_S = 10.0  # what a start leaves to do
IDLE_S = 60.0
PRESENT_EVERY_S = (
    60.0  # as a console says it. The demo's officer says so each second, for a gate that forgets them after five
)
TRAVELLERS_A_ROUND = 3  # the 95th percentile of twenty would be the slowest


@functools.cache
def _demo(rounds: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "gate.cli", "demo", "--scenario", "genuine", "--headless", "--json"]
    done = subprocess.run(
        [*command, "--travellers", str(rounds * TRAVELLERS_A_ROUND)],
        stdout=subprocess.PIPE,
        check=True,
        timeout=DEMO_DEADLINE_S,
    )
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def _against_floor(name: str, ours_ms: float, floor_ms: float) -> Row:
    return Row(name=name, ours=ours_ms, unit="ms", peer=floor_ms, peer_name="the floor", floor=1.0)


def decision_p50(bench: Bench) -> Row:
    """The median, for comparison with the aim of 50 ms."""
    return Row(name="decision_p50", ours=_demo(bench.rounds)["decision_ms"]["p50"], unit="ms")


def decision_p95(bench: Bench) -> Row:
    """The 95th percentile."""
    return _against_floor("decision_p95", _demo(bench.rounds)["decision_ms"]["p95"], DECISION_P95_FLOOR_MS)


def programs_ready(bench: Bench) -> Row:
    """From the start of all programs to the last one's answer."""
    return _against_floor("programs_ready", _demo(bench.rounds)["ready_s"] * 1000, READY_FLOOR_MS)


def programs_memory(bench: Bench) -> Row:
    """All programs and their children together, shared pages in proportion."""
    return Row(name="programs_memory", ours=sum(_demo(bench.rounds)["memory_mb"].values()), unit="MB")


def programs_idle(_: Bench) -> Row:
    """All programs and their children with nobody there: the share of one core, over a minute."""
    with tempfile.TemporaryDirectory() as folder:
        share = asyncio.run(_idle_percent(Path(folder)))
    return Row("programs_idle", share, "%", peer=IDLE_FLOOR_PERCENT, peer_name="the floor", floor=1.0)


class _Present(Onlooker):
    """One who is at the lane, and has nothing to do."""

    async def _work(self, terminal: Terminal) -> None:
        while True:
            await self._order(terminal, Verb.PRESENT)
            await asyncio.sleep(PRESENT_EVERY_S)


async def _idle_percent(folder: Path) -> float:
    remembered = {"rules": {"officer_presence_max_s": int(2 * PRESENT_EVERY_S)}}  # as where a site says nothing of it
    async with running(folder, officer=_Present, tables=remembered) as gate:
        await gate.until(Screen.WELCOME)
        await asyncio.sleep(SETTLES_S)
        roots = [child.pid for child in gate.family.children.values() if child.pid]
        before = _ran_ns(roots)
        await asyncio.sleep(IDLE_S)
        return (_ran_ns(roots) - before) / 1e9 / IDLE_S * 100


def _ran_ns(roots: list[int]) -> int:
    """How long the scheduler had these processes and their children run. Not the ticks of proc(5)'s stat: what wakes by a timer is caught
    by the tick far oftener than it runs.
    """
    pids = [*roots, *(child for root in roots for child in descendants(root))]
    tasks = (task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir())
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


def status_cold(bench: Bench) -> Row:
    """`gate status` as a new process, with nothing running."""
    took_ms = []
    with tempfile.TemporaryDirectory() as folder:
        table = {
            "purpose": "demo",
            "gate_id": "bench",
            "operator": "bench.invalid",
            "paths": {"run": folder},
            "barrier": {"port": "none"},
            "swipe": {"port": "nothing"},
            "camera": {"address": "http://127.0.0.1:9/"},
            "audit": {"recipients": ["none"]},
        }
        with Path(folder, "gate.toml").open("wb") as file:
            tomli_w.dump(table, file)
        command = [sys.executable, "-m", "gate.cli", "status", "--config", f"{folder}/gate.toml", "--json"]
        for _ in range(bench.rounds):
            started = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
            took_ms.append((time.perf_counter() - started) * 1000)
    return _against_floor("status_cold", statistics.median(took_ms), STATUS_FLOOR_MS)
