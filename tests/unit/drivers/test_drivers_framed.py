"""The driver of short-frame boards: what it believes, what it tells the board, and who else speaks on the line."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import pytest
from fakes.framed_boards import Beside, Said, Standing, framed_profile
from fakes.line_bench import FRAMED, LineBench, line_bench
from fakes.stories import on

from drivers.barrier.framed.frames import Heard
from drivers.barrier.framed.session import Request, Session
from drivers.barrier.orders import Pause
from gate_core.errors import LinkLostError, NoReplyError, NotWellError, RefusedError, SetupError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import BarrierStatus, Direction, LampColour, LeafPosition
from hardware_sim.barrier.beams import Way
from hardware_sim.barrier.swing import SwingBoard

CLOSED, OPENING, OPEN, CLOSING, STOPPED = range(1, 6)
ENTRY, EXIT = Direction.ENTRY, Direction.EXIT
BOTH = pytest.mark.parametrize("name", FRAMED)
ORDERS = {
    **{bytes((0x7E, 0, 1, command)): told for command, told in ((0x10, "?"), (0x80, "left"), (0x82, "right"), (0x84, "close"))},
    b"\x21\x70\x90\x80": "?", b"\x21\x61\x91\x81": "left", b"\x21\x61\x92\x81": "right", b"\x21\x61\x93\x80": "close",
    b"\x21\x61\x94\x80": "end", b"\x21\x61\x95\x80": "clear",
}  # fmt: skip


def ds205a() -> contextlib.AbstractAsyncContextManager[LineBench]:
    return line_bench("ds205a")


def board(made: LineBench) -> SwingBoard:
    assert isinstance(made.board, SwingBoard)
    return made.board


def told(made: LineBench) -> list[str]:
    """What the board heard, by its words; `?` asks for a status."""
    return [ORDERS[request[:4]] for request in made.requests]


async def quiet(made: LineBench) -> None:
    """A fresh status; what was told before is forgotten."""
    await made.barrier.status()
    made.requests.clear()


async def asks(made: LineBench, *, times: int = 4) -> None:
    """What the lane's keeper does, as long as the line is there."""
    for _ in range(times):
        with contextlib.suppress(NoReplyError):
            await made.barrier.status()


# ── what it believes ─────────────────────────────────────────────────────────────────────────────────────────────────


@BOTH
@pytest.mark.parametrize("entry_is_left", [True, False])
@on(line_bench, "name", "entry_is_left", connected=False)
async def test_a_status_says_what_the_board_says(made: LineBench) -> None:
    one, another = (3, 70) if made.barrier._session._entry_is_left else (70, 3)
    board(made).leaf, made.broken = Standing(STOPPED), (True, False, True)
    board(made).passages = {Way.ENTRY: 3, Way.EXIT: 70}
    board(made).force_leaf(0)
    await made.barrier.connect()
    assert await made.barrier.status() == BarrierStatus(
        LeafPosition.STOPPED, 2, one, another, 0, 0, fire=False, emergency_open=False,
        alarms=frozenset({Alarm.FORCED}), restarts=1,
    )  # fmt: skip


def ask_with(session: Session, *said: Said) -> tuple[BarrierStatus, int]:
    """A status that hears these answers in turn, and how many it heard."""
    asking, asked = session.status(), 0
    try:
        next(asking)
        for one in said:
            asked += 1
            asking.send(Heard(session.replies.decode(one.wire())[0]))
    except StopIteration as end:
        status: BarrierStatus = end.value
        return status, asked
    raise AssertionError("it asks on")


def greeted(said: Said, *, clock: Callable[[], float] = lambda: 0.0) -> Session:
    session = Session(profile=framed_profile(said.kind), baud=9600, unit=1, entry_is_left=True, clock=clock)
    hello = session.hello()
    with contextlib.suppress(StopIteration):
        next(hello)
        while True:
            hello.send(Heard(session.replies.decode(said.wire())[0]))
    return session


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Said(position=OPEN), Said()),
        (Said(beams=(True, False, True)), Said(beams=(True, False, False))),
        (Said(forced=True), Said()),
        (Said(fire=True), Said()),
        (Said(emergency=True), Said()),
        (Said(), Said(left=1)),
        (Said(), Said(right=1)),
    ],
    ids=["closed", "bodies", "alarm", "fire", "emergency", "count left", "count right"],
)
def test_what_relaxes_needs_two_replies_and_what_tightens_counts_at_once(before: Said, after: Said) -> None:
    session = greeted(before)
    held, _ = ask_with(session, before)
    lied, asked = ask_with(session, after, before)
    assert (lied, asked) == (held, 2)
    relaxed, asked = ask_with(session, after, after)
    assert (relaxed != held, asked) == (True, 2)
    if before.left == after.left and before.right == after.right:
        assert ask_with(session, before) == (held, 1)


