"""Grants of the Modbus barrier driver: once, never blindly again, and never after a revoke."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest
from fakes.barrier import AT_REST, REVOKE, Bench, on_bench, simulators_profile, with_lossy_line
from fakes.modbus_controller import CountingController

from drivers.barrier.modbus.session import Session
from drivers.modbus.frames import ReadRequest, Registers, WriteRequest
from gate_core.errors import LinkLostError, NoReplyError, RefusedError
from gate_core.ports.values import Direction


def test_a_grant_goes_out_once_with_its_time_to_live_and_is_timed() -> None:
    async def story(made: Bench) -> None:
        assert made.barrier.grant_written_at_s is None
        await asyncio.sleep(5)
        before_s = asyncio.get_running_loop().time()
        await made.barrier.grant(Direction.ENTRY, 4000)
        assert made.controller.writes[-1] == (0, (4000, 1, 0))
        assert made.barrier.grant_written_at_s == pytest.approx(before_s)
        assert (made.controller.grants_made, made.controller.grants_made_exit) == (1, 0)

    on_bench(story)


def test_a_fresh_status_speaks_for_the_lane_and_an_old_one_is_asked_for_again() -> None:
    async def story(made: Bench) -> None:
        await made.barrier.status()
        made.controller.requests.clear()
        await made.barrier.grant(Direction.ENTRY, 1000)
        assert [request[1] for request in made.controller.requests] == [16]
        await made.barrier.revoke()
        await made.barrier.status()
        await asyncio.sleep(0.31)
        made.controller.requests.clear()
        await made.barrier.grant(Direction.ENTRY, 1000)
        assert [request[1] for request in made.controller.requests] == [4, 16]

    on_bench(story)


@pytest.mark.parametrize("direction", list(Direction))
def test_a_second_grant_is_refused_while_one_is_outstanding(direction: Direction) -> None:
    async def story(made: Bench) -> None:
        await made.barrier.status()
        await made.barrier.grant(Direction.ENTRY, 1000)
        with pytest.raises(RefusedError, match="outstanding"):
            await made.barrier.grant(direction, 1000)
        assert made.controller.grants_made + made.controller.grants_made_exit == 1

    on_bench(story)


def test_a_status_asked_for_before_a_grant_does_not_speak_for_the_time_after_it() -> None:
    async def story(made: Bench) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(made.barrier.status())
            tasks.create_task(made.barrier.grant(Direction.ENTRY, 1000))
            tasks.create_task(made.barrier.status())
        with pytest.raises(RefusedError, match="outstanding"):
            await made.barrier.grant(Direction.ENTRY, 1000)
        assert made.controller.grants_made == 1

    on_bench(story)


@pytest.mark.parametrize("ttl_ms", [0, 999, 30_001])
def test_a_time_to_live_that_the_board_cannot_keep_is_a_value_error(ttl_ms: int) -> None:
    async def story(made: Bench) -> None:
        with pytest.raises(ValueError, match="time to live"):
            await made.barrier.grant(Direction.ENTRY, ttl_ms)

    on_bench(story)


def test_a_lost_reply_to_a_grant_is_answered_by_asking_and_the_grant_stands() -> None:
    async def story(made: Bench) -> None:
        made.controller.mute_after_writes = 0
        await made.barrier.grant(Direction.ENTRY, 1000)
        assert made.controller.grants_made == 1
        assert made.controller.requests[-1][1] == 4

    on_bench(story)


def test_a_traveller_who_is_through_before_the_host_asks_is_not_granted_a_second_passage() -> None:
    class Swift(CountingController):
        def _write(self, address: int, values: tuple[int, ...]) -> int:
            refusal = super()._write(address, values)
            if self.granted_entry:
                self.pass_through()
            return refusal

    async def story(made: Bench) -> None:
        made.controller.mute_after_writes = 0
        await made.barrier.grant(Direction.ENTRY, 1000)
        assert (made.controller.grants_made, made.controller.entries) == (1, 1)

    on_bench(story, Swift())


def test_a_grant_that_never_arrived_goes_out_again() -> None:
    async def story(made: Bench) -> None:
        links = with_lossy_line(made)
        await made.barrier.connect()
        links[0].count = 2
        await made.barrier.grant(Direction.ENTRY, 1000)
        assert made.controller.grants_made == 1
        assert made.barrier.health.silences == 2

    on_bench(story)


def test_a_grant_that_never_arrives_is_given_up_and_taken_back() -> None:
    async def story(made: Bench) -> None:
        links = with_lossy_line(made)
        await made.barrier.connect()
        links[0].count = 4
        with pytest.raises(NoReplyError, match="a revoke was sent"):
            await made.barrier.grant(Direction.ENTRY, 1000)
        assert made.controller.grants_made == 0
        assert made.controller.writes[-1] == REVOKE

    on_bench(story)


@pytest.mark.parametrize("trace", ["leaf", "watchdog", "fire"])
def test_a_grant_of_unsure_fate_is_taken_back_and_not_repeated(trace: str) -> None:
    async def story(made: Bench) -> None:
        links = with_lossy_line(made)
        await made.barrier.connect()
        links[0].count = 1
        await made.barrier.status()
        made.controller.writes.clear()
        if trace == "leaf":
            made.controller.position = 3
        elif trace == "watchdog":
            made.controller.alarms = 1 << 5
        else:
            made.controller.fire = True
        with pytest.raises(NoReplyError, match="stayed unknown"):
            await made.barrier.grant(Direction.ENTRY, 1000)
        # In an emergency not even the revoke is sent.
        assert made.controller.writes == ([] if trace == "fire" else [REVOKE])

    on_bench(story)


@pytest.mark.parametrize(("took_s", "repeated"), [(0.9, True), (1.0, False)])
def test_a_grant_that_may_have_run_out_by_now_is_not_repeated(took_s: float, *, repeated: bool) -> None:
    now_s = [10.0]
    session = Session(profile=simulators_profile(), baud=115200, unit=1, entry_is_left=True, clock=lambda: now_s[0])
    grant = session.grant(Direction.ENTRY, 1000, before=AT_REST)
    order = next(grant)
    question = grant.send(None)  # in a shape that nothing from before can have: at once
    assert isinstance(question, ReadRequest)
    now_s[0] += took_s
    at_rest = CountingController().input_registers()[: question.count]
    following = grant.send(Registers(tuple(at_rest)))
    assert (following == order) == repeated
    assert (following == WriteRequest(1, *REVOKE)) == (not repeated)


@pytest.mark.parametrize("afterwards", ["silence", "refusal"])
def test_a_board_that_fails_after_a_grant_is_told_to_revoke_and_the_fate_is_unknown(afterwards: str) -> None:
    class Fails(CountingController):
        def _answer(self, frame: bytes) -> bytes:
            answer = super()._answer(frame)
            if self.grants_made and afterwards == "silence":
                self.deaf = True
            elif self.grants_made:
                self.refuse_with = 4
            return b"" if frame[1] == 16 and frame[3] == 0 else answer

    async def story(made: Bench) -> None:
        with pytest.raises(NoReplyError, match="a revoke was sent"):
            await made.barrier.grant(Direction.ENTRY, 1000)
        assert made.controller.grants_made == 1
        revoke = WriteRequest(1, *REVOKE).wire
        assert made.controller.requests.count(revoke) > 1  # one while connecting

    on_bench(story, Fails())


@pytest.mark.parametrize("code", [1, 2, 3, 4])
def test_a_board_that_says_no_is_refused_and_not_asked_again(code: int) -> None:
    async def story(made: Bench) -> None:
        await made.barrier.status()
        made.controller.refuse_with = code
        made.controller.requests.clear()
        with pytest.raises(RefusedError, match=f"exception {code}"):
            await made.barrier.grant(Direction.ENTRY, 1000)
        assert len(made.controller.requests) == 1

    on_bench(story)


def test_a_board_that_was_powered_up_anew_must_be_connected_anew() -> None:
    async def story(made: Bench) -> None:
        made.controller.power_up()
        with pytest.raises(LinkLostError, match="powered up anew"):
            await made.barrier.status()
        with pytest.raises(LinkLostError, match="not connected"):
            await made.barrier.grant(Direction.ENTRY, 1000)
        await made.barrier.connect()
        assert (await made.barrier.status()).restarts == 2

    on_bench(story)


def test_a_brown_out_during_a_grant_does_not_grant_again() -> None:
    async def story(made: Bench) -> None:
        links = with_lossy_line(made)
        await made.barrier.connect()
        await made.barrier.status()
        links[0].count = 1
        made.controller.power_up()
        with pytest.raises(LinkLostError, match="powered up anew"):
            await made.barrier.grant(Direction.ENTRY, 1000)
        assert made.controller.grants_made == 0

    on_bench(story)


def test_a_revoke_that_comes_while_a_grant_waits_keeps_it_from_being_sent() -> None:
    async def story(made: Bench) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(made.barrier.status())
            await asyncio.sleep(0)
            granting = tasks.create_task(_outcome(made.barrier.grant(Direction.ENTRY, 1000)))
            await asyncio.sleep(0)
            tasks.create_task(made.barrier.revoke())
        assert granting.result() is RefusedError
        assert made.controller.grants_made == 0

    on_bench(story)


def test_a_revoke_that_comes_while_a_grants_reply_is_awaited_has_the_last_word() -> None:
    async def story(made: Bench) -> None:
        made.controller.mute_after_writes = 0
        async with asyncio.TaskGroup() as tasks:
            granting = tasks.create_task(_outcome(made.barrier.grant(Direction.ENTRY, 1000)))
            await asyncio.sleep(0.001)
            assert made.controller.grants_made == 1
            made.controller.mute_after_writes = None
            tasks.create_task(made.barrier.revoke())
        assert granting.result() is RefusedError
        assert (made.controller.grants_made, made.controller.granted_entry) == (1, 0)

    on_bench(story)


async def _outcome(call: Awaitable[None]) -> type[BaseException] | None:
    try:
        await call
    except RefusedError as error:
        return type(error)
    return None
