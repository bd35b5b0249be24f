"""The lane's way to lists and registers: whatever the program at its other end does, what is not said in time is not known."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gate.channel import register_messages
from gate.channel.sockets import Connection, serve
from gate.channel.table import CHANNELS
from gate.passage.events import Event, RegistersAnswered
from gate.passage.names import Disposition
from gate.passage.orders import Said
from gate.passage.policy import Policy, Verdict
from gate.passage.records import Decided, Settled
from gate.programs.lane.records import Hit, Remembered
from gate.programs.lane.registers import DAY_KEY_S, HITS_MAX, RegistersClient, findings_of
from gate_core.evidence.crossing import Evidence, Score, SiteEvidence
from gate_core.evidence.names import Role
from gate_core.evidence.registers import RegisterAnswer, RegisterCause, RegisterFinding, unknown

QUESTION = register_messages.DocumentQuestion("P", "UTO", "L898902C3", "UTO")
NAMES = ("stolen-documents", "entry-exit")
NONE = [register_messages.RegisterFound(name, RegisterAnswer.NONE) for name in NAMES]
HANDLE = "ab" * 16

Handler = Callable[[Connection[register_messages.ToRegisters]], Awaitable[None]]


@dataclass
class Lane:
    """The lane around its client."""

    path: Path
    names: tuple[str, ...] = NAMES
    answer_ms: int = 300
    shielded: set[str] = field(default_factory=set)
    posted: list[Event] = field(default_factory=list)
    exchange: str | None = None
    left: tuple[Hit, ...] = ()
    forgotten: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = RegistersClient(
            self.path,
            answer_ms=self.answer_ms,
            post=self.posted.append,
            names=lambda: self.names,
            entry=lambda: True,
            is_shielded=self.shielded.__contains__,
            exchange=self.exchange,
            left=self.left,
            forget=self.forgotten.append,
        )

    @contextlib.asynccontextmanager
    async def beside(self, handler: Handler | None) -> AsyncIterator[None]:
        running = asyncio.ensure_future(self.client.run())
        try:
            async with contextlib.AsyncExitStack() as held:
                if handler is not None:
                    await held.enter_async_context(serve(CHANNELS.registers, self.path, handler))
                async with asyncio.timeout(10):
                    yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def answered(self) -> tuple[RegisterFinding, ...]:
        while not self.posted:  # noqa: ASYNC110 - until it is posted
            await asyncio.sleep(0.005)
        event = self.posted.pop(0)
        assert isinstance(event, RegistersAnswered)
        return event.findings


async def test_a_wish_that_comes_while_the_program_is_being_reached_is_in_time(short_path: Path) -> None:
    lane = Lane(short_path / "registers.sock", answer_ms=2000)
    with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as held:
        listener.bind(str(lane.path))
        listener.listen(0)
        with contextlib.suppress(BlockingIOError):
            while True:  # a crowd waits there to be let in
                crowd = held.enter_context(socket.socket(socket.AF_UNIX))
                crowd.setblocking(False)
                crowd.connect(str(lane.path))
        async with lane.beside(None):
            lane.client.ask("c1", QUESTION)
            await asyncio.sleep(0.005)
            lane.shielded.add("c1")
            listener.setblocking(False)
            heard = [held.enter_context(listener.accept()[0])]
            assert {one.cause for one in await lane.answered()} == {RegisterCause.WITHHELD}
            with contextlib.suppress(BlockingIOError):
                while True:
                    heard.append(held.enter_context(listener.accept()[0]))
            assert len(heard) == 2, "it was reached"
            assert heard[-1].recv(100) == b"", "and told nothing"


@pytest.fixture
def lane(short_path: Path) -> Lane:
    return Lane(short_path / "registers.sock")


def saying(*found: register_messages.RegisterFound) -> Handler:
    async def handler(connection: Connection[register_messages.ToRegisters]) -> None:
        asked = await connection.receive()
        assert isinstance(asked, register_messages.AskRegisters)
        assert asked.question == QUESTION
        await connection.send(register_messages.RegistersSaid(list(found)))
        with contextlib.suppress(Exception):
            await connection.receive()

    return handler


async def test_what_registers_say_becomes_evidence(lane: Lane) -> None:
    hit = register_messages.RegisterFound(
        "stolen-documents", RegisterAnswer.HIT, RegisterCause.NUMBER_LISTED, "7", HANDLE, "Keep it."
    )
    async with lane.beside(saying(hit, NONE[1])):
        lane.client.ask("c1", QUESTION)
        assert await lane.answered() == (
            RegisterFinding(
                "stolen-documents", RegisterAnswer.HIT, RegisterCause.NUMBER_LISTED, "7", HANDLE, "Keep it."
            ),
            RegisterFinding("entry-exit", RegisterAnswer.NONE),
        )
        assert lane.client.problem == ""


@pytest.mark.parametrize(
    ("found", "left"),
    [
        ([], NAMES),
        (NONE[:1], NAMES[1:]),
        ([*NONE, NONE[0]], NAMES[:1]),
        ([register_messages.RegisterFound("x", RegisterAnswer.NONE)], NAMES),
    ],
)
def test_what_is_missing_said_twice_or_not_asked_is_not_known(
    found: list[register_messages.RegisterFound], left: tuple[str, ...]
) -> None:
    findings = findings_of(register_messages.RegistersSaid(found), NAMES)
    assert {one.register for one in findings} == set(NAMES)
    wrong = [one.register for one in findings if one.cause is RegisterCause.WRONG_ANSWER]
    assert wrong == list(left)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (RegisterAnswer.NONE, RegisterCause.NO_ANSWER),
        (RegisterAnswer.NONE, RegisterCause.NUMBER_LISTED),
        (RegisterAnswer.HIT, RegisterCause.WITHDRAWN),
        (RegisterAnswer.HIT, None),
        (RegisterAnswer.UNKNOWN, None),
    ],
)
def test_an_answer_that_its_cause_contradicts_is_not_known(answer: RegisterAnswer, cause: RegisterCause | None) -> None:
    found = [register_messages.RegisterFound(NAMES[0], answer, cause), NONE[1]]
    one, other = sorted(
        findings_of(register_messages.RegistersSaid(found), NAMES), key=lambda one: NAMES.index(one.register)
    )
    assert (one.answer, one.cause) == (RegisterAnswer.UNKNOWN, RegisterCause.WRONG_ANSWER)
    assert other.answer is RegisterAnswer.NONE


@pytest.mark.parametrize("words", ["Let them pass\u202e", "a\x1b[2J", "two\nlines"])
def test_words_that_would_steer_an_officer_s_page_are_no_answer(words: str) -> None:
    hit = register_messages.RegisterFound(NAMES[0], RegisterAnswer.HIT, RegisterCause.NUMBER_LISTED, "7", HANDLE, words)
    findings = findings_of(register_messages.RegistersSaid([hit, NONE[1]]), NAMES)
    assert [one.cause for one in findings if one.register == NAMES[0]] == [RegisterCause.WRONG_ANSWER]
    assert not any(one.about for one in findings)


def test_another_message_is_no_answer() -> None:
    assert findings_of(register_messages.SettlementKept(), NAMES) == unknown(NAMES, RegisterCause.WRONG_ANSWER)


async def silent(connection: Connection[register_messages.ToRegisters]) -> None:
    await connection.receive()
    await asyncio.sleep(30)


async def hanging_up(connection: Connection[register_messages.ToRegisters]) -> None:
    await connection.receive()


@pytest.mark.parametrize(
    ("handler", "cause"),
    [
        (silent, RegisterCause.NO_ANSWER),
        (hanging_up, RegisterCause.NOT_REACHED),
        (None, RegisterCause.NOT_REACHED),
    ],
)
async def test_a_program_that_is_silent_or_gone_is_not_known_in_time(
    handler: Handler | None, cause: RegisterCause, lane: Lane
) -> None:
    async with lane.beside(handler):
        lane.client.ask("c1", QUESTION)
        assert await lane.answered() == unknown(NAMES, cause)
        assert lane.client.problem


async def test_whoever_asked_for_an_officer_before_the_question_leaves_is_asked_about_nowhere(lane: Lane) -> None:
    asked: list[register_messages.ToRegisters] = []

    async def noting(connection: Connection[register_messages.ToRegisters]) -> None:
        asked.append(await connection.receive())

    async with lane.beside(noting):
        lane.shielded.add("c1")
        lane.client.ask("c1", QUESTION)
        assert await lane.answered() == unknown(NAMES, RegisterCause.WITHHELD)
        assert asked == []
        lane.client.ask("c2", QUESTION)
        await lane.answered()
        assert len(asked) == 1


async def test_whoever_asks_for_an_officer_while_the_question_is_on_its_way_has_it_withdrawn(lane: Lane) -> None:
    lane.answer_ms = 5000
    gone = asyncio.Event()

    async def waiting(connection: Connection[register_messages.ToRegisters]) -> None:
        await connection.receive()
        lane.shielded.add("c1")
        with contextlib.suppress(Exception):
            await connection.receive()
        gone.set()

    async with lane.beside(waiting):
        lane.client.ask("c1", QUESTION)
        assert await lane.answered() == unknown(NAMES, RegisterCause.WITHHELD)
        await gone.wait()


async def test_the_end_of_a_crossing_withdraws_its_question(lane: Lane) -> None:
    lane.client = RegistersClient(
        lane.path,
        answer_ms=5000,
        post=lane.posted.append,
        names=lambda: NAMES,
        entry=lambda: False,
        is_shielded=lambda _: False,
    )
    begun, gone = asyncio.Event(), asyncio.Event()

    async def waiting(connection: Connection[register_messages.ToRegisters]) -> None:
        await connection.receive()
        begun.set()
        with contextlib.suppress(Exception):
            await connection.receive()
        gone.set()

    async with lane.beside(waiting):
        lane.client.ask("c1", QUESTION)
        await begun.wait()
        lane.client.end("c1")
        await gone.wait()
        assert lane.posted == []
        lane.client.end("c2")
        lane.client.ask("c2", QUESTION)  # it is over before it was begun
        await asyncio.sleep(0.05)
        assert lane.posted == []


async def test_where_every_register_is_suspended_nothing_is_asked(lane: Lane) -> None:
    lane.names = ()
    async with lane.beside(None):
        lane.client.ask("c1", QUESTION)
        await asyncio.sleep(0.05)
        assert lane.posted == []


async def test_more_questions_than_can_wait_are_not_known(lane: Lane) -> None:
    for number in range(3):
        lane.client.ask(f"c{number}", QUESTION)
    assert lane.posted == [RegistersAnswered("c2", unknown(NAMES, RegisterCause.NO_ANSWER))]


# ── the exchange of a site ───────────────────────────────────────────────────────────────────────────────────────────

MARK = "5d" * 40
KEY = b"k" * 32
ELSEWHERE = register_messages.RegisterFound(
    "reuse", RegisterAnswer.HIT, RegisterCause.PRESENTED_ELSEWHERE, about="gate b at 14:05"
)


def with_exchange(lane: Lane) -> list[register_messages.ToRegisters]:
    """The lane's registers are a list and the exchange; what is asked of them."""
    lane.names, lane.exchange = ("stolen-documents", "reuse"), "reuse"
    lane.__post_init__()
    return []


