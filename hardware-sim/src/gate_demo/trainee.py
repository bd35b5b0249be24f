"""The officer of a drill: a person at this terminal, or a robot for tests. They count as present, and must order the rest.

Calls for the officer and their orders are recorded with CLOCK_MONOTONIC times, for `gate_demo.score`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from gate.channel import order_messages
from gate.passage.names import Outcome
from gate.programs.shared.terminal import Terminal
from gate_core.evidence.crossing import Notice
from gate_core.evidence.screen import Screen
from gate_core.orders.errors import OrderError
from gate_core.orders.verbs import VERBS, Verb
from gate_core.programs.clock import monotonic_ms
from gate_demo.officer import PRESENCE_S, Officer

LOOK_EVERY_S: Final = 0.25
PATIENCE: Final = 10.0  # factor for a person
_TELLING: Final = frozenset({Notice.HELP_CALLED, Notice.PERSON_INSIDE, Notice.LEFT_OBJECT})
_EMERGENCY: Final = "emergency"


@dataclass(frozen=True, slots=True)
class Said:
    """An officer's order: a verb and its arguments. An order about a crossing is for the one that waits."""

    verb: Verb
    argument: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order, the lane's answer, and its time."""

    said: Said
    outcome: Outcome
    detail: str
    at_ms: int


@dataclass(slots=True)
class Diary:
    """The times of calls for the officer, and the officer's orders."""

    calls_ms: list[int] = field(default_factory=list)
    orders: list[Ordered] = field(default_factory=list)


class Mind(Protocol):
    """Decides the orders. `look` receives each change; the orders are put into `wanted`."""

    wanted: asyncio.Queue[Said]

    def sees(self, words: str) -> None:
        """Receive what is visible of an arriving traveller in the lane, as text; empty when the case has nothing."""

    def look(self, calls: dict[str, str]) -> None:
        """Receive what requires the officer now: texts by stable names."""

    def answered(self, ordered: Ordered) -> None:
        """Receive the lane's answer to an order."""


class Trainee(Officer):
    """An officer whose orders a `Mind` decides, and a diary of calls and orders."""

    patience = PATIENCE

    def __init__(self, *, mind: Mind, diary: Diary, serves: str, **rest: object) -> None:
        super().__init__(**rest)  # type: ignore[arg-type]
        self._mind = mind
        self._diary = diary
        self._serves = serves
        self._calls: dict[str, str] = {}

    async def _work(self, terminal: Terminal) -> None:
        said_s = looked_s = 0.0
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(0.05)
            if self.absent:
                said_s = 0.0
                continue
            if loop.time() - said_s > PRESENCE_S:
                said_s = loop.time()
                await self._order(terminal, Verb.PRESENT)
            if loop.time() - looked_s > LOOK_EVERY_S:
                looked_s = loop.time()
                look = await terminal.look()
                if look.travellers != self._serves:
                    await self._order(terminal, Verb.MODE, argument=self._serves)
                self._notice(look)
            with contextlib.suppress(asyncio.QueueEmpty):
                await self._carry_out(terminal, self._mind.wanted.get_nowait())

    def _notice(self, look: order_messages.Look) -> None:
        """Note and report what requires the officer, when it changed."""
        calls = calls_of(look, emergency=self.view is not None and self.view.screen is Screen.EMERGENCY)
        if calls == self._calls:
            return
        if calls.keys() - self._calls.keys():
            self._diary.calls_ms.append(monotonic_ms())
        self._calls = calls
        self._mind.look(calls)

    async def _carry_out(self, terminal: Terminal, said: Said) -> None:
        crossing = None
        if VERBS[said.verb].crossing or said.verb is Verb.FLAG:
            look = await terminal.look()
            crossing = look.referred[0].crossing if look.referred else look.running
        try:
            answer = await terminal.order(
                self._shift, said.verb, crossing=crossing, argument=said.argument, reason=said.reason
            )
            ordered = Ordered(said, answer.outcome, answer.detail, monotonic_ms())
        except OrderError as error:
            ordered = Ordered(said, Outcome.IMPOSSIBLE, str(error), monotonic_ms())
        self._diary.orders.append(ordered)
        self._mind.answered(ordered)


