"""What a sensor unit's answers mean, register by register, and to which question an answer may belong."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping
from types import MappingProxyType

import msgspec
import pytest

from drivers.modbus.exchange import Conversation
from drivers.modbus.frames import READ_DISCRETE, READ_INPUT, ExceptionReply, ReadRequest, Registers, Reply, Request
from drivers.modbus.tables import Place, Read
from drivers.sensors.profile import SensorProfile, load_profile
from drivers.sensors.session import Awaited, Session
from gate_core.errors import LinkLostError, NoReplyError, RefusedError
from gate_core.ports.values import InsideStatus


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def answered(conversation: Conversation[InsideStatus], *replies: Reply | None) -> InsideStatus:
    """Send replies to whatever is asked, and give what the conversation comes to."""
    try:
        next(conversation)
        for reply in replies:
            conversation.send(reply)
    except StopIteration as end:
        return end.value
    raise AssertionError("more is asked")


def session_of(profile: SensorProfile, clock: Clock) -> Session:
    return Session(profile=profile, baud=9600, unit=1, clock=clock)


def seen(words: Mapping[int, int] = MappingProxyType({}), **changes: Place) -> InsideStatus:
    """What the simulator's map says of an empty lane that is well, with some of its registers (2 to 6) otherwise."""
    profile = load_profile("portcullis-sim")
    status = msgspec.structs.replace(profile.status, **changes)
    registers = {2: 7, 3: 40, 4: 0, 5: 0, 6: 4, **words}
    session = session_of(msgspec.structs.replace(profile, status=status), Clock())
    return answered(session.status(), Registers(tuple(registers[at] for at in sorted(registers))))


def test_an_empty_lane_that_is_well() -> None:
    assert seen() == InsideStatus(
        people=0, object_left=False, call_pressed=False, cabinet_open=False, mains_present=True, session=7, age_ms=41
    )


@pytest.mark.parametrize(
    ("said", "people"), [(0, 0), (1, 1), (2, 2), (9, 9), (10, None), (0xFFFE, None), (0xFFFF, None)]
)
def test_a_number_that_the_counter_cannot_mean_is_unknown(said: int, people: int | None) -> None:
    assert seen({4: said}).people == people


@pytest.mark.parametrize(("said", "left"), [(0, False), (1, True), (2, None), (0xFFFF, None)])
def test_an_object_that_may_lie_there_is_unknown(said: int, left: bool | None) -> None:  # noqa: FBT001
    assert seen({5: said}).object_left is left


@pytest.mark.parametrize(("said_ms", "known"), [(0, True), (499, True), (500, False), (30_000, False), (0xFFFF, False)])
def test_a_measurement_speaks_for_a_time_and_then_says_nothing(said_ms: int, known: bool) -> None:  # noqa: FBT001
    status = seen({3: said_ms})
    assert status.age_ms == said_ms + 1
    assert (status.people == 0, status.object_left is False) == (known, known)


@pytest.mark.parametrize(
    ("said", "call", "cabinet", "mains"),
    [(0, False, False, False), (1, True, False, False), (2, False, True, False), (7, True, True, True)],
)
def test_contacts_are_bits(said: int, call: bool, cabinet: bool, mains: bool) -> None:  # noqa: FBT001
    status = seen({6: said})
    assert (status.call_pressed, status.cabinet_open, status.mains_present) == (call, cabinet, mains)


def test_a_contact_that_says_neither_yes_nor_no_counts_as_the_worse() -> None:
    whole = Place(input=6)
    assert seen({6: 5}, call_pressed=whole).call_pressed
    assert seen({6: 5}, cabinet_open=whole).cabinet_open
    assert not seen({6: 5}, mains_present=whole).mains_present
    assert seen({6: 1}, mains_present=whole).mains_present


def test_what_covers_the_counter_makes_all_of_it_unknown() -> None:
    for said, known in ((0, True), (1, False), (2, False)):
        status = seen({6: said}, blind=Place(input=6), call_pressed=Place(input=6, equals=9))
        assert (status.people is not None, status.object_left is not None) == (known, known)


def test_the_time_that_the_asking_took_is_part_of_the_age() -> None:
    clock = Clock()
    conversation = session_of(load_profile("portcullis-sim"), clock).status()
    next(conversation)
    clock.now_s += 0.1201
    with pytest.raises(StopIteration) as end:
        conversation.send(Registers((7, 40, 1, 0, 4)))
    assert end.value.value.age_ms == 41 + 121


def test_a_busy_unit_is_asked_again_and_a_silent_one_four_times() -> None:
    session = session_of(load_profile("portcullis-sim"), Clock())
    assert answered(session.status(), ExceptionReply(6), None, Registers((7, 40, 1, 0, 4, 0))).people == 1
    with pytest.raises(RefusedError, match="exception 2"):
        answered(session.status(), ExceptionReply(2))
    with pytest.raises(NoReplyError):
        answered(session.status(), None, ExceptionReply(5), None, None)