def noting(heard: list[register_messages.ToRegisters], key: bytes = KEY) -> Handler:
    async def handler(connection: Connection[register_messages.ToRegisters]) -> None:
        heard.append(asked := await connection.receive())
        match asked:
            case register_messages.DayKeyWanted():
                await connection.send(register_messages.DayKeyIs(key))
            case register_messages.AskRegisters(["reuse"]):
                await connection.send(register_messages.RegistersSaid([ELSEWHERE]))
            case register_messages.AskRegisters():
                await connection.send(
                    register_messages.RegistersSaid(
                        [register_messages.RegisterFound(asked.registers[0], RegisterAnswer.NONE)]
                    )
                )
            case _:
                raise AssertionError(asked)
        with contextlib.suppress(Exception):
            await connection.receive()

    return handler


async def test_the_exchange_hears_of_a_mark_when_the_chip_was_read_and_nobody_else_does(lane: Lane) -> None:
    heard = with_exchange(lane)
    async with lane.beside(noting(heard)):
        assert await lane.client.day_key("c1") == KEY
        lane.client.ask("c1", QUESTION)
        assert await lane.answered() == (RegisterFinding("stolen-documents", RegisterAnswer.NONE),)
        lane.client.ask_marked("c1", MARK)
        (found,) = await lane.answered()
    assert (found.cause, found.about, found.handle) == (RegisterCause.PRESENTED_ELSEWHERE, "gate b at 14:05", "")
    asked = [one for one in heard if isinstance(one, register_messages.AskRegisters)]
    assert [one.registers for one in asked] == [["stolen-documents"], ["reuse"]]
    assert [one.question for one in asked] == [QUESTION, register_messages.DocumentQuestion("", "", "", "", mark=MARK)]
    assert MARK not in repr(asked)
    assert "kkk" not in repr(register_messages.DayKeyIs(KEY))


