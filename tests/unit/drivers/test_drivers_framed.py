"""The driver of short-frame boards: what it believes, what it tells the board, and who else speaks on the line."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import pytest
from fakes.barrier import at_rest
from fakes.framed_boards import (
    CLOSED,
    EMERGENCY,
    FORCED,
    KINDS,
    OPEN,
    OPENING,
    STOPPED,
    CountingBoard,
    FramedBench,
    Kind,
    framed_bench,
    on_framed_bench,
    profile,
)

from drivers.barrier.framed.frames import Heard
from drivers.barrier.framed.session import Request, Session
from drivers.barrier.orders import Pause
from drivers.links import Link
from gate_contract.links import Wrapped
from gate_contract.virtual_time import run_virtual
from gate_core.errors import LinkLostError, NoReplyError, NotWellError, RefusedError, SetupError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import BarrierStatus, Direction, LampColour, LeafPosition


class Losing(Wrapped):
    """Loses so many of the frames that it is given next."""

    count = 0

    async def write(self, payload: bytes) -> None:
        if self.count:
            self.count -= 1
            return
        await self.inner.write(payload)


async def losing(made: FramedBench, *, host: int = 0, board: int = 0) -> None:
    """Connect anew over a line that loses frames from then on."""
    host_ends: list[Losing] = []
    board_ends: list[Losing] = []

    def wrap(ends: list[Losing], link: Link) -> Losing:
        ends.append(Losing(link))
        return ends[-1]

    made.host_line = lambda link: wrap(host_ends, link)
    made.board_line = lambda link: wrap(board_ends, link)
    await made.barrier.connect()
    await made.barrier.status()
    host_ends[0].count, board_ends[0].count = host, board
    made.board.told.clear()


async def asks(made: FramedBench, *, times: int) -> None:
    """What the lane's keeper does, as long as the line is there."""
    for _ in range(times):
        with contextlib.suppress(NoReplyError):
            await made.barrier.status()


# ── what it believes ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("entry_is_left", [True, False])
def test_a_status_says_what_the_board_says(kind: Kind, *, entry_is_left: bool) -> None:
    board = CountingBoard(kind=kind, position=STOPPED, beams=0b101, left=3, right=70, alarm=FORCED)

    async def story(made: FramedBench) -> None:
        board.position = STOPPED
        status = await made.barrier.status()
        assert (status.position, status.bodies, status.alarms) == (LeafPosition.STOPPED, 2, {Alarm.FORCED})
        assert (status.count_entry, status.count_exit) == ((3, 70) if entry_is_left else (70, 3))
        assert (status.fire, status.emergency_open, status.restarts) == (False, False, 1)

    on_framed_bench(story, board, entry_is_left=entry_is_left)


def ask_with(session: Session, *boards: CountingBoard) -> tuple[BarrierStatus, int]:
    """A status that hears these boards in turn, and how many it heard."""
    asking, asked = session.status(), 0
    try:
        next(asking)
        for board in boards:
            asked += 1
            asking.send(Heard(session.replies.decode(board.status())[0]))
    except StopIteration as end:
        status: BarrierStatus = end.value
        return status, asked
    raise AssertionError("it asks on")


def greeted(board: CountingBoard, *, clock: Callable[[], float] = lambda: 0.0) -> Session:
    session = Session(profile=profile(board.kind), baud=9600, unit=1, entry_is_left=True, clock=clock)
    hello = session.hello()
    with contextlib.suppress(StopIteration):
        next(hello)
        while True:
            hello.send(Heard(session.replies.decode(board.status())[0]))
    return session


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (CountingBoard(position=OPEN), CountingBoard()),
        (CountingBoard(beams=0b101), CountingBoard(beams=0b001)),
        (CountingBoard(alarm=FORCED), CountingBoard()),
        (CountingBoard(fire=True), CountingBoard()),
        (CountingBoard(emergency=True), CountingBoard()),
        (CountingBoard(), CountingBoard(left=1)),
        (CountingBoard(), CountingBoard(right=1)),
    ],
    ids=["closed", "bodies", "alarm", "fire", "emergency", "count left", "count right"],
)
def test_what_relaxes_needs_two_replies_and_what_tightens_counts_at_once(
    before: CountingBoard, after: CountingBoard
) -> None:
    session = greeted(before)
    held, _ = ask_with(session, before)
    lied, asked = ask_with(session, after, before)
    assert (lied, asked) == (held, 2)
    relaxed, asked = ask_with(session, after, after)
    assert (relaxed != held, asked) == (True, 2)
    if before.left == after.left and before.right == after.right:
        assert ask_with(session, before) == (held, 1)


