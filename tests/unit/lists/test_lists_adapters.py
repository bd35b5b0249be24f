"""Adapters against the simulated registers: what they say, and that a register which is slow, wrong or hostile says nothing."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta

import pytest
from fakes.online_registers import Fault, Registers

from gate.lists.adapters.https import ANSWER_BYTES_MAX, Courier, Place
from gate.lists.adapters.reuse import Reuse
from gate.programs.shared.devices.registers import ADAPTERS
from gate_core.evidence.registers import RegisterAnswer, RegisterCause
from gate_core.ports.registers import Adapter, AdapterError, Answer, Exchange, NoAnswerError, Question, WrongAnswerError

TODAY = date(2026, 12, 5)
MARK = "5d" * 40
DOCUMENT = Question("P", "UTO", "L898902C3", "UTO", "ERIKSSON", "ANNA MARIA", "1974-08-12", mark=MARK)
EVERY: dict[str, Callable[[Exchange], Adapter]] = {**ADAPTERS, "reuse": lambda exchange: Reuse(exchange, 30)}
LEAVING = Question("P", "UTO", "L898902C3", "UTO", entry=False)


@pytest.fixture
async def registers() -> AsyncIterator[Registers]:
    simulated = Registers()
    async with simulated.serving():
        yield simulated


async def said(registers: Registers, adapter: str, question: Question = DOCUMENT) -> Answer:
    async with asyncio.timeout(10), Courier(Place(registers.address)) as courier:
        return await EVERY[adapter](courier).ask(question, TODAY)


async def test_a_document_that_was_reported_is_a_hit_with_what_is_to_be_done(registers: Registers) -> None:
    assert await said(registers, "lost_documents") == Answer(RegisterAnswer.NONE)
    registers.lost["UTO", "L898902C3"] = "A-17"
    hit = await said(registers, "lost_documents")
    assert hit == Answer(RegisterAnswer.HIT, RegisterCause.REPORTED_LOST, about="Keep the document.", reference="A-17")


async def test_no_name_leaves_for_a_register_that_needs_none(registers: Registers) -> None:
    for adapter in EVERY:
        await said(registers, adapter)
    assert all("ERIKSSON" not in str(asked) and "1974" not in str(asked) for asked in registers.asked)


def history(*stays: tuple[int, int | None], registered: bool = True, refused: bool = False) -> dict[str, object]:
    spelt = [
        {
            "first": (TODAY - timedelta(days=first)).isoformat(),
            "last": None if last is None else (TODAY - timedelta(days=last)).isoformat(),
        }
        for first, last in stays
    ]
    return {"registered": registered, "stays": spelt, "refused": refused, "reference": "E-3"}


@pytest.mark.parametrize(
    ("person", "question", "cause"),
    [
        (history(), DOCUMENT, None),
        (history((60, 40)), DOCUMENT, None),
        (history((100, 11)), DOCUMENT, RegisterCause.NO_STAY_LEFT),
        (history(refused=True), DOCUMENT, RegisterCause.NO_ENTRY),
        (history(registered=False), DOCUMENT, RegisterCause.NOT_REGISTERED),
        (history((89, None)), LEAVING, None),
        (history((90, None)), LEAVING, RegisterCause.STAY_EXCEEDED),
        (history((0, None)), LEAVING, None),  # on the day of entry
        (history((3, 0)), DOCUMENT, None),  # and again on the day of exit
        (history(registered=False), LEAVING, RegisterCause.NOT_REGISTERED),
    ],
)
async def test_entries_and_exits_are_counted_here(
    person: dict[str, object], question: Question, cause: RegisterCause | None, registers: Registers
) -> None:
    registers.people["UTO", "L898902C3"] = person
    answer = await said(registers, "entry_exit", question)
    assert answer.cause is cause
    assert answer.answer is (RegisterAnswer.NONE if cause is None else RegisterAnswer.HIT)


@pytest.mark.parametrize("stays", [((-1, None),), ((3, -1),), ((3, 4),)])
async def test_a_stay_that_cannot_be_is_a_wrong_answer(
    stays: tuple[tuple[int, int | None], ...], registers: Registers
) -> None:
    registers.people["UTO", "L898902C3"] = history(*stays)
    with pytest.raises(WrongAnswerError):
        await said(registers, "entry_exit")


@pytest.mark.parametrize("adapter", ADAPTERS)
async def test_a_document_without_a_number_is_asked_about_nowhere(adapter: str, registers: Registers) -> None:
    answer = await said(registers, adapter, Question("P", "UTO", ""))
    assert (answer.answer, answer.cause) == (RegisterAnswer.UNKNOWN, RegisterCause.NO_NUMBER)
    assert registers.asked == []


ERRORS: dict[Fault, type[AdapterError]] = {
    Fault.HANGS_UP: NoAnswerError,
    Fault.REFUSES: NoAnswerError,
    Fault.REDIRECTS: NoAnswerError,
    Fault.NOT_JSON: WrongAnswerError,
    Fault.OTHER_JSON: WrongAnswerError,
    Fault.DEEP: WrongAnswerError,
    Fault.ENDLESS: WrongAnswerError,
    Fault.NOT_HTTP: NoAnswerError,
}


async def test_what_a_register_says_beyond_one_answer_answers_no_later_question(registers: Registers) -> None:
    """Else the next traveller's document, which was reported, would be answered by what was said too much about another's."""
    registers.lost["UTO", "L898902C3"] = "A-17"
    registers.says_each = 2
    async with asyncio.timeout(10), Courier(Place(registers.address)) as courier:
        adapter = ADAPTERS["lost_documents"](courier)
        assert (await adapter.ask(Question("P", "UTO", "C01X0006H"), TODAY)).answer is RegisterAnswer.NONE
        assert (await adapter.ask(DOCUMENT, TODAY)).answer is RegisterAnswer.HIT


@pytest.mark.parametrize("words", ["\u202eeeS", "a\x1b[2Jb", "two\nlines"])
async def test_words_that_no_page_can_show_are_a_wrong_answer(words: str) -> None:
    async def exchange(path: str, body: bytes) -> bytes:
        assert path == "/lost-documents"
        assert b"L898902C3" in body
        return json.dumps({"answer": "reported", "instructions": words, "reference": "A-17"}).encode()

    with pytest.raises(WrongAnswerError):
        await ADAPTERS["lost_documents"](exchange).ask(DOCUMENT, TODAY)


async def test_what_is_nested_in_a_field_that_nobody_asked_for_is_a_wrong_answer() -> None:
    async def exchange(path: str, body: bytes) -> bytes:
        assert path
        assert body
        return b'{"more":' + b"[" * 100_000

    for adapter in EVERY.values():
        with pytest.raises(WrongAnswerError):
            await adapter(exchange).ask(DOCUMENT, TODAY)
    with pytest.raises(WrongAnswerError):
        await Reuse(exchange, 30).day_key(TODAY)


@pytest.mark.parametrize(("field", "most"), [("edition", 32), ("about", 300), ("reference", 64)])
def test_an_answer_has_words_up_to_their_limits_that_a_page_can_show(field: str, most: int) -> None:
    whole = Answer(RegisterAnswer.UNKNOWN, RegisterCause.NO_LIST, **{field: "e" * most})
    assert getattr(whole, field) == "e" * most
    for words in ("e" * (most + 1), "two\nlines"):
        with pytest.raises(ValueError, match="too long, or that cannot be shown"):
            Answer(RegisterAnswer.UNKNOWN, RegisterCause.NO_LIST, **{field: words})


@pytest.mark.parametrize("adapter", EVERY)
@pytest.mark.parametrize("fault", ERRORS, ids=lambda fault: fault.value)
async def test_a_register_that_is_wrong_or_hostile_is_one_clear_error(
    fault: Fault, adapter: str, registers: Registers
) -> None:
    registers.fault = fault
    with pytest.raises(ERRORS[fault]) as raised:
        await said(registers, adapter)
    assert "L898902C3" not in str(raised.value)
    assert MARK not in str(raised.value)
    assert len(str(raised.value)) < 200


async def test_an_exchange_hears_of_a_mark_and_of_nothing_else(registers: Registers) -> None:
    assert await said(registers, "reuse") == Answer(RegisterAnswer.NONE)
    registers.marks[MARK] = ("north-8", "14:05")
    hit = Answer(RegisterAnswer.HIT, RegisterCause.PRESENTED_ELSEWHERE, about="gate north-8 at 14:05")
    assert await said(registers, "reuse") == hit
    assert registers.asked == [("/reuse/mark", {"mark": MARK, "minutes": 30})] * 2
    unmarked = await said(registers, "reuse", LEAVING)
    assert (unmarked.answer, unmarked.cause) == (RegisterAnswer.UNKNOWN, RegisterCause.NOT_CALLED_FOR)
    assert len(registers.asked) == 2


def saying(answer: object) -> Reuse:
    """The adapter before an exchange that says this, whatever it is asked."""

    async def exchange(path: str, body: bytes) -> bytes:
        assert path.startswith("/reuse/")
        assert body
        return json.dumps(answer).encode()

    return Reuse(exchange, 30)


@pytest.mark.parametrize(
    "answer",
    [
        {"answer": "none"},
        {"mark": "5e" * 40, "answer": "none"},
        {"mark": "5e" * 40, "answer": "hit", "gate": "north-8", "at": "14:05"},
        {"mark": MARK, "answer": "hit"},
        {"mark": MARK, "answer": "hit", "gate": "north-8"},
        {"mark": MARK, "answer": "hit", "gate": "north\x1b[2J8", "at": "14:05"},
        {"mark": MARK, "answer": "hit", "gate": "\u202eeht", "at": "14:05"},
        {"mark": MARK, "answer": "hit", "gate": "north-8\n", "at": "14:05"},
        {"mark": MARK, "answer": "hit", "gate": "n" * 64, "at": "14:05"},
        {"mark": MARK, "answer": "hit", "gate": "north-8", "at": "25:05"},
        {"mark": MARK, "answer": "hit", "gate": "north-8", "at": "14:05\n"},
        {"mark": MARK, "answer": "admit", "gate": "north-8", "at": "14:05"},
    ],
    ids=itertools.count(),
)
async def test_what_is_no_answer_about_this_mark_is_a_wrong_answer(answer: object) -> None:
    with pytest.raises(WrongAnswerError):
        await saying(answer).ask(DOCUMENT, TODAY)


async def test_an_exchange_that_does_not_know_the_minutes_before_has_no_answer() -> None:
    with pytest.raises(NoAnswerError, match="has not run"):
        await saying({"mark": MARK, "answer": "unsure"}).ask(DOCUMENT, TODAY)


async def test_the_day_s_key_is_of_today_and_whole() -> None:
    assert await saying({"day": "2026-12-05", "key": "9b" * 32}).day_key(TODAY) == b"\x9b" * 32
    for answer in (
        {"day": "2026-12-04", "key": "9b" * 32},  # yesterday's
        {"day": "2026-12-06", "key": "9b" * 32},
        {"day": "2026-12-05", "key": "9b" * 31},
        {"day": "2026-12-05", "key": "9b" * 33},
        {"day": "2026-12-05", "key": "9b" * 31 + " 9b"},
        {"day": "2026-12-05", "key": ""},
        {"day": "2026-12-05"},
        {"day": "2026-12-05", "key": "9B" * 32},
        {"day": "today", "key": "9b" * 32},
    ):
        with pytest.raises(WrongAnswerError) as raised:
            await saying(answer).day_key(TODAY)
        assert "9b9b" not in str(raised.value)


async def test_ten_megabytes_are_cut_off(registers: Registers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Registers, "answer", lambda *_: {"mark": MARK, "answer": "none", "more": "x" * 10_000_000})
    with pytest.raises(WrongAnswerError, match="more than 65536 bytes"):
        await said(registers, "reuse")


async def test_a_register_that_is_not_there_does_not_answer() -> None:
    async with Courier(Place("http://127.0.0.1:1")) as courier:
        adapter: Adapter = ADAPTERS["lost_documents"](courier)
        with pytest.raises(NoAnswerError):
            await adapter.ask(DOCUMENT, TODAY)
    assert ANSWER_BYTES_MAX == 64 * 1024