def test_a_board_that_closes_at_last_is_believed_by_its_second_word() -> None:
    session = greeted(Said(position=OPEN))
    status, _ = ask_with(session, Said(position=CLOSING), Said())
    assert status.position in {LeafPosition.CLOSED, LeafPosition.CLOSING}
    status, _ = ask_with(session, Said(), Said())
    assert status.position is LeafPosition.CLOSED


def test_a_position_that_no_document_names_is_unknown() -> None:
    status, _ = ask_with(greeted(Said()), Said(position=99))
    assert status.position is LeafPosition.UNKNOWN


@on(lambda: line_bench("italdis"), connected=False)
async def test_counters_go_on_where_the_boards_are_full(made: LineBench) -> None:
    board(made).passages[Way.ENTRY] = 0xFFFE
    await made.barrier.connect()
    board(made).passages[Way.ENTRY] = 1
    assert (await made.barrier.status()).count_entry == 0x1_0001
    await made.barrier.connect()
    assert (await made.barrier.status()).count_entry == 0x1_0001


@pytest.mark.parametrize("unit", [0, 256])
def test_a_number_that_no_board_has_is_refused(unit: int) -> None:
    with pytest.raises(SetupError, match="addresses 1 to 255"):
        Session(profile=framed_profile("ds205a"), baud=9600, unit=unit, entry_is_left=True, clock=lambda: 0.0)


# ── grants ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@on(ds205a)
async def test_a_grant_that_the_boards_timer_ended_is_over_once_the_leaf_rests(made: LineBench) -> None:
    await made.barrier.grant(ENTRY, 30_000)
    board(made).leaf = Standing(OPEN)
    await asyncio.sleep(11)
    assert (await made.barrier.status()).grants_left_entry == 1
    board(made).leaf = Standing(CLOSED)
    assert (await made.barrier.status()).grants_left_entry == 0


@pytest.mark.parametrize(
    ("loses", "heard"),
    [(LineBench.mute, ["left", "?", "?"]), (LineBench.lose, ["?", "?", "left"])],
    ids=["answer", "grant"],
)
@BOTH
@on(line_bench, "name")
async def test_a_grant_without_an_answer_is_asked_for_twice_and_goes_out_again_if_it_never_came(
    made: LineBench, loses: Callable[[LineBench, int], None], heard: list[str]
) -> None:
    await quiet(made)
    loses(made, 1)
    await made.barrier.grant(ENTRY, 5000)
    assert told(made) == heard


@on(ds205a)
async def test_a_leaf_that_begins_to_move_late_is_waited_for(made: LineBench) -> None:
    board(made).reacts_ms = 380
    await quiet(made)
    made.mute(1)
    await made.barrier.grant(ENTRY, 5000)
    assert told(made).count("left") == 1


@pytest.mark.parametrize("trace", ["stopped", "fire", "forced", "open before", "somebody left"])
@on(ds205a)
async def test_a_grant_of_unsure_fate_is_taken_back_and_not_repeated(made: LineBench, trace: str) -> None:
    if trace == "open before":
        board(made).leaf = Standing(OPEN)
    await quiet(made)
    match trace:
        case "stopped":
            board(made).leaf = Standing(STOPPED)
        case "fire":
            board(made).leaf = Standing(CLOSED)
            made.set_fire(active=True)
        case "forced":
            board(made).force_leaf(0)
        case "somebody left":
            board(made).passages[Way.EXIT] += 1
        case _:
            pass
    made.lose(1)
    with pytest.raises(NoReplyError, match="stayed unknown"):
        await made.barrier.grant(ENTRY, 5000)
    assert made.grants(ENTRY) == 0
    assert told(made)[-1] == "close"


@pytest.mark.parametrize(
    ("unasked", "first", "after", "took_s", "following"),
    [
        (0, Said(), Said(), 1.9, "open_left"),
        (0, Said(left=1), Said(), 1.9, "close"),
        (1, Said(), Said(), 1.9, "close"),
        (0, Said(), Said(), 2.0, "close"),
    ],
    ids=["at rest", "two answers that differ", "a late answer", "its timer may have ended it"],
)
def test_a_grant_is_repeated_only_when_two_answers_in_time_agree_that_it_never_arrived(
    unasked: int, first: Said, after: Said, took_s: float, following: str
) -> None:
    now_s = [0.0]
    session = greeted(Said(), clock=lambda: now_s[0])
    before, _ = ask_with(session, Said())
    granting = session.grant(ENTRY, 5000, before=before)
    order = next(granting)
    assert isinstance(order, Request)
    assert order.grants
    assert isinstance(granting.send(Heard()), Pause), "until nothing from before it can come"
    now_s[0] = took_s
    next(granting)
    granting.send(Heard(session.replies.decode(first.wire())[0], unasked=unasked))
    request = granting.send(Heard(session.replies.decode(after.wire())[0]))
    profile = framed_profile("ds205a")
    assert isinstance(request, Request)
    assert request.wire == profile.request_layout().encode({"address": 1, **profile.commands.named()[following]})


