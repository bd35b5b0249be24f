"""The Modbus driver before a board with our own map: what it writes and asks, and what it makes of the answers."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fakes.barrier import AT_REST
from fakes.line_bench import OWN, REVOKE, LineBench, Lying, line_bench, modbus_profile, writes
from fakes.stories import on

from drivers.barrier.modbus.session import Session
from drivers.modbus.frames import ReadRequest, Registers, WriteRequest
from gate_core.errors import LinkLostError, NoReplyError, RefusedError, SetupError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import BarrierStatus, Direction, LampColour, LeafPosition
from hardware_sim.barrier.controller import Alarm as Bit
from hardware_sim.barrier.controller import Controller
from hardware_sim.barrier.registers import BarrierRegisters
from hardware_sim.modbus import Slave

ENTRY = Direction.ENTRY


@contextlib.asynccontextmanager
async def lying(**lies: Any) -> AsyncIterator[LineBench]:
    async with line_bench(OWN) as made:
        made.slave = Slave(1, Lying(board(made), **lies))
        yield made


def own_board() -> contextlib.AbstractAsyncContextManager[LineBench]:
    return line_bench(OWN)


def board(made: LineBench) -> Controller:
    assert isinstance(made.board, Controller)
    return made.board


def session(*, baud: int = 115200, now_s: list[float] | None = None) -> Session:
    clock = now_s or [0.0]
    return Session(profile=modbus_profile(OWN), baud=baud, unit=1, entry_is_left=True, clock=lambda: clock[0])


# ── connecting ───────────────────────────────────────────────────────────────────────────────────────────────────────


@on(own_board)
async def test_connecting_arms_the_watchdog_and_revokes_what_stood_from_before(made: LineBench) -> None:
    assert writes(made) == [(3, (1000,)), REVOKE]
    assert made.barrier.health.connects == 1


@pytest.mark.parametrize(
    ("inputs", "holding", "why"),
    [
        ({0: 0x1234}, {}, "the profile expects"),
        ({1: 2}, {}, "the profile expects"),
        ({}, {3: 0}, "host watchdog .* reads 0 after 1000"),
        ({12: 1}, {}, "keeps a grant"),
        ({13: 1}, {}, "keeps a grant"),
    ],
)
@on(lying, "inputs", "holding", connected=False)
async def test_a_board_that_cannot_be_trusted_is_a_setup_error(made: LineBench, why: str) -> None:
    with pytest.raises(SetupError, match=why):
        await made.barrier.connect()
    with pytest.raises(LinkLostError):
        await made.barrier.status()


@on(own_board, connected=False)
async def test_a_silent_board_is_asked_four_times(made: LineBench) -> None:
    made.deafen()
    with pytest.raises(NoReplyError, match="does not answer"):
        await made.barrier.connect()
    assert made.barrier.health.requests == 4


# ── what it reads ────────────────────────────────────────────────────────────────────────────────────────────────────

TOLD = {2: 4, 4: 2, 5: 1, 6: 2, 7: 0, 8: 3, 9: 0b100101, 13: 1}


@on(own_board)
async def test_status_tells_everything_the_board_reports(made: LineBench) -> None:
    made.slave = Slave(1, Lying(board(made), inputs=TOLD))
    assert await made.barrier.status() == BarrierStatus(
        LeafPosition.CLOSING, 2, 0x10002, 3, 0, 1, fire=False, emergency_open=False,
        alarms=frozenset({Alarm.FORCED, Alarm.OPEN_TOO_LONG, Alarm.HOST_LOST}), restarts=1,
    )  # fmt: skip


@pytest.mark.parametrize("register", [0, 6, 0xFFFF])
@on(own_board)
async def test_a_position_the_map_does_not_name_is_unknown(made: LineBench, register: int) -> None:
    made.slave = Slave(1, Lying(board(made), inputs={2: register}))
    assert (await made.barrier.status()).position is LeafPosition.UNKNOWN


@on(own_board)
async def test_two_answers_to_status_never_have_the_same_length_in_a_row(made: LineBench) -> None:
    made.requests.clear()
    for _ in range(4):
        await made.barrier.status()
    counts = [request[5] for request in made.requests]
    assert sorted(counts[:2]) == sorted(counts[2:]) == [16, 17]
    assert counts[0] == counts[2]


@pytest.mark.parametrize("baud", [9600, 115200])
def test_the_deadline_counts_both_frames_at_the_lines_speed(baud: int) -> None:
    made, request = session(baud=baud), WriteRequest(1, 0, (1000, 1, 0))
    made.asks(request)
    made.hears(request, Registers(()), b"")
    # 15 bytes out, 8 back, ten bits each, and 60 ms for the board.
    assert made.reply_deadline_s(WriteRequest(1, 0, (1000, 1, 0))) == pytest.approx(0.060 + 230 / baud)


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@on(lambda: lying(deaf_to=(7,)))
async def test_an_emergency_ends_only_when_the_board_agrees(made: LineBench) -> None:
    board(made).emergency = True
    with pytest.raises(RefusedError, match="stays in its emergency"):
        await made.barrier.end_emergency()


@on(own_board)
async def test_lamp_and_alarms_reach_the_board(made: LineBench) -> None:
    made.requests.clear()
    await made.barrier.lamp(LampColour.AMBER)
    await made.barrier.clear_alarms(tuple(Alarm))
    await made.barrier.clear_alarms((Alarm.HOST_LOST, Alarm.OBSTRUCTED))
    assert writes(made) == [(4, (3,)), (6, (0x7F,)), (6, (0b100010,))], (
        "an alarm that nobody has seen yet is left alone"
    )


@on(own_board)
async def test_a_release_overtakes_queued_polls_and_a_revoke_follows_it(made: LineBench) -> None:
    made.requests.clear()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(made.barrier.status())
        await asyncio.sleep(0)
        tasks.create_task(made.barrier.revoke())
        tasks.create_task(made.barrier.release())
    assert [(request[1], request[3]) for request in made.requests][:3] == [(4, 0), (16, 5), (16, 1)]


@pytest.mark.parametrize("code", [5, 6])
@on(own_board)
async def test_a_controller_that_has_no_time_now_is_asked_again(made: LineBench, code: int) -> None:
    """One such answer lost a revocation."""
    await made.barrier.grant(ENTRY, 1000)
    made.refusals = [code] * 3
    await made.barrier.revoke()
    assert not made.stands(ENTRY)
    made.refusals = [code] * 3
    await made.barrier.status()
    made.refusals = [code] * 4
    with pytest.raises(RefusedError, match=f"exception {code}"):
        await made.barrier.revoke()
    made.refusals = [code] * 4
    with pytest.raises(NoReplyError):
        await made.barrier.status()


@on(own_board)
async def test_a_withdrawn_order_goes_no_further_than_the_request_on_the_wire_and_a_release_goes_on(
    made: LineBench,
) -> None:
    made.deafen()
    barrier = made.barrier
    clear = functools.partial(barrier.clear_alarms, tuple(Alarm))
    for order, requests in ((barrier.revoke, 1), (clear, 1), (barrier.release, 4)):
        before = barrier.health.requests
        running = asyncio.ensure_future(order())
        await asyncio.sleep(0.001)
        barrier.withdraw()
        with pytest.raises(RefusedError if requests == 1 else NoReplyError):
            await running
        assert barrier.health.requests - before == requests


# ── grants ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@on(own_board)
async def test_a_fresh_status_speaks_for_the_lane_and_an_old_one_is_asked_for_again(made: LineBench) -> None:
    await made.barrier.status()
    made.requests.clear()
    await made.barrier.grant(ENTRY, 4000)
    assert [request[1] for request in made.requests] == [16]
    assert writes(made) == [(0, (4000, 1, 0))]
    await made.barrier.revoke()
    await asyncio.sleep(1)
    await made.barrier.status()
    await asyncio.sleep(0.31)
    made.requests.clear()
    await made.barrier.grant(Direction.EXIT, 1000)
    assert [request[1] for request in made.requests] == [4, 16]
    assert writes(made) == [(0, (1000, 0, 1))]


@pytest.mark.parametrize("trace", ["leaf", "watchdog", "fire"])
@on(own_board)
async def test_a_grant_of_unsure_fate_is_taken_back_and_not_repeated(made: LineBench, trace: str) -> None:
    await made.barrier.status()
    made.requests.clear()
    made.lose(1)
    if trace == "leaf":
        board(made).force_leaf(90)
    elif trace == "watchdog":
        board(made).alarms |= Bit.HOST_LOST
    else:
        board(made).fire = True
    with pytest.raises(NoReplyError, match="stayed unknown"):
        await made.barrier.grant(ENTRY, 1000)
    # In an emergency not even the revoke is sent.
    assert writes(made) == ([] if trace == "fire" else [REVOKE])


@pytest.mark.parametrize(("took_s", "repeated"), [(0.9, True), (1.0, False)])
def test_a_grant_that_may_have_run_out_by_now_is_not_repeated(took_s: float, *, repeated: bool) -> None:
    now_s = [10.0]
    grant = session(now_s=now_s).grant(ENTRY, 1000, before=AT_REST)
    order = next(grant)
    question = grant.send(None)  # in a shape that nothing from before can have: at once
    assert isinstance(question, ReadRequest)
    now_s[0] += took_s
    at_rest = BarrierRegisters(Controller(lambda *_, **__: None)).read_input(0, question.count)
    following = grant.send(Registers(tuple(at_rest)))
    assert (following == order) == repeated
    assert (following == WriteRequest(1, *REVOKE)) == (not repeated)


@pytest.mark.parametrize("afterwards", ["silence", "refusal"])
@on(own_board)
async def test_a_board_that_fails_after_a_grant_is_told_to_revoke_and_the_fate_is_unknown(
    made: LineBench, afterwards: str
) -> None:
    made.requests.clear()
    made.mute(1 if afterwards == "refusal" else 100)
    granting = asyncio.ensure_future(made.barrier.grant(ENTRY, 1000))
    await asyncio.sleep(0.01)
    assert made.grants(ENTRY) == 1
    made.refusals = [4] * 100 if afterwards == "refusal" else []
    with pytest.raises(NoReplyError, match="a revoke was sent"):
        await granting
    assert REVOKE in writes(made)


@pytest.mark.parametrize("code", [1, 2, 3, 4])
@on(own_board)
async def test_a_board_that_says_no_is_refused_and_not_asked_again(made: LineBench, code: int) -> None:
    await made.barrier.status()
    made.requests.clear()
    made.refusals = [code]
    with pytest.raises(RefusedError, match=f"exception {code}"):
        await made.barrier.grant(ENTRY, 1000)
    assert len(made.requests) == 1


@on(own_board)
async def test_a_brown_out_during_a_grant_does_not_grant_again(made: LineBench) -> None:
    await made.barrier.status()
    made.lose(1)
    made.power_cycle()
    with pytest.raises(LinkLostError, match="powered up anew"):
        await made.barrier.grant(ENTRY, 1000)
    assert made.grants(ENTRY) == 0
