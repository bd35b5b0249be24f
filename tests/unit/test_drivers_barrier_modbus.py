"""The Modbus barrier driver against a controller that counts, on a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from fakes.barrier import AT_REST, Bench, bench
from fakes.links import Wrapped
from fakes.modbus_controller import CountingController
from fakes.virtual_time import run_virtual

from drivers.barrier.modbus.frames import ReadRequest, Registers, WriteRequest
from drivers.barrier.modbus.profile import load_profile
from drivers.barrier.modbus.session import Session
from drivers.errors import LinkLostError, NoReplyError, RefusedError, SetupError
from drivers.values import BarrierAlarm, BarrierStatus, Direction, LampColour, LeafPosition

RELEASE = (5, (0x5245,))
REVOKE = (1, (0, 0))


def on_bench(
    story: Callable[[Bench], Awaitable[None]],
    controller: CountingController | None = None,
    *,
    entry_is_left: bool = True,
) -> None:
    """Tell a story to a connected driver."""

    async def run() -> None:
        async with bench(controller, entry_is_left=entry_is_left) as made:
            await made.barrier.connect()
            await story(made)

    run_virtual(run())


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
        (CountingController(keeps_watchdog_at=0), "watchdog reads 0 ms"),
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
            alarms=frozenset({BarrierAlarm.FORCED, BarrierAlarm.OPEN_TOO_LONG, BarrierAlarm.HOST_LOST}), restarts=1,
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


class LosesWrites(Wrapped):
    """Loses the first `count` frames that write registers."""

    count = 0

    async def write(self, payload: bytes) -> None:
        if payload[1] == 16 and self.count:
            self.count -= 1
            return
        await self.inner.write(payload)


def with_lossy_line(made: Bench) -> list[LosesWrites]:
    made_links: list[LosesWrites] = []

    def wrap(link: Wrapped) -> LosesWrites:
        made_links.append(LosesWrites(link))
        return made_links[-1]

    made.host_line = wrap  # type: ignore[assignment]
    return made_links


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
    times_s = iter([10.0, 10.0 + took_s, 20.0])
    session = Session(profile=load_profile("portcullis-sim"), baud=115200, unit=1, entry_is_left=True)
    grant = session.grant(Direction.ENTRY, 1000, before=AT_REST, clock=lambda: next(times_s))
    order = next(grant)
    question = grant.send(None)
    assert isinstance(question, ReadRequest)
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
        await made.barrier.clear_alarms()
        assert (made.controller.lamp, made.controller.cleared) == (3, 0x7F)

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
        assert (await made.barrier.status()).at_rest

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
            made.barrier._link = link
            asking = tasks.create_task(made.barrier.status())
            await asyncio.sleep(0.01)
            made.controller.bodies = 1
        assert asking.result().bodies == 1
        assert made.barrier.health.silences == 1

    on_bench(story)


def test_the_deadline_counts_both_frames_at_the_lines_speed() -> None:
    def deadline_s(baud: int) -> float:
        session = Session(profile=load_profile("portcullis-sim"), baud=baud, unit=1, entry_is_left=True)
        return session.reply_deadline_s(WriteRequest(1, 0, (1000, 1, 0)))

    # 15 bytes out, 8 back, ten bits each, and 120 ms for the board.
    assert deadline_s(9600) == pytest.approx(0.120 + 230 / 9600)
    assert deadline_s(115200) == pytest.approx(0.120 + 230 / 115200)