@pytest.mark.parametrize(
    ("key", "cause"), [(KEY, RegisterCause.NOT_CALLED_FOR), (b"", RegisterCause.NO_KEY)], ids=["key", "no key"]
)
async def test_a_chip_without_a_mark_is_not_known_and_nothing_leaves(
    key: bytes, cause: RegisterCause, lane: Lane
) -> None:
    heard = with_exchange(lane)
    async with lane.beside(noting(heard, key)):
        assert await lane.client.day_key("c1") == key
        lane.client.ask_marked("c1", "")
        assert await lane.answered() == unknown(("reuse",), cause)
    assert heard == [register_messages.DayKeyWanted()]


@pytest.mark.parametrize("handler", [silent, hanging_up, None], ids=["silent", "hanging up", "away"])
async def test_a_crossing_begins_without_a_key_that_does_not_come(handler: Handler | None, lane: Lane) -> None:
    with_exchange(lane)
    async with lane.beside(handler):
        before_s = asyncio.get_running_loop().time()
        assert await lane.client.day_key("c1") == b""
        assert asyncio.get_running_loop().time() - before_s < 5 * DAY_KEY_S
        lane.client.ask_marked("c1", "")
        assert await lane.answered() == unknown(("reuse",), RegisterCause.NO_KEY)


