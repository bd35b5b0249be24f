"""Checks that a grant ends when the gate's program is killed: a child process grants a passage and is killed while the leaf is open.

The child is this module, `python -m gate.provision.host_kill`, with its order on standard input. It prints `open` when it has seen the
leaf open, or one line with the reason why not. It ends when its standard input ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from typing import Final

import msgspec

from drivers.barrier.contacts.profile import ContactsProfile
from drivers.barrier.framed.profile import FramedProfile
from drivers.barrier.modbus.profile import ModbusProfile, Pulse
from drivers.barrier.profiles import BarrierProfile
from drivers.barrier.settings import BarrierSettings
from gate.programs.shared.devices.barriers import barrier
from gate.provision.steps import Finding, StepError, step_errors
from gate_core.errors import DriverError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.drivers import BarrierFacts, Direction, LeafPosition
from gate_core.programs import clock
from gate_core.settings.environment import environment_with

CHILD_DEADLINE_S: Final = 20.0  # until the leaf is open on its grant
LEAF_S: Final = 4.0  # a leaf's way from open to closed
LONG_GRANT_MS: Final = 30_000
TIME_TO_LIVE: Final = "its time to live"
GRANTING: Final = "gate.provision.host_kill"


async def host_killed(settings: BarrierSettings, profile: BarrierProfile | BarrierFacts, *, ttl_ms: int) -> Finding:
    """Start a program that grants, kill it with the leaf open, and check that the board ends the grant alone. Raises StepError."""
    within_s, why = _ends_without_us(profile, ttl_ms)
    if why != TIME_TO_LIVE:
        # So long that it cannot be what ends the grant.
        ttl_ms = max((one for one in profile.ttl_ms if one <= LONG_GRANT_MS), default=ttl_ms)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", GRANTING),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment_with({}),
    )
    try:
        assert process.stdin is not None, "it is a pipe"
        process.stdin.write(json.dumps({"settings": settings.spelt(), "ttl_ms": ttl_ms}).encode() + b"\n")
        await process.stdin.drain()
        await _opened(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()
    killed_at_ms = clock.monotonic_ms()
    await asyncio.sleep(within_s + LEAF_S)
    return await _after(settings, killed_at_ms, why)


async def _opened(process: asyncio.subprocess.Process) -> None:
    """Wait until the child has seen the leaf open. Raises StepError."""
    assert process.stdout is not None, "it is a pipe"
    try:
        async with asyncio.timeout(CHILD_DEADLINE_S):
            said = (await process.stdout.readline()).decode().strip()
    except TimeoutError:
        said = "the leaf did not open"
    if said != "open":
        raise StepError(said or "the program that was to be killed ended by itself")


async def _after(settings: BarrierSettings, killed_at_ms: int, why: str) -> Finding:
    """Read the board's first status after the kill: a leaf that is closed then was closed by the board."""
    with step_errors(DriverError):
        driver = barrier(settings)
        try:
            await driver.connect()
            status = await driver.status()
            looked_ms = clock.monotonic_ms() - killed_at_ms
            with contextlib.suppress(DriverError):
                await driver.clear_alarms(tuple(Alarm))
        finally:
            driver.close()
    if status.position is not LeafPosition.CLOSED:
        raise StepError(
            f"the leaf is {status.position.value} {looked_ms / 1000:.1f} s after the program was killed: the grant outlived us"
        )
    told = ", and the board says that it lost its host" if Alarm.HOST_LOST in status.alarms else ""
    return Finding(
        f"the leaf was open, the program was killed, and {why} closed it{told}",
        {"looked_after_ms": looked_ms, "board_says_host_lost": Alarm.HOST_LOST in status.alarms},
    )


def _ends_without_us(profile: BarrierProfile | BarrierFacts, ttl_ms: int) -> tuple[float, str]:
    """Return the seconds within which an unpolled board must end a grant, and by what."""
    match profile:
        case ModbusProfile(grant=Pulse(lasts_ms=lasts_ms)):
            return lasts_ms / 1000, "the gate's own time"
        case ContactsProfile():
            return profile.grant.lasts_ms / 1000, "the gate's own time"
        case BarrierFacts(grant_ends_after_ms=int() as ends_after_ms):
            return ends_after_ms / 1000, f"its {profile.grant_ends_by.replace('_', ' ')}"
        case ModbusProfile() if profile.watchdog is not None:
            return profile.watchdog.ms / 1000, "its host watchdog"
        case FramedProfile() if profile.timings.lease_ms is not None:
            return profile.timings.lease_ms / 1000, "its lease"
        case FramedProfile():
            return (profile.timings.grant_ends_after_ms_max or ttl_ms) / 1000, "its own timer"
        case BarrierFacts() | ModbusProfile():
            return ttl_ms / 1000, TIME_TO_LIVE


# ── the program that is to be killed ─────────────────────────────────────────────────────────────────────────────────


async def grant_and_wait(settings: BarrierSettings, ttl_ms: int) -> None:
    """Grant, report when the leaf is open, and continue polling as a lane does."""
    driver = barrier(settings)
    await driver.connect()
    await driver.grant(Direction.ENTRY, ttl_ms)
    said = False
    while True:
        status = await driver.status()
        if status.position is LeafPosition.OPEN and not said:
            said = True
            sys.stdout.write("open\n")
            sys.stdout.flush()
        await asyncio.sleep(settings.poll_ms / 1000)


async def _main() -> None:
    order = json.loads(sys.stdin.readline())
    settings: BarrierSettings = msgspec.json.decode(order["settings"], type=BarrierSettings)
    working = asyncio.ensure_future(grant_and_wait(settings, int(order["ttl_ms"])))
    gone = asyncio.ensure_future(asyncio.to_thread(sys.stdin.readline))
    await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
    working.cancel()
    try:
        await working
    except DriverError as error:
        # At once: this program ends only when the thread that reads its standard input does.
        sys.stdout.write(f"{error}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_main())
