"""Somebody who watches the traveller's page while a real lane refers travellers for one cause after another, in virtual time.

What they note of a referral begins when the page leaves the screen that was shown before: the times and the bytes of what comes then, to a tenth of
a millisecond, without the stream's own numbering. `told_apart` is a classifier that tries to name the cause from that: nearest neighbours, each
referral against all others.
"""

from __future__ import annotations

import asyncio
import random
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from fakes.passage_examples import AT_REST, CROSSING, GENUINE, RULES, SAME_FACE, ordered

from gate.channel import screen_messages
from gate.passage import records, states
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    DoorSeen,
    Event,
    FaceCompared,
    FaceSeen,
    NotRecorded,
    Recorded,
    SiteSeen,
)
from gate.passage.names import Outcome
from gate.passage.orders import BePresent
from gate.programs.lane.engine import Engine
from gate.programs.lane.views import Paced
from gate.screens.kiosk.board import Board
from gate.screens.kiosk.view import ViewState, lane_unknown, render
from gate_core.evidence.crossing import DocumentEvidence, FaceEvidence
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Guidance, Purpose, Screen

POLL_S = 0.1
LIMIT_S = 120.0
NEIGHBOURS = 5
Page = tuple[float, Screen, bytes]


class Lane:
    """One lane, its page, and one traveller. What its neighbours do is a field."""

    def __init__(self, rng: random.Random, rules: states.Rules, *, paced: bool) -> None:
        self.rng = rng
        self.seen: DoorSeen | None = AT_REST
        self.receipt_s: Callable[[], float | None] = lambda: rng.uniform(0.003, 0.015)  # None: it is refused
        self.document, self.face = GENUINE, SAME_FACE
        self.read_s, self.face_s = rng.uniform(1.0, 4.0), rng.uniform(1.0, 4.0)
        self.faces = 1
        self.grants = 0
        self.pages: list[Page] = []
        self.reasons: tuple[Reason, ...] = ()
        self._board = Board(boot="boot1", state=lane_unknown(Purpose.SERVICE))
        pace = Paced(self._show, clock_ms=lambda: self.now_s * 1000)
        self.engine = Engine(
            rules=rules,
            barrier=self,
            recorder=self,
            start_crossing=self._cross,
            erase=lambda _: None,
            forget=lambda _: None,
            show=pace.show if paced else self._show,
            answer=self._answered,
            clock_ms=lambda: self.now_s * 1000,
            purpose=Purpose.SERVICE,
            open_crossings=(),
        )

    @property
    def now_s(self) -> float:
        """Seconds of this world."""
        return asyncio.get_running_loop().time()

    def _answered(self, number: int, outcome: Outcome, detail: str) -> None:
        pass

    def _show(self, view: screen_messages.View) -> None:
        state = render(ViewState(view.screen, view.guidance, view.purpose, view.direction, view.travellers))
        self._board.show(state)

    async def _watch(self) -> None:
        """What a browser receives, and when; without the number of the event."""
        with self._board.watch() as mailbox:
            while True:
                event = await mailbox.take()
                self.pages.append((self.now_s, self._board.state.screen, event.partition(b"\n")[2]))

    # ── the barrier and the log ──────────────────────────────────────────────────────────────────────────────────────

    async def grant(self, ttl_ms: int) -> float | None:
        """Grant it; the status says so until it is used or taken back."""
        self.grants = 1
        return ttl_ms and self.now_s

    async def revoke(self) -> None:
        """Take it back."""
        self.grants = 0

    release = end_emergency = revoke

    async def clear_alarms(self, alarms: Any) -> None:
        """They stay."""

    def look(self) -> None:
        """A status soon."""
        asyncio.get_running_loop().call_later(self.rng.uniform(0.005, 0.03), self._status)

    def _status(self) -> None:
        if self.seen is not None:
            self.engine.post(replace(self.seen, grants_left=self.grants))

    def append(self, record: records.Record, *, awaited: bool) -> None:
        """Take a record."""
        if isinstance(record, records.Closed):
            self.reasons = tuple(one.reason for one in record.reasons)
        if not awaited:
            return
        crossing, receipt_s = records.crossing_of(record) or "", self.receipt_s()
        answer: Event = NotRecorded(crossing, record.kind) if receipt_s is None else Recorded(crossing, record.kind)
        late_s = self.rng.uniform(0.003, 0.015) if receipt_s is None else receipt_s
        asyncio.get_running_loop().call_later(late_s, self.engine.post, answer)

    # ── the traveller ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _cross(self, crossing: str) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._after(self.read_s, lambda: DocumentRead(crossing, self.document)))
            tasks.create_task(self._after(0.4, lambda: FaceSeen(crossing, self.faces, Guidance.NONE)))
            if self.faces:
                tasks.create_task(self._after(self.face_s, lambda: FaceCompared(crossing, self.face)))
        await asyncio.Event().wait()

    async def _after(self, seconds: float, event: Callable[[], Event]) -> None:
        await asyncio.sleep(seconds)
        self.engine.post(event())

    async def until(self, screen: Screen) -> None:
        """Until the page shows it."""
        while not self.pages or self.pages[-1][1] is not screen:  # noqa: ASYNC110 - a human's glance, in virtual time
            await asyncio.sleep(0.01)

    async def say(self, *events: Event) -> None:
        """Something happens."""
        for event in events:
            self.engine.post(event)
        await asyncio.sleep(0)

    async def play(self, cause: Cause) -> list[Page]:
        """One traveller, who is referred for this cause; what an onlooker notes."""
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(one) for one in (self._watch(), self.engine.run(), self._poll())]
            await asyncio.sleep(0.3)
            await self.say(ordered(BePresent()), SiteSeen(1.0, clock_sure=True))
            await asyncio.sleep(self.rng.uniform(0.5, 1.5))
            await cause.prepare(self)
            await self.say(DocumentPresented(CROSSING))
            async with asyncio.timeout(LIMIT_S):
                await cause.happens(self)
                await self.until(Screen.OFFICER)
            for task in running:
                task.cancel()
        assert cause.reason in self.reasons, (cause.reason, self.reasons)
        return self.pages

    async def _poll(self) -> None:
        while True:
            self._status()
            await asyncio.sleep(POLL_S)