async def test_another_answer_than_a_key_is_none(lane: Lane) -> None:
    with_exchange(lane)

    async def odd(connection: Connection[register_messages.ToRegisters]) -> None:
        await connection.receive()
        await connection.send(register_messages.SettlementKept())

    async with lane.beside(odd):
        assert await lane.client.day_key("c1") == b""


@pytest.mark.parametrize("suspended", [True, False], ids=["suspended", "none"])
async def test_where_no_exchange_must_answer_nothing_of_it_happens(suspended: bool, lane: Lane) -> None:  # noqa: FBT001 - a case
    heard = with_exchange(lane)
    lane.names = ("stolen-documents",)
    if not suspended:
        lane.exchange = None
        lane.__post_init__()
    async with lane.beside(noting(heard)):
        assert await lane.client.day_key("c1") == b""
        lane.client.ask_marked("c1", "")
        lane.client.ask_marked("c1", MARK)
        await asyncio.sleep(0.05)
    assert lane.posted == []
    assert heard == []


async def test_no_mark_leaves_of_whoever_asked_for_an_officer(lane: Lane) -> None:
    heard = with_exchange(lane)
    async with lane.beside(noting(heard)):
        await lane.client.day_key("c1")
        lane.shielded.add("c1")
        lane.client.ask_marked("c1", MARK)
        assert await lane.answered() == unknown(("reuse",), RegisterCause.WITHHELD)
    assert heard == [register_messages.DayKeyWanted()]


async def test_nothing_leaves_about_a_crossing_that_is_over(lane: Lane) -> None:
    heard = with_exchange(lane)
    async with lane.beside(noting(heard)):
        for crossing, ends_first in (("c1", True), ("c2", False)):
            if ends_first:
                lane.client.end(crossing)
            lane.client.ask(crossing, QUESTION)
            lane.client.ask_marked(crossing, MARK)
            lane.client.end(crossing)
            await asyncio.sleep(0.05)
    assert heard == []
    assert lane.posted == []


async def test_the_end_of_a_crossing_withdraws_both_of_its_questions(lane: Lane) -> None:
    with_exchange(lane)
    lane.answer_ms = 5000
    lane.__post_init__()
    begun, gone = list[register_messages.ToRegisters](), list[register_messages.ToRegisters]()

    async def waiting(connection: Connection[register_messages.ToRegisters]) -> None:
        begun.append(asked := await connection.receive())
        with contextlib.suppress(Exception):
            await connection.receive()
        gone.append(asked)

    async with lane.beside(waiting):
        lane.client.ask("c1", QUESTION)
        lane.client.ask_marked("c1", MARK)
        while len(begun) < 2:  # noqa: ASYNC110 - until both are there
            await asyncio.sleep(0.005)
        lane.client.end("c1")
        while len(gone) < 2:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.005)
    assert lane.posted == []


@pytest.mark.parametrize("size", [1, 31, 33])
def test_half_a_key_is_no_message(size: int) -> None:
    with pytest.raises(ValueError, match="another length"):
        register_messages.DayKeyIs(b"k" * size)


def decided(crossing: str, handle: str) -> Decided:
    findings = (RegisterFinding("stolen-documents", RegisterAnswer.HIT, handle=handle),)
    evidence = Evidence(None, None, None, SiteEvidence(None, None, clock_sure=True), registers=findings)
    return Decided(crossing, Verdict.REFER, (), evidence, Policy(Score(0.4), Score(0.5), 120, 90))


