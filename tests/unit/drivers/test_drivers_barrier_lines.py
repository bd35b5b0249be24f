"""What our barrier drivers share beyond the contract: how they are mounted, their lines, and that the contract sees a driver that errs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from fakes.contacts_gate import ContactsBench, contacts_bench
from fakes.line_bench import FRAMED, LINES, OWN, PROFILES, LineBench, line_bench
from fakes.stories import on

from drivers.barrier.modbus import session
from drivers.barrier.orders import GrantFate
from drivers.links import Link
from gate_contract.links import Delay, Echo, Wrapped
from gate_core.errors import DriverError, LinkLostError, NoReplyError
from gate_core.ports.memory_link import memory_pair
from gate_core.ports.values import Direction


@contextlib.asynccontextmanager
async def mounted(name: str, *, entry_is_left: bool) -> AsyncIterator[LineBench | ContactsBench]:
    """Any of them, the board's left on either side."""
    if name == "contacts":
        async with contacts_bench(entry_is_left=entry_is_left) as contacts:
            yield contacts
    else:
        async with line_bench(name, entry_is_left=entry_is_left) as made:
            yield made


@pytest.mark.parametrize("entry_is_left", [True, False])
@pytest.mark.parametrize("name", [*LINES, "contacts"])
@on(mounted, "name", "entry_is_left")
async def test_directions_are_as_the_board_is_mounted(made: LineBench | ContactsBench) -> None:
    before = await made.barrier.status()
    await made.barrier.grant(Direction.ENTRY, 5000)
    await asyncio.sleep(0.4)
    assert (await made.barrier.status()).grants_left_entry == 1
    side = Direction.ENTRY if made.grants(Direction.ENTRY) else Direction.EXIT
    assert made.grants(side) == 1
    made.pass_through(side)
    await asyncio.sleep(1)
    status = await made.barrier.status()
    assert (status.count_entry - before.count_entry, status.count_exit, status.grants_left_entry) == (1, 0, 0)


@pytest.mark.parametrize("name", PROFILES)
@on(lambda name: line_bench(name, entry_is_left=False), "name")
async def test_a_board_mounted_the_other_way_round_opens_its_other_side(made: LineBench) -> None:
    await made.barrier.grant(Direction.ENTRY, 5000)
    assert (made.grants(Direction.ENTRY), made.grants(Direction.EXIT)) == (0, 1)


@pytest.mark.parametrize("name", PROFILES)
@on(line_bench, "name")
async def test_a_two_wire_adapter_that_hears_itself_confirms_nothing(made: LineBench) -> None:
    made.host_line = Echo
    await made.barrier.connect()
    await made.barrier.grant(Direction.ENTRY, 5000)
    assert made.grants(Direction.ENTRY) == 1
    made.deafen()
    with pytest.raises((NoReplyError, LinkLostError)):
        await made.barrier.release()


class Counted(Wrapped):
    """A line that says when it is closed."""

    is_open = True

    def close(self) -> None:
        self.is_open = False
        super().close()


@pytest.mark.parametrize("name", [OWN, *FRAMED])
@on(line_bench, "name", connected=False)
async def test_two_who_connect_while_a_third_speaks_leave_one_line_open(made: LineBench) -> None:
    lines: list[Counted] = []

    def counted(link: Link) -> Counted:
        lines.append(Counted(link))
        return lines[-1]

    made.host_line = counted
    await made.barrier.connect()
    asking = asyncio.ensure_future(made.barrier.status())
    await asyncio.sleep(0)  # its request is on the wire: who connects now waits
    await asyncio.gather(made.barrier.connect(), made.barrier.connect())
    with contextlib.suppress(DriverError):
        await asking
    assert [line.is_open for line in lines] == [False, False, True]
    await made.barrier.status()


@on(lambda: line_bench("relay-8"))
async def test_a_status_beside_connecting_keeps_nobody_waiting(made: LineBench) -> None:
    """The status finds a relay on that nobody means to be on, and would tidy it up on a line that connecting does not let go."""
    made.host_line = lambda link: Delay(link, seed=3, delay_s_max=0.02)
    for gap_ms in range(0, 150, 3):
        await made.barrier.connect()
        with contextlib.suppress(DriverError):
            await made.barrier.grant(Direction.ENTRY, 30_000)
        connecting = asyncio.ensure_future(made.barrier.connect())
        await asyncio.sleep(gap_ms / 1000)
        asking = asyncio.ensure_future(made.barrier.status())
        await asyncio.sleep(2)
        async with asyncio.timeout(60):
            await made.barrier.release()
            await asyncio.gather(connecting, asking, return_exceptions=True)


async def test_a_captured_loss_without_words_ends_the_line() -> None:
    host, _ = memory_pair()
    host.lose("")
    with pytest.raises(LinkLostError, match="the other end is gone"):
        await host.write(b"x")


@on(lambda: line_bench(OWN))
async def test_a_board_hears_it_when_a_driver_repeats_blindly(made: LineBench) -> None:
    """What the contract counts is there to be seen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "grant_fate", lambda *_: GrantFate.NEVER_ARRIVED)
        made.mute(1)
        await made.barrier.grant(Direction.ENTRY, 5000)
    assert made.grants(Direction.ENTRY) == 2