def test_after_silences_a_question_of_its_own_shape_ends_the_waiting_for_late_answers() -> None:
    clock = Clock()
    session = session_of(load_profile("portcullis-sim"), clock)

    def look(*replies: Reply | None, apart_s: float = 0.1) -> tuple[list[int], int]:
        """The lengths that are asked for, one after the other, and the age that comes of it."""
        conversation, asked = session.status(), list[int]()
        try:
            request = next(conversation)
            for reply in replies:
                assert isinstance(request, ReadRequest)
                asked.append(request.count)
                clock.now_s += apart_s
                request = conversation.send(reply)
        except StopIteration as end:
            status: InsideStatus = end.value
            return asked, status.age_ms
        raise AssertionError("more is asked")

    short, long = Registers((7, 40, 0, 0, 4)), Registers((7, 40, 0, 0, 4, 0))
    assert look(long) == ([6], 141)
    assert look(None, None, short) == ([5, 6, 5], 341)
    assert look(Registers((7,)), long) == ([1, 6], 141)
    with pytest.raises(NoReplyError):
        look(None, None, None, None)
    assert look(None, short) == ([1, 5], 141)  # the question of its own shape may be lost, too
    assert look(long) == ([6], 141)
    for _ in range(2):
        with pytest.raises(NoReplyError):
            look(*[None] * 5, apart_s=0.02)
    assert look(Registers((7, 40)), short, apart_s=0.02)[0] == [2, 5]  # one register was asked for already


def test_two_questions_in_a_row_never_have_answers_of_one_shape() -> None:
    session = session_of(load_profile("inputs-8"), Clock())
    asked: list[bytes] = []
    for _ in range(3):
        conversation = session.status()
        request = next(conversation)
        with contextlib.suppress(StopIteration):
            while True:
                asked.append(request.reply_head)
                assert isinstance(request, ReadRequest)
                words = (0, 4, 7, 0) if request.function == READ_INPUT else (1, 1, 1, 1, 1, 0, 0, 0)
                request = conversation.send(Registers(words[: request.count]))
    assert all(one != other for one, other in itertools.pairwise(asked))
    assert [head[1] for head in asked] == [READ_INPUT, READ_DISCRETE, READ_INPUT] * 3


def test_a_look_ends_with_the_session_that_it_began_with() -> None:
    session = session_of(load_profile("inputs-8"), Clock())
    contacts = Registers((1, 1, 1, 1, 1, 0, 0, 0))
    assert answered(session.status(), Registers((0, 4, 7)), contacts, Registers((3, 1, 7, 0))).people == 0
    with pytest.raises(LinkLostError, match="powered up anew"):
        answered(session.status(), Registers((0, 4, 7)), contacts, Registers((0, 1, 8, 0)))


def test_a_late_answer_to_the_stretch_before_does_not_close_a_look() -> None:
    class Running(Clock):
        def __call__(self) -> float:
            self.now_s += 0.01
            return self.now_s

    shipped = load_profile("inputs-8")
    people, contacts = Place(input=10), Place(input=11, equals=0)
    profile = msgspec.structs.replace(
        shipped,
        reads=(shipped.reads[0], Read(input=10, count=3)),
        status=msgspec.structs.replace(
            shipped.status,
            people=people,
            object_left=contacts,
            call_pressed=contacts,
            cabinet_open=contacts,
            mains_present=contacts,
            blind=None,
        ),
    )
    first, elsewhere, last = Registers((0, 4, 7, 0)), Registers((1, 1, 9)), Registers((0, 1, 7, 0))
    session = session_of(profile, Running())
    # The second stretch is asked for twice; the answer to its repetition has the shape of the closing one, and says 9 where the session is.
    assert answered(session.status(), first, None, elsewhere, elsewhere, last).people == 1


# ── which question an answer is one to ───────────────────────────────────────────────────────────────────────────────

LATE_S = 0.3
SHORT, LONG = ReadRequest(1, READ_INPUT, 0, 5), ReadRequest(1, READ_INPUT, 0, 6)
CONTACTS = ReadRequest(1, READ_DISCRETE, 0, 8)
FIVE, EXCEPTION = Registers((0,) * 5), ExceptionReply(6)


def waiting_for(*asked: tuple[Request, float]) -> Awaited:
    awaited = Awaited(lambda _: LATE_S)
    for request, at_s in asked:
        awaited.ask(request, at_s)
    return awaited


def test_an_answer_is_one_to_the_oldest_question_of_its_shape() -> None:
    awaited = waiting_for((SHORT, 1.0), (LONG, 1.1), (SHORT, 1.2))
    assert awaited.answered(FIVE, 1.25) == 1.0
    awaited.ask(LONG, 1.26)
    assert awaited.answered(Registers((0,) * 6), 1.27) == 1.1


def test_what_was_asked_before_an_answered_question_is_never_answered() -> None:
    awaited = waiting_for((SHORT, 1.0), (LONG, 1.1))
    assert awaited.answered(Registers((0,) * 6), 1.15) == 1.1
    assert not awaited.any_late(1.15)
    awaited.ask(SHORT, 1.2)
    assert awaited.answered(FIVE, 1.21) == 1.2


def test_an_exception_could_be_to_any_question_of_its_function() -> None:
    assert waiting_for((SHORT, 1.0), (CONTACTS, 1.1), (LONG, 1.2)).answered(EXCEPTION, 1.25) == 1.0
    assert waiting_for((CONTACTS, 1.0), (LONG, 1.1)).answered(EXCEPTION, 1.25) == 1.1


def test_no_answer_comes_later_than_the_profile_says() -> None:
    awaited = waiting_for((SHORT, 1.0), (SHORT, 1.31))
    assert awaited.answered(FIVE, 1.32) == 1.31
    assert waiting_for((SHORT, 1.0)).any_late(1.29)
    assert not waiting_for((SHORT, 1.0)).any_late(1.31)
    # What is read though this program was held up for long is still an answer to the last question.
    assert waiting_for((SHORT, 1.0)).answered(FIVE, 9.0) == 1.0


def test_a_unit_that_is_silent_for_ever_fills_no_memory() -> None:
    awaited = waiting_for(*((SHORT, float(at)) for at in range(1000)))
    assert len(awaited._asked) == 1
