"""The Modbus barrier driver before a controller that counts, on a virtual clock: connecting, status, orders, emergency."""

from __future__ import annotations

import asyncio
import functools

import pytest
from fakes.barrier import RELEASE, REVOKE, Bench, at_rest, bench, on_bench, simulators_profile
from fakes.modbus_controller import CountingController, framed

from drivers.barrier.modbus.session import Session
from drivers.modbus.frames import Registers, WriteRequest
from gate_contract.links import Wrapped
from gate_contract.virtual_time import run_virtual
from gate_core.errors import LinkLostError, NoReplyError, RefusedError, SetupError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import BarrierStatus, Direction, LampColour, LeafPosition


def connect_fails(controller: CountingController, error: type[Exception], match: str) -> None:
    async def run() -> None:
        async with bench(controller) as made:
            with pytest.raises(error, match=match):
                await made.barrier.connect()
            with pytest.raises(LinkLostError):
                await made.barrier.status()

    run_virtual(run())


def test_connecting_arms_the_watchdog_and_revokes_what_stood_from_before() -> None:
    controller = CountingController(granted_entry=1, watchdog_ms=5000)

    async def story(made: Bench) -> None:
        assert controller.watchdog_ms == 1000
        assert controller.granted_entry == 0
        assert controller.writes == [(3, (1000,)), REVOKE]
        assert made.barrier.health.connects == 1

    on_bench(story, controller)


@pytest.mark.parametrize(
    ("controller", "match"),
    [
        (CountingController(identity=0x1234), "the profile expects"),
        (CountingController(map_version=2), "the profile expects"),
        (CountingController(keeps_watchdog_at=0), "host watchdog .* reads 0 after 1000"),
        (CountingController(granted_entry=1, keeps_grants=True), "keeps a grant"),
    ],
)
def test_a_board_that_cannot_be_trusted_is_a_setup_error(controller: CountingController, match: str) -> None:
    connect_fails(controller, SetupError, match)


def test_a_silent_board_is_no_reply_and_the_line_is_let_go() -> None:
    controller = CountingController(deaf=True)
    connect_fails(controller, NoReplyError, "does not answer")
    assert len(controller.requests) == 4


def test_status_tells_everything_the_board_reports() -> None:
    async def story(made: Bench) -> None:
        board = made.controller
        board.position, board.bodies, board.entries, board.exits = 4, 2, 0x10002, 3
        board.alarms, board.granted_exit = 0b100101, 1
        assert await made.barrier.status() == BarrierStatus(
            LeafPosition.CLOSING, 2, 0x10002, 3, 0, 1, fire=False, emergency_open=False,
            alarms=frozenset({Alarm.FORCED, Alarm.OPEN_TOO_LONG, Alarm.HOST_LOST}), restarts=1,
        )  # fmt: skip

    on_bench(story)


@pytest.mark.parametrize("register", [0, 6, 0xFFFF])
def test_a_position_the_map_does_not_name_is_unknown(register: int) -> None:
    async def story(made: Bench) -> None:
        made.controller.position = register
        assert (await made.barrier.status()).position is LeafPosition.UNKNOWN

    on_bench(story)


def test_a_lane_mounted_the_other_way_round_swaps_counts_and_grants() -> None:
    async def story(made: Bench) -> None:
        made.controller.entries = 7
        await made.barrier.grant(Direction.EXIT, 1000)
        status = await made.barrier.status()
        assert (status.count_entry, status.count_exit) == (0, 7)
        assert (status.grants_left_entry, status.grants_left_exit) == (0, 1)
        assert made.controller.granted_entry == 1

    on_bench(story, entry_is_left=False)


def test_two_answers_to_status_never_have_the_same_length_in_a_row() -> None:
    async def story(made: Bench) -> None:
        made.controller.requests.clear()
        for _ in range(4):
            await made.barrier.status()
        counts = [request[5] for request in made.controller.requests]
        assert sorted(counts[:2]) == sorted(counts[2:]) == [16, 17]
        assert counts[0] == counts[2]

    on_bench(story)


def test_in_an_emergency_nothing_that_closes_is_sent() -> None:
    async def story(made: Bench) -> None:
        made.controller.fire = made.controller.emergency = True
        await made.barrier.status()
        made.controller.writes.clear()
        await made.barrier.revoke()
        with pytest.raises(RefusedError, match="emergency"):
            await made.barrier.grant(Direction.ENTRY, 1000)
        assert made.controller.writes == []
        await made.barrier.release()
        assert made.controller.writes == [RELEASE]

    on_bench(story)


def test_connecting_in_an_emergency_revokes_nothing() -> None:
    controller = CountingController(emergency=True, granted_entry=1)

    async def story(made: Bench) -> None:
        assert controller.writes == [(3, (1000,))]
        await made.barrier.end_emergency()
        assert controller.granted_entry == 0
        assert not (await made.barrier.status()).emergency_open

    on_bench(story, controller)


def test_an_emergency_ends_only_when_the_board_agrees() -> None:
    class Stubborn(CountingController):
        def _write(self, address: int, values: tuple[int, ...]) -> int:
            return 0 if address == 7 else super()._write(address, values)

    async def fire_lasts(made: Bench) -> None:
        made.controller.fire = made.controller.emergency = True
        with pytest.raises(RefusedError, match="exception 4"):
            await made.barrier.end_emergency()

    async def board_stays(made: Bench) -> None:
        made.controller.emergency = True
        with pytest.raises(RefusedError, match="stays in its emergency"):
            await made.barrier.end_emergency()

    on_bench(fire_lasts)
    on_bench(board_stays, Stubborn())