async def _nothing(_: Lane) -> None:
    await asyncio.sleep(0)


@dataclass(frozen=True)
class Cause:
    """Why a crossing is referred: what is so before the document is laid, and what happens then."""

    reason: Reason
    prepare: Callable[[Lane], Awaitable[None]] = _nothing
    happens: Callable[[Lane], Awaitable[None]] = _nothing
    rules: states.Rules = RULES


def found(
    reason: Reason, *, document: DocumentEvidence = GENUINE, face: FaceEvidence = SAME_FACE, **rules: Any
) -> Cause:
    """A cause that the decision finds."""

    async def prepare(lane: Lane) -> None:
        await asyncio.sleep(0)
        lane.document, lane.face = document, face

    return Cause(reason, prepare, rules=replace(RULES, policy=replace(RULES.policy, **rules)))


def noted(pages: Sequence[Page]) -> list[float]:
    """What an onlooker can count of a referral."""
    begins = len(pages) - 1
    while begins and pages[begins - 1][1] is Screen.WAIT:
        begins -= 1
    tail = pages[begins:]
    began_s = tail[0][0]
    times = [round((at_s - began_s) * 10_000) / 10 for at_s, _, _ in tail]
    lengths = [float(len(event)) for _, _, event in tail]
    marks = [float(zlib.crc32(event) % 1_000) for _, _, event in tail]
    return [float(len(tail)), times[-1], lengths[0], lengths[-1], marks[0], marks[-1]]


def told_apart(notes: Sequence[Sequence[float]], causes: Sequence[Reason]) -> int:
    """How many referrals the classifier names rightly, which it has not seen: each half by the other. Where several are as near as the last
    neighbour, all of them have a say; where several causes have as many, it names the first.
    """
    table = np.asarray(notes, dtype=float)
    spread = table.std(axis=0)
    table = (table - table.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    half = len(causes) // 2
    return sum(
        _named(table[one], table[known], causes[known]) is causes[one]
        for one in range(len(causes))
        for known in [slice(half, None) if one < half else slice(half)]
    )


def _named(one: np.ndarray[Any, Any], known: np.ndarray[Any, Any], causes: Sequence[Reason]) -> Reason:
    """The cause of most of the nearest."""
    far = np.abs(known - one).sum(axis=1)
    near = far <= np.partition(far, NEIGHBOURS - 1)[NEIGHBOURS - 1] + 1e-9
    votes = Counter(cause for cause, is_near in zip(causes, near, strict=True) if is_near)
    return max(votes, key=lambda cause: (votes[cause], cause.value))


def lower_bound(right: int, of: int) -> float:
    """The exact one-sided 95 % lower bound of a share (Clopper and Pearson, 1934), by bisection of the binomial's tail."""
    if right == 0:
        return 0.0
    low, high = 0.0, right / of
    for _ in range(60):
        share = (low + high) / 2
        tail = 1.0 - _below(right, of, share)
        low, high = (share, high) if tail < 0.05 else (low, share)
    return low


def _below(right: int, of: int, share: float) -> float:
    """The chance of fewer than so many, of so many, each with this chance."""
    if share <= 0.0:
        return 1.0
    term = (1.0 - share) ** of
    total = 0.0
    for count in range(right):
        total += term
        term *= (of - count) / (count + 1) * share / (1.0 - share)
    return total