@BOTH
@on(line_bench, "name")
async def test_a_board_that_says_no_is_asked_and_refused(made: LineBench) -> None:
    await quiet(made)
    made.refuse()
    with pytest.raises((RefusedError, NoReplyError)):
        await made.barrier.grant(ENTRY, 5000)
    assert told(made).count("left") == 1


# ── freeing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@BOTH
@on(line_bench, "name")
async def test_a_release_opens_once_in_exit_direction_and_again_only_when_the_leaf_rests(made: LineBench) -> None:
    await quiet(made)
    await made.barrier.release()
    await made.barrier.release()
    assert told(made) == ["right"]
    await made.barrier.revoke()
    await asyncio.sleep(1)
    await quiet(made)
    made.mute(1)
    await made.barrier.release()
    assert told(made) == ["right", "?"]
    await made.barrier.revoke()
    await asyncio.sleep(1)
    await quiet(made)
    made.lose(1)
    await made.barrier.release()
    assert told(made) == ["?", "right"]


@BOTH
@on(line_bench, "name")
async def test_alarms_are_cleared_where_the_board_can_be_told_and_the_lamp_is_its_own(made: LineBench) -> None:
    made.requests.clear()
    await made.barrier.clear_alarms((Alarm.FORCED,))
    assert not made.barrier.has_lamp
    await made.barrier.lamp(LampColour.GREEN)
    assert told(made) == (["clear"] if made.profile == "italdis" else ["?"])


# ── who else speaks ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("number", "why"), [(7, "another board than number 1"), (1, "nobody asked for")])
@BOTH
@on(line_bench, "name", connected=False)
async def test_another_board_puts_the_line_out_of_service_until_it_is_gone(
    made: LineBench, number: int, why: str
) -> None:
    others: list[int] = []
    made.board_line = lambda link: Beside(link, made.profile, others)
    await made.barrier.connect()
    made.requests.clear()
    others.append(number)
    with pytest.raises(NotWellError, match=why):
        await asks(made)
    for _ in range(3):
        with pytest.raises(NotWellError, match=why):
            await made.barrier.connect()
    assert set(told(made)) == {"?"}  # nothing that could move a leaf
    others.clear()
    await made.barrier.connect()
    assert (await made.barrier.status()).position is LeafPosition.CLOSED


@on(ds205a)
async def test_one_stray_answer_makes_a_line_doubtful_and_a_doubtful_line_grants_nothing(made: LineBench) -> None:
    assert made.far is not None
    await made.far.write(Said().wire())
    await made.barrier.status()
    with pytest.raises(RefusedError, match="nobody asked for"):
        await made.barrier.grant(ENTRY, 5000)
    await asks(made)
    await made.barrier.grant(ENTRY, 5000)
    assert made.grants(ENTRY) == 1
    assert made.barrier.describe()["unasked"] == 1


@BOTH
@on(line_bench, "name")
async def test_a_cut_wire_is_noticed_within_a_second(made: LineBench) -> None:
    made.deafen()
    began_s = asyncio.get_running_loop().time()
    with pytest.raises(LinkLostError, match="answered nothing"):
        await asks(made)
    assert asyncio.get_running_loop().time() - began_s < 1.0


async def babble(made: LineBench) -> None:
    while made.far is not None:
        with contextlib.suppress(LinkLostError):
            await made.far.write(b"\x7f\x01\x01\x7f" * 16)
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("deaf", [False, True])
@on(ds205a)
async def test_somebody_who_babbles_for_ever_holds_up_nobody(made: LineBench, *, deaf: bool) -> None:
    made.deafen(deaf=deaf)
    babbling = asyncio.create_task(babble(made))
    if deaf:
        with pytest.raises(LinkLostError, match="answered nothing"):
            await asks(made)
    else:
        for _ in range(2):
            await made.barrier.grant(ENTRY, 5000)
            await made.barrier.revoke()
        assert made.grants(ENTRY) == 2
    babbling.cancel()


# ── what a technician is told ────────────────────────────────────────────────────────────────────────────────────────


@on(ds205a, connected=False)
async def test_the_check_says_that_a_timer_cannot_be_proved(made: LineBench) -> None:
    assert "only a walk shows" in await made.barrier.check()


@on(lambda: line_bench("italdis"), connected=False)
async def test_the_check_sees_a_lease_work_or_says_that_it_does_not(made: LineBench) -> None:
    assert "lease of 7000 ms works" in await made.barrier.check()
    board(made).lease_ms = None
    with pytest.raises(NotWellError, match="lease does not work"):
        await made.barrier.check()


@pytest.mark.parametrize(("position", "fire", "why"), [(STOPPED, False, "stopped"), (CLOSED, True, "fire input")])
@on(ds205a, connected=False)
async def test_the_check_refuses_a_board_that_is_not_at_rest(
    made: LineBench, position: int, *, fire: bool, why: str
) -> None:
    board(made).leaf = Standing(position)
    made.set_fire(active=fire)
    with pytest.raises(NotWellError, match=why):
        await made.barrier.check()