def test_lamp_and_alarms_reach_the_board() -> None:
    async def story(made: Bench) -> None:
        await made.barrier.lamp(LampColour.AMBER)
        await made.barrier.clear_alarms(tuple(Alarm))
        assert (made.controller.lamp, made.controller.cleared) == (3, 0x7F)
        await made.barrier.clear_alarms((Alarm.HOST_LOST, Alarm.OBSTRUCTED))
        assert made.controller.cleared == 0b100010, "an alarm that nobody has seen yet is left alone"

    on_bench(story)


def test_a_release_overtakes_queued_polls_and_a_revoke_follows_it() -> None:
    async def story(made: Bench) -> None:
        made.controller.requests.clear()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(3):
                tasks.create_task(made.barrier.status())
            await asyncio.sleep(0)
            tasks.create_task(made.barrier.revoke())
            tasks.create_task(made.barrier.release())
        order = [(request[1], request[3]) for request in made.controller.requests]
        assert order[:3] == [(4, 0), (16, 5), (16, 1)]

    on_bench(story)


@pytest.mark.parametrize("code", [5, 6])
def test_a_controller_that_has_no_time_now_is_asked_again(code: int) -> None:
    """One such answer lost a revocation."""

    class Busy(CountingController):
        busy = 0

        def _answer(self, frame: bytes) -> bytes:
            if self.busy:
                self.busy -= 1
                return framed(bytes((frame[0], frame[1] | 0x80, code)))
            return super()._answer(frame)

    controller = Busy()

    async def story(made: Bench) -> None:
        await made.barrier.grant(Direction.ENTRY, 1000)
        controller.busy = 3
        await made.barrier.revoke()
        assert controller.granted_entry == 0
        controller.busy = 3
        assert at_rest(await made.barrier.status())
        controller.busy = 4
        with pytest.raises(RefusedError, match=f"exception {code}"):
            await made.barrier.revoke()
        controller.busy = 4
        with pytest.raises(NoReplyError):
            await made.barrier.status()

    on_bench(story, controller)


def test_a_withdrawn_order_goes_no_further_than_the_request_on_the_wire_and_a_release_goes_on() -> None:
    controller = CountingController()

    async def story(made: Bench) -> None:
        controller.deaf = True
        clear = functools.partial(made.barrier.clear_alarms, tuple(Alarm))
        for order, requests in ((made.barrier.revoke, 1), (clear, 1), (made.barrier.release, 4)):
            controller.requests.clear()
            running = asyncio.ensure_future(order())
            await asyncio.sleep(0.001)
            made.barrier.withdraw()
            with pytest.raises(RefusedError if requests == 1 else NoReplyError):
                await running
            assert len(controller.requests) == requests

    on_bench(story, controller)


def test_a_grant_that_is_withdrawn_while_it_asks_for_status_is_not_written() -> None:
    async def story(made: Bench) -> None:
        await asyncio.sleep(1)  # the status of the hello is old
        made.controller.requests.clear()
        granting = asyncio.ensure_future(made.barrier.grant(Direction.ENTRY, 1000))
        await asyncio.sleep(0)
        made.barrier.withdraw()
        with pytest.raises(RefusedError, match="withdrawn"):
            await granting
        assert made.controller.grants_made == 0

    on_bench(story)


def test_an_unplugged_cable_wakes_whoever_waits_and_connecting_recovers() -> None:
    async def story(made: Bench) -> None:
        made.controller.deaf = True
        async with asyncio.TaskGroup() as tasks:

            async def wait() -> None:
                with pytest.raises(LinkLostError):
                    await made.barrier.status()

            tasks.create_task(wait())
            await asyncio.sleep(0.01)
            made.unplug()
        for call in (made.barrier.status, made.barrier.release, made.barrier.revoke, made.barrier.connect):
            with pytest.raises(LinkLostError):
                await call()
        made.plugged, made.controller.deaf = True, False
        await made.barrier.connect()
        assert at_rest(await made.barrier.status())

    on_bench(story)


def test_a_late_answer_to_an_earlier_question_does_not_pass_for_the_next_ones() -> None:
    class HoldsTheFirst(Wrapped):
        held = b""

        async def write(self, payload: bytes) -> None:
            if not self.held:
                self.held = payload
                return
            await self.inner.write(self.held + payload)
            self.held = payload

    async def story(made: Bench) -> None:
        await made.barrier.connect()
        made.board_line = HoldsTheFirst
        made.barrier.close()
        async with asyncio.TaskGroup() as tasks:
            link = await made.barrier._open_link()
            made.barrier._line = link
            asking = tasks.create_task(made.barrier.status())
            await asyncio.sleep(0.01)
            made.controller.bodies = 1
        assert asking.result().bodies == 1
        assert made.barrier.health.silences == 1

    on_bench(story)


def test_the_deadline_counts_both_frames_at_the_lines_speed() -> None:
    def deadline_s(baud: int) -> float:
        session = Session(profile=simulators_profile(), baud=baud, unit=1, entry_is_left=True, clock=lambda: 0.0)
        request = WriteRequest(1, 0, (1000, 1, 0))
        session.asks(request)
        session.hears(request, Registers(()), b"")
        return session.reply_deadline_s(WriteRequest(1, 0, (1000, 1, 0)))

    # 15 bytes out, 8 back, ten bits each, and 60 ms for the board.
    assert deadline_s(9600) == pytest.approx(0.060 + 230 / 9600)
    assert deadline_s(115200) == pytest.approx(0.060 + 230 / 115200)