def settled(crossing: str) -> Settled:
    return Settled(crossing, Said("officer-1", Role.OFFICER), Disposition.TAKEN_OVER)


@pytest.fixture
def told_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not kept is told again after ten milliseconds."""
    monkeypatch.setattr("gate.programs.lane.registers.TELL_AGAIN_S", 0.01)


@pytest.mark.usefixtures("told_again_soon")
async def test_what_an_officer_makes_of_a_hit_is_told_until_it_is_kept(lane: Lane) -> None:
    heard: list[register_messages.ToRegisters] = []

    async def keeping(connection: Connection[register_messages.ToRegisters]) -> None:
        heard.append(await connection.receive())
        if len(heard) > 2:
            await connection.send(register_messages.SettlementKept())

    lane.client.record(decided("c1", HANDLE))
    lane.client.record(decided("c2", ""))
    async with lane.beside(keeping):
        lane.client.record(settled("c2"))
        for _ in range(2):  # it is settled once
            lane.client.record(settled("c1"))
        while not lane.forgotten:  # noqa: ASYNC110 - until it was kept
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
    assert heard == [register_messages.HitSettled("stolen-documents", HANDLE, Disposition.TAKEN_OVER)] * 3
    assert lane.forgotten == [HANDLE]


@pytest.mark.usefixtures("told_again_soon")
async def test_what_one_owner_cannot_be_told_holds_up_no_other(lane: Lane) -> None:
    full, other = "cd" * 16, "ef" * 16

    async def full_of_one(connection: Connection[register_messages.ToRegisters]) -> None:
        heard = await connection.receive()
        assert isinstance(heard, register_messages.HitSettled)
        if heard.handle != full:
            await connection.send(register_messages.SettlementKept())

    lane.client.record(decided("c1", full))
    lane.client.record(decided("c2", other))
    lane.client.record(settled("c1"))
    lane.client.record(settled("c2"))
    async with lane.beside(full_of_one):
        while not lane.forgotten:  # noqa: ASYNC110 - until it was kept
            await asyncio.sleep(0.01)
    assert lane.forgotten == [other]


async def test_a_lane_that_is_started_anew_tells_what_the_one_before_had_to(lane: Lane) -> None:
    other = "cd" * 16
    before = Remembered().after(decided("c1", HANDLE)).after(decided("c2", other)).after(settled("c1"))
    lane.left = Remembered.of(before.to_bytes()).hits
    lane.__post_init__()
    heard: list[register_messages.ToRegisters] = []

    async def keeping(connection: Connection[register_messages.ToRegisters]) -> None:
        heard.append(await connection.receive())
        await connection.send(register_messages.SettlementKept())

    async with lane.beside(keeping):
        while lane.forgotten != [HANDLE]:  # noqa: ASYNC110 - until it was kept
            await asyncio.sleep(0.01)
        lane.client.record(settled("c2"))
        while lane.forgotten != [HANDLE, other]:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.01)
    assert heard == [
        register_messages.HitSettled("stolen-documents", one, Disposition.TAKEN_OVER) for one in (HANDLE, other)
    ]


def test_of_hits_that_are_to_be_told_the_latest_are_remembered_over_a_restart_until_they_were() -> None:
    known = Remembered()
    for number in range(8):
        known = known.after(decided(f"c{number}", f"{number:032x}"))
    assert [one.crossing for one in known.hits] == [f"c{number}" for number in range(2, 8)]
    assert known.after(decided("c7", f"{7:032x}")) == known, "the last door's decision rests on the same"
    known = known.after(settled("c3"))
    assert [one.crossing for one in known.hits if one.disposition is Disposition.TAKEN_OVER] == ["c3"]
    assert f"{3:032x}" not in {one.handle for one in known.without_hit(f"{3:032x}").hits}
    assert Remembered.of(known.to_bytes()) == known


def test_of_hits_that_wait_no_more_than_so_many_are_held(lane: Lane) -> None:
    for number in range(HITS_MAX + 5):
        lane.client.record(decided(f"c{number}", f"{number:032x}"))
    assert len(lane.client._waiting) == HITS_MAX
    lane.client.record(settled("c0"))
    assert not lane.client._settled


def test_a_question_shows_nothing_of_itself(lane: Lane) -> None:
    assert "L898902C3" not in repr(QUESTION)
    lane.client.ask("c1", QUESTION)
    assert "L898902C3" not in repr(lane.client._questions)
