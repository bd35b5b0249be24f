"""What every adapter to a register does, made by the author's fixture `register_adapter`: `from gate_contract.register import *`.

The fixture is a callable that takes an Exchange and returns the adapter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date

import pytest

from gate_core.ports.registers import (
    Adapter,
    AdapterError,
    Answer,
    Exchange,
    NoAnswerError,
    Question,
    RegisterAnswer,
)

NUMBER, SURNAME = "L898902C3", "ERIKSSON"
TODAY = date(2026, 12, 5)
QUESTION = Question("P", "UTO", NUMBER, "UTO", SURNAME, "ANNA MARIA", "1974-08-12")
NONSENSE = (
    b"",
    b"\x00\xff\xfe",
    b"null",
    b"[]",
    b"{}",
    b'{"answer":7}',
    b"[" * 10_000,
    NUMBER.encode(),
    b'{"answer":"' + b"x" * 60_000 + b'"}',
)
Make = Callable[[Exchange], Adapter]


@pytest.mark.parametrize("said", NONSENSE, ids=range(len(NONSENSE)))
def test_an_answer_that_is_none_is_an_error_that_repeats_nothing(register_adapter: Make, said: bytes) -> None:
    async def exchange(path: str, body: bytes) -> bytes:
        return said

    with pytest.raises(AdapterError) as caught:
        asyncio.run(register_adapter(exchange).ask(QUESTION, TODAY))
    assert NUMBER not in str(caught.value)
    assert SURNAME not in str(caught.value)


def test_a_register_that_does_not_answer_passes_its_error_on(register_adapter: Make) -> None:
    async def exchange(path: str, body: bytes) -> bytes:
        raise NoAnswerError("it is away")

    with pytest.raises(NoAnswerError):
        asyncio.run(register_adapter(exchange).ask(QUESTION, TODAY))


def test_a_document_without_a_number_is_not_known(register_adapter: Make) -> None:
    async def exchange(path: str, body: bytes) -> bytes:
        raise NoAnswerError("it is away")

    try:
        answer: Answer | None = asyncio.run(register_adapter(exchange).ask(Question("P", "UTO", ""), TODAY))
    except AdapterError:
        answer = None
    assert answer is None or answer.answer is RegisterAnswer.UNKNOWN


def test_it_holds_no_question_after_its_answer(register_adapter: Make) -> None:
    async def exchange(path: str, body: bytes) -> bytes:
        return b"{}"

    adapter = register_adapter(exchange)
    with pytest.raises(AdapterError):
        asyncio.run(adapter.ask(QUESTION, TODAY))
    assert NUMBER not in str(getattr(adapter, "__dict__", ""))
