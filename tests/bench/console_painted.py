"""From a lane's word to the officers' overview as painted, with twelve gates: over the console connection with TLS, through the console, on one stream."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import tempfile
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

from core_fakes import shifts
from fakes.chromium import CHROMIUM, FLAGS
from fakes.console_gates import Console, ConsoleGate, console_gate
from fakes.console_pages import seed
from fakes.ports import free_port
from playwright.async_api import async_playwright

from bench.rows import Bench, Row
from gate_core.evidence.reasons import Reason
from gate_officers.console.config import AuthorityEntry, ConsoleConfig, Pages
from gate_officers.console.program import run

GATES = 12
CHANGES = 120
EVERY_S = 0.25
FLOOR_MS = 200.0
SIZE = {"width": 1280, "height": 900}
# Painted is the first task after the frame in which a row of somebody who waits came.
WATCH = """() => {
  window.painted = [];
  const channel = new MessageChannel();
  channel.port1.onmessage = () => window.painted.push(performance.timeOrigin + performance.now());
  new MutationObserver((changes) => {
    const rows = changes.flatMap((change) => [...change.addedNodes]).filter((node) => node.matches?.(".wait"));
    for (const _ of rows) requestAnimationFrame(() => channel.port2.postMessage(0));
  }).observe(document.getElementById("tiles"), {childList: true, subtree: true});
}"""


def console_painted_p95(bench: Bench) -> Row | None:  # noqa: ARG001 - its length is fixed
    """Of 120 referrals at twelve gates in turn."""
    if not CHROMIUM.exists():
        return None
    took_ms = _took_ms()
    ours = took_ms[int(0.95 * len(took_ms))]
    return Row(name="console_painted_p95", ours=ours, unit="ms", peer=FLOOR_MS, peer_name="the floor", floor=1.0)


def console_painted_p50(bench: Bench) -> Row | None:  # noqa: ARG001
    """The same, in the middle."""
    return None if not CHROMIUM.exists() else Row(name="console_painted_p50", ours=_took_ms()[CHANGES // 2], unit="ms")


@functools.cache
def _took_ms() -> list[float]:
    with tempfile.TemporaryDirectory(prefix="b-") as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> list[float]:
    console = Console(folder)
    async with contextlib.AsyncExitStack() as stack:
        gates = {}
        for number in range(GATES):
            name, place = f"north-{number + 1}", folder / str(number)
            place.mkdir()
            gates[name] = await stack.enter_async_context(console_gate(place, console.certificate, name))
        address = await stack.enter_async_context(_serving(folder, console, gates))
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        page = await browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        now_s = int(time.time())
        await seed(page, address, not_before=now_s - 60, until=now_s + 3600)
        await page.wait_for_selector(f".tile:nth-child({GATES}):not([data-need='lost'])")
        await page.evaluate(WATCH)
        said_ms = []
        for number in range(CHANGES):
            gate = gates[f"north-{number % GATES + 1}"]
            said_ms.append(time.time() * 1000)
            await gate.refer(f"c{number}", Reason.FACE_BELOW_THRESHOLD)
            await asyncio.sleep(EVERY_S)
        await asyncio.sleep(1.0)  # the last one is on its way
        painted_ms = await page.evaluate("window.painted")
        await browser.close()
    if len(painted_ms) != len(said_ms):
        raise RuntimeError(f"{len(painted_ms)} of {len(said_ms)} referrals were painted one by one")
    return sorted(painted - said for said, painted in zip(said_ms, painted_ms, strict=True))


@contextlib.asynccontextmanager
async def _serving(folder: Path, console: Console, gates: dict[str, ConsoleGate]) -> AsyncIterator[str]:
    """The console's program over these gates, at the address that is given."""
    port, stop, listening = free_port(), asyncio.Event(), asyncio.Event()
    address = f"http://127.0.0.1:{port}"
    config = ConsoleConfig(
        identity=str(console.identity),
        folder=str(folder / "console"),
        authority=AuthorityEntry(public=b64encode(shifts.PUBLIC).decode()),
        pages=Pages(address=f"127.0.0.1:{port}", origin=address),
        gates={name: gate.entry for name, gate in gates.items()},
    )
    running = asyncio.ensure_future(run(config, stop=stop, on_listening=listening.set))
    await listening.wait()
    yield address
    stop.set()
    await running