def test_a_board_that_closes_at_last_is_believed_by_its_second_word() -> None:
    session = greeted(CountingBoard(position=OPEN))
    status, _ = ask_with(session, CountingBoard(position=4), CountingBoard())
    assert status.position is LeafPosition.CLOSED or status.position is LeafPosition.CLOSING
    status, _ = ask_with(session, CountingBoard(), CountingBoard())
    assert status.position is LeafPosition.CLOSED


def test_a_position_that_no_document_names_is_unknown() -> None:
    status, _ = ask_with(greeted(CountingBoard()), CountingBoard(position=99))
    assert status.position is LeafPosition.UNKNOWN


def test_counters_go_on_where_the_boards_are_full() -> None:
    async def story(made: FramedBench) -> None:
        made.board.left = 1
        assert (await made.barrier.status()).count_entry == 0x1_0001
        await made.barrier.connect()
        assert (await made.barrier.status()).count_entry == 0x1_0001

    on_framed_bench(story, CountingBoard(kind="italdis", left=0xFFFE))


@pytest.mark.parametrize("board", [CountingBoard(left=5), CountingBoard(kind="italdis")], ids=KINDS)
def test_a_board_that_was_powered_up_anew_must_be_connected_anew(board: CountingBoard) -> None:
    async def story(made: FramedBench) -> None:
        await made.barrier.grant(Direction.ENTRY, 5000)
        made.board.power_up()
        with pytest.raises(LinkLostError, match="powered up anew"):
            await made.barrier.status()
        with pytest.raises(LinkLostError, match="not connected"):
            await made.barrier.grant(Direction.ENTRY, 1000)
        await made.barrier.connect()
        status = await made.barrier.status()
        assert at_rest(status)
        assert status.count_entry == 0

    on_framed_bench(story, board)


# ── grants ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
def test_a_grant_goes_out_once_is_timed_and_ends_with_its_passage(kind: Kind) -> None:
    async def story(made: FramedBench) -> None:
        await asyncio.sleep(5)
        before_s = asyncio.get_running_loop().time()
        await made.barrier.grant(Direction.ENTRY, 4000)
        assert made.barrier.grant_written_at_s == pytest.approx(before_s, abs=0.01)
        assert (made.board.grants_made, made.board.grants_made_right) == (1, 0)
        assert (await made.barrier.status()).grants_left_entry == 1
        made.board.pass_through()
        status = await made.barrier.status()
        assert (status.count_entry, status.grants_left_entry) == (1, 0)

    on_framed_bench(story, CountingBoard(kind=kind))


def test_a_grant_that_the_boards_timer_ended_is_over_once_the_leaf_rests() -> None:
    async def story(made: FramedBench) -> None:
        await made.barrier.grant(Direction.ENTRY, 30_000)
        await asyncio.sleep(11)
        assert (await made.barrier.status()).grants_left_entry == 1
        made.board.position = CLOSED
        assert (await made.barrier.status()).grants_left_entry == 0

    on_framed_bench(story)


