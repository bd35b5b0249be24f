"""Whoever asks for an officer is asked about nowhere, by number or by mark: a thousand random crossings, and half as many, in which a question and
a wish come when they like.

The machine says who is shielded, the lane's client asks; at the other end a register notes when a question came and when it was given up.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from pathlib import Path
from typing import Any

import pytest
from fakes.passage_examples import CROSSING, ready

from gate.channel import register_messages
from gate.channel.errors import ChannelClosedError
from gate.passage import states
from gate.passage.events import DocumentPresented, Event, Recorded, RegistersAnswered, TravellerAsked
from gate.passage.names import RecordKind, Wish
from gate.programs.lane.registers import LOOK_S, RegistersClient
from gate_contract.virtual_time import run_virtual
from gate_core.evidence.registers import RegisterAnswer, RegisterCause

QUESTION = register_messages.DocumentQuestion("P", "UTO", "L898902C3", "UTO")
MARK = "5d" * 40
CROSSINGS = 1000
SLACK_S = 0.001


class Register(RegistersClient):
    """The client, with a register at its other end that answers after a while. It notes when it was told a question, and until when it worked on it."""

    def __init__(self, answers_after_s: float, **ports: Any) -> None:
        super().__init__(
            Path("nowhere"),
            answer_ms=2000,
            names=lambda: ("stolen-documents", "reuse"),
            entry=lambda: True,
            exchange="reuse",
            **ports,
        )
        self._answers_after_s = answers_after_s
        self.told_s: float | None = None
        self.left_s: float | None = None

    async def _said_to(
        self,
        message: register_messages.ToRegisters,
        about: str = "",  # noqa: ARG002 - as the client calls it
    ) -> register_messages.FromRegisters:
        assert isinstance(message, register_messages.AskRegisters)
        question, names = message.question, message.registers
        assert question is QUESTION or (question.mark == MARK and names == ["reuse"])
        loop = asyncio.get_running_loop()
        self.told_s = loop.time()
        try:
            await asyncio.sleep(self._answers_after_s)
        finally:
            self.left_s = loop.time()
        if self._answers_after_s > 1.9:
            raise ChannelClosedError("it hangs up")
        return register_messages.RegistersSaid(
            [register_messages.RegisterFound(name, RegisterAnswer.NONE) for name in names]
        )


async def crossing(chance: random.Random, *, heeded: bool, marked: bool) -> tuple[float | None, Register, list[Event]]:
    """One crossing: when its traveller asked for an officer, the register, and what was posted. Not `heeded`: the client does not look."""
    run, posted = ready(), list[Event]()
    run.feed(DocumentPresented(CROSSING), Recorded(CROSSING, RecordKind.OPENED))
    register = Register(
        chance.choice((0.0, 0.01, 0.3, 1.5, 3.0)),
        post=posted.append,
        is_shielded=lambda name: heeded and name in run.lane.shielded,
    )
    running = asyncio.ensure_future(register.run())
    loop = asyncio.get_running_loop()
    asks_s, wishes_s = chance.choice((0.0, 0.2, 1.0)), chance.choice((None, 0.0, 0.1, 0.2, 0.25, 0.4, 1.0, 1.1))
    wished_s: float | None = None

    async def wish() -> None:
        nonlocal wished_s
        if wishes_s is None:
            return
        await asyncio.sleep(wishes_s)
        wished_s = loop.time()
        run.feed(TravellerAsked("c3", chance.choice((Wish.HELP, Wish.PROTECTION))), after_ms=10)
        assert isinstance(run.state, states.Referred)

    async def ask() -> None:
        await asyncio.sleep(asks_s)
        if marked:
            register.ask_marked(CROSSING, MARK)
        else:
            register.ask(CROSSING, QUESTION)

    await asyncio.gather(wish(), ask())
    await asyncio.sleep(5)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return wished_s, register, posted


def broken(wished_s: float | None, register: Register, posted: list[Event]) -> str:
    """What of the promise is broken; empty when it is kept."""
    if wished_s is None:
        return "" if register.told_s is not None else "nobody asked for an officer, and nothing was asked"
    if register.told_s is not None and register.told_s > wished_s + SLACK_S:
        return "a question left after the traveller asked for an officer"
    if register.left_s is not None and register.left_s > wished_s + LOOK_S + SLACK_S:
        return "a question was not withdrawn"
    (answered,) = (event for event in posted if isinstance(event, RegistersAnswered))
    withheld = [one.cause is RegisterCause.WITHHELD for one in answered.findings]
    if register.told_s is None and withheld != [True]:
        return "what was withheld has another answer"
    return ""


@pytest.mark.parametrize(("seed", "marked"), [(0, False), (1, False), (2, False), (3, False), (4, True), (5, True)])
def test_no_question_leaves_after_the_traveller_asked_for_an_officer_and_one_on_its_way_is_withdrawn(
    seed: int,
    marked: bool,  # noqa: FBT001 - a case
) -> None:
    chance = random.Random(seed)
    found = [broken(*run_virtual(crossing(chance, heeded=True, marked=marked))) for _ in range(CROSSINGS // 4)]
    assert [one for one in found if one] == []


@pytest.mark.parametrize("marked", [False, True], ids=["number", "mark"])
def test_a_client_that_does_not_look_is_found_out(marked: bool) -> None:  # noqa: FBT001 - a case
    chance = random.Random(0)
    found = {broken(*run_virtual(crossing(chance, heeded=False, marked=marked))) for _ in range(CROSSINGS // 4)}
    assert {"a question left after the traveller asked for an officer", "a question was not withdrawn"} <= found