def calls_of(look: order_messages.Look, *, emergency: bool) -> dict[str, str]:
    """Return what requires an officer, in the gate's own text."""
    reasons = {
        one.crossing: [f"{it.reason.value}:{it.detail}" if it.detail else it.reason.value for it in one.objections]
        for one in look.referred
    }
    calls = {crossing: f"a traveller waits: {', '.join(words)}" for crossing, words in reasons.items()}
    calls |= {f"alarm {alarm.value}": f"alarm: {alarm.value}" for alarm in look.alarms}
    calls |= {notice.value: notice.value for notice in look.notices if notice in _TELLING}
    return calls | ({_EMERGENCY: "the gate is open in an emergency"} if emergency else {})


class Robot:
    """Hands over referrals, acknowledges, ends emergencies, flags a child that it sees; `releases` first opens for a person who waits
    inside.
    """

    def __init__(self, *, releases: bool, admits: bool = False) -> None:
        self.wanted: asyncio.Queue[Said] = asyncio.Queue()
        self._releases = releases
        self._settles = Said(Verb.ADMIT, reason="careless") if admits else Said(Verb.HAND_OVER, "taken_over")
        self._calls: dict[str, str] = {}
        self._sees_child = False

    def sees(self, words: str) -> None:
        """Note whether the traveller is a child."""
        self._sees_child = "child" in words

    def look(self, calls: dict[str, str]) -> None:
        """Order the settlement of everything at once."""
        self._calls = calls
        for name in calls:
            if name == _EMERGENCY:
                self._want(Said(Verb.END_EMERGENCY))
            elif name.startswith("alarm ") or name in {one.value for one in _TELLING}:
                self._want(Said(Verb.ACKNOWLEDGE))
            else:
                if self._releases:
                    self._want(Said(Verb.RELEASE, reason="somebody wants to leave"))
                if self._sees_child:
                    self._want(KEYS["c"])
                self._want(self._settles)

    def answered(self, ordered: Ordered) -> None:
        """Repeat an impossible or outdated order while it is still required."""
        goes_on = ordered.said.verb in {Verb.ACKNOWLEDGE, Verb.END_EMERGENCY}  # a button may stay pressed
        if goes_on or ordered.outcome in {Outcome.IMPOSSIBLE, Outcome.STALE}:
            asyncio.get_running_loop().call_later(0.5, self._want, ordered.said)

    def _want(self, said: Said) -> None:
        if self._calls:
            self.wanted.put_nowait(said)


KEYS: Final = {
    "t": Said(Verb.HAND_OVER, "taken_over"),
    "w": Said(Verb.HAND_OVER, "walked_back"),
    "a": Said(Verb.ADMIT),
    "c": Said(Verb.FLAG, "child"),
    "f": Said(Verb.REFER),
    "k": Said(Verb.ACKNOWLEDGE),
    "r": Said(Verb.RELEASE),
    "o": Said(Verb.OPEN_EMERGENCY),
    "e": Said(Verb.END_EMERGENCY),
}
HELP: Final = (
    "t take over · w let walk back · a REASON admit · c flag a child quietly · f refer who is being served · k acknowledge · r release · o open, emergency · "
    "e emergency is over"
)


class Person:
    """A person at a terminal: `typed` receives lines, `tell` prints text."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.wanted: asyncio.Queue[Said] = asyncio.Queue()
        self._tell = tell

    def sees(self, words: str) -> None:
        """Print what is visible of the traveller."""
        if words:
            self._tell(f"  you see {words}")

    def look(self, calls: dict[str, str]) -> None:
        """Print what requires the officer."""
        for words in calls.values():
            self._tell(f"  {words}")
        if not calls:
            self._tell("  nothing waits for you")

    def answered(self, ordered: Ordered) -> None:
        """Print the lane's answer."""
        detail = f": {ordered.detail}" if ordered.detail else ""
        self._tell(f"  {ordered.said.verb.value}: {ordered.outcome.value}{detail}")

    def typed(self, line: str) -> None:
        """Order what a typed line means: a key, and a reason where it requires one."""
        key, _, reason = line.strip().partition(" ")
        said = KEYS.get(key)
        if said is None or (VERBS[said.verb].reason and not reason.strip()):
            self._tell(f"  {HELP}")
        else:
            self.wanted.put_nowait(Said(said.verb, said.argument, reason.strip()))