@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_answer_to_a_grant_is_answered_by_asking_and_the_grant_stands(kind: Kind) -> None:
    async def story(made: FramedBench) -> None:
        await made.barrier.status()
        made.board.told.clear()
        made.board.mute_after = 0
        await made.barrier.grant(Direction.ENTRY, 5000)
        assert made.board.told == ["left", "status", "status"]

    on_framed_bench(story, CountingBoard(kind=kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_grant_that_never_arrived_goes_out_again(kind: Kind) -> None:
    async def story(made: FramedBench) -> None:
        await losing(made, host=1)
        await made.barrier.grant(Direction.ENTRY, 5000)
        assert made.board.told == ["status", "status", "left"]
        assert made.board.grants_made == 1

    on_framed_bench(story, CountingBoard(kind=kind))


def test_a_leaf_that_begins_to_move_late_is_waited_for() -> None:
    async def story(made: FramedBench) -> None:
        made.board.moves = False
        await made.barrier.status()
        made.board.mute_after = 0
        asyncio.get_running_loop().call_later(0.45, setattr, made.board, "position", OPENING)
        await made.barrier.grant(Direction.ENTRY, 5000)
        assert made.board.grants_made == 1

    on_framed_bench(story)


@pytest.mark.parametrize("trace", ["stopped", "fire", "forced", "open before", "somebody left"])
def test_a_grant_of_unsure_fate_is_taken_back_and_not_repeated(trace: str) -> None:
    async def story(made: FramedBench) -> None:
        await losing(made)
        if trace == "open before":
            made.board.position = OPEN
            await made.barrier.status()
        await losing_now(made)
        match trace:
            case "stopped":
                made.board.position = STOPPED
            case "fire":
                made.board.fire = True
            case "forced":
                made.board.alarm = FORCED
            case "somebody left":
                made.board.right += 1
            case _:
                pass
        with pytest.raises(NoReplyError, match="stayed unknown"):
            await made.barrier.grant(Direction.ENTRY, 5000)
        assert made.board.grants_made == 0
        assert made.board.told[-1] == "close"

    async def losing_now(made: FramedBench) -> None:
        link = made.barrier._line
        assert isinstance(link, Losing)
        link.count = 1
        made.board.told.clear()

    on_framed_bench(story)


@pytest.mark.parametrize(
    ("unasked", "first", "after", "took_s", "following"),
    [
        (0, CountingBoard(), CountingBoard(), 1.9, "open_left"),
        (0, CountingBoard(left=1), CountingBoard(), 1.9, "close"),
        (1, CountingBoard(), CountingBoard(), 1.9, "close"),
        (0, CountingBoard(), CountingBoard(), 2.0, "close"),
    ],
    ids=["at rest", "two answers that differ", "a late answer", "its timer may have ended it"],
)
def test_a_grant_is_repeated_only_when_two_answers_in_time_agree_that_it_never_arrived(
    unasked: int, first: CountingBoard, after: CountingBoard, took_s: float, following: str
) -> None:
    now_s = [0.0]
    session = greeted(CountingBoard(), clock=lambda: now_s[0])
    before, _ = ask_with(session, CountingBoard())
    granting = session.grant(Direction.ENTRY, 5000, before=before)
    order = next(granting)
    assert isinstance(order, Request)
    assert order.grants
    assert isinstance(granting.send(Heard()), Pause), "until nothing from before it can come"
    now_s[0] = took_s
    next(granting)
    granting.send(Heard(session.replies.decode(first.status())[0], unasked=unasked))
    request = granting.send(Heard(session.replies.decode(after.status())[0]))
    commands = profile("ds205a").commands.named()
    assert isinstance(request, Request)
    assert request.wire == profile("ds205a").request_layout().encode({"address": 1, **commands[following]})


@pytest.mark.parametrize("kind", KINDS)
def test_a_board_that_says_no_is_asked_and_refused(kind: Kind) -> None:
    async def story(made: FramedBench) -> None:
        await made.barrier.status()
        made.board.refuses = True
        with pytest.raises((RefusedError, NoReplyError)):
            await made.barrier.grant(Direction.ENTRY, 5000)
        assert made.board.grants_made == 0
        assert made.board.told.count("left") == 1

    on_framed_bench(story, CountingBoard(kind=kind))


@pytest.mark.parametrize("direction", list(Direction))
def test_a_second_grant_is_refused_while_one_is_outstanding(direction: Direction) -> None:
    async def story(made: FramedBench) -> None:
        await made.barrier.grant(Direction.ENTRY, 5000)
        with pytest.raises(RefusedError, match="outstanding"):
            await made.barrier.grant(direction, 5000)
        assert made.board.grants_made + made.board.grants_made_right == 1

    on_framed_bench(story)


def test_a_revoke_that_comes_while_a_grants_answer_is_awaited_has_the_last_word() -> None:
    async def story(made: FramedBench) -> None:
        await made.barrier.status()
        made.board.mute_after = 0
        granting = asyncio.create_task(made.barrier.grant(Direction.ENTRY, 5000))
        await asyncio.sleep(0.01)
        assert made.board.grants_made == 1
        await made.barrier.revoke()
        with pytest.raises(RefusedError, match="withdrawn"):
            await granting
        assert (made.board.grants_made, made.board.granted_left) == (1, 0)

    on_framed_bench(story)


# ── freeing, emergencies ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
def test_a_release_opens_once_in_exit_direction_and_again_only_when_the_leaf_rests(kind: Kind) -> None:
    async def story(made: FramedBench) -> None:
        await made.barrier.release()
        await made.barrier.release()
        assert (made.board.grants_made, made.board.grants_made_right) == (0, 1)
        await losing(made, board=1)
        await made.barrier.release()
        assert made.board.told == ["right", "status"]
        await losing(made, host=1)
        made.board.position = CLOSED
        await made.barrier.release()
        assert made.board.told == ["status", "right"]

    on_framed_bench(story, CountingBoard(kind=kind))


def test_in_an_emergency_nothing_closes_and_nothing_is_granted() -> None:
    async def story(made: FramedBench) -> None:
        made.board.emergency = True
        assert (await made.barrier.status()).emergency_open
        made.board.told.clear()
        await made.barrier.revoke()
        with pytest.raises(RefusedError, match="emergency"):
            await made.barrier.grant(Direction.ENTRY, 5000)
        await made.barrier.connect()
        assert set(made.board.told) == {"status"}
        made.board.fire = True
        with pytest.raises(RefusedError, match="fire"):
            await made.barrier.end_emergency()
        assert set(made.board.told) == {"status"}
        made.board.fire = False
        await made.barrier.end_emergency()
        assert not (await made.barrier.status()).emergency_open

    on_framed_bench(story)


def test_alarms_are_cleared_where_the_board_can_be_told_and_the_lamp_is_its_own() -> None:
    async def story(made: FramedBench) -> None:
        made.board.told.clear()
        await made.barrier.clear_alarms((Alarm.FORCED,))
        assert not made.barrier.has_lamp
        await made.barrier.lamp(LampColour.GREEN)
        assert made.board.told == (["clear"] if made.board.kind == "italdis" else ["status"])

    for kind in KINDS:
        on_framed_bench(story, CountingBoard(kind=kind))


# ── who else speaks ──────────────────────────────────────────────────────────────────────────────────────────────────


class Beside(Wrapped):
    """A second board on the same wire: whatever the first answers, it answers, too."""

    other: CountingBoard | None = None

    async def write(self, payload: bytes) -> None:
        await self.inner.write(payload)
        if self.other is not None:
            await self.inner.write(self.other.status())


@pytest.mark.parametrize(("number", "why"), [(7, "another board than number 1"), (1, "nobody asked for")])
@pytest.mark.parametrize("kind", KINDS)
def test_another_board_puts_the_line_out_of_service_until_it_is_gone(kind: Kind, number: int, why: str) -> None:
    async def run() -> None:
        async with framed_bench(CountingBoard(kind=kind)) as made:
            made.board_line = Beside
            await made.barrier.connect()
            far = made.far
            assert isinstance(far, Beside)
            far.other = CountingBoard(kind=kind, unit=number)
            with pytest.raises(NotWellError, match=why):
                await asks(made, times=4)
            told = len(made.board.told)

            def beside(link: Link) -> Beside:
                ends = Beside(link)
                ends.other = CountingBoard(kind=kind, unit=number)
                return ends

            made.board_line = beside
            for _ in range(3):
                with pytest.raises(NotWellError, match=why):
                    await made.barrier.connect()
            assert set(made.board.told[told:]) == {"status"}  # nothing that could move a leaf
            made.board_line = lambda link: link
            await made.barrier.connect()
            assert at_rest(await made.barrier.status())

    run_virtual(run())


def test_one_stray_answer_makes_a_line_doubtful_and_a_doubtful_line_grants_nothing() -> None:
    async def story(made: FramedBench) -> None:
        assert made.far is not None
        await made.far.write(made.board.status())
        await made.barrier.status()
        with pytest.raises(RefusedError, match="nobody asked for"):
            await made.barrier.grant(Direction.ENTRY, 5000)
        for _ in range(4):
            await made.barrier.status()
        await made.barrier.grant(Direction.ENTRY, 5000)
        assert made.board.grants_made == 1
        assert made.barrier.describe()["unasked"] == 1

    on_framed_bench(story)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_wire_is_noticed_within_a_second(kind: Kind) -> None:
    async def story(made: FramedBench) -> None:
        made.board.deaf = True
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(LinkLostError, match="answered nothing"):
            await asks(made, times=4)
        assert asyncio.get_running_loop().time() - began_s < 1.0

    on_framed_bench(story, CountingBoard(kind=kind))


@pytest.mark.parametrize("deaf", [False, True])
def test_somebody_who_babbles_for_ever_holds_up_nobody(*, deaf: bool) -> None:
    async def run() -> None:
        async with framed_bench() as made:
            await made.barrier.connect()
            made.board.deaf = deaf
            babbling = asyncio.create_task(_babble(made))
            if deaf:
                with pytest.raises(LinkLostError, match="answered nothing"):
                    await asks(made, times=4)
            else:
                for _ in range(2):
                    await made.barrier.grant(Direction.ENTRY, 5000)
                    await made.barrier.revoke()
                assert made.board.grants_made == 2
            babbling.cancel()

    run_virtual(run())


async def _babble(made: FramedBench) -> None:
    while made.far is not None:
        with contextlib.suppress(LinkLostError):
            await made.far.write(b"\x7f\x01\x01\x7f" * 16)
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("unit", [0, 256])
def test_a_number_that_no_board_has_is_refused(unit: int) -> None:
    with pytest.raises(SetupError, match="addresses 1 to 255"):
        Session(profile=profile("ds205a"), baud=9600, unit=unit, entry_is_left=True, clock=lambda: 0.0)


# ── what a technician is told ────────────────────────────────────────────────────────────────────────────────────────


def test_the_check_says_that_a_timer_cannot_be_proved_and_sees_a_lease_work() -> None:
    async def timer(made: FramedBench) -> None:
        assert "only a walk shows" in await made.barrier.check()

    async def lease(made: FramedBench) -> None:
        asyncio.get_running_loop().call_later(7.05, setattr, made.board, "local", True)
        assert "lease of 7000 ms works" in await made.barrier.check()
        made.board.local = False
        with pytest.raises(NotWellError, match="lease does not work"):
            await made.barrier.check()

    on_framed_bench(timer)
    on_framed_bench(lease, CountingBoard(kind="italdis"))


@pytest.mark.parametrize(("position", "alarm", "why"), [(STOPPED, 0, "stopped"), (CLOSED, EMERGENCY, "fire input")])
def test_the_check_refuses_a_board_that_is_not_at_rest(position: int, alarm: int, why: str) -> None:
    class Stuck(CountingBoard):
        def _obey(self, order: str) -> None:
            super()._obey(order)
            self.position = position

    async def story(made: FramedBench) -> None:
        made.board.alarm = alarm
        with pytest.raises(NotWellError, match=why):
            await made.barrier.check()

    on_framed_bench(story, Stuck())
