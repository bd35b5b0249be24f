"""The pure machine of a lane under events that no honest world sends, in any order, with the oracle listening."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fakes.lane_oracle import Oracle
from fakes.passage_examples import AT_REST, GENUINE, RULES, SAME_FACE, Run, ordered

from gate.passage import states
from gate.passage.effects import (
    Answer,
    ClearAlarms,
    Effect,
    EndEmergency,
    Erase,
    Grant,
    LookAtLane,
    OpenCamera,
    Release,
    Revoke,
    Show,
    StartCrossing,
    Write,
)
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    DocumentRemoved,
    Event,
    FaceCompared,
    FaceSeen,
    GrantFailed,
    NotRecorded,
    PageGuided,
    Part,
    PartBack,
    PartLost,
    Recorded,
    RecordReplaced,
    SiteSeen,
    Tick,
    TrackChanged,
    TravellerAsked,
    VideoDoubted,
)
from gate.passage.names import Disposition, RecordKind, TrackChange, Wish
from gate.passage.orders import Admit, BePresent, Command, HandOver, Hold, LaneOrder, Ordered
from gate_core.evidence.crossing import Alarm, CameraTrouble, Score
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Guidance

OF_TWO = replace(
    RULES, two_officers_for=frozenset({Reason.FACE_BELOW_THRESHOLD, Reason.HELD_BY_OFFICER, Reason.FACES_SEVERAL})
)


class Hostile:
    """Events that no honest world sends, in any order, to the machine alone."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.run = Run(rules=OF_TWO)
        self.oracle = Oracle(OF_TWO)
        self.lane = AT_REST
        self.numbers = 0
        self.crossings = ["none"]

    def step(self) -> None:
        """One event, mostly a tick."""
        if self.rng.random() < 0.4:
            self.run.now_ms += 50
            self.tell(Tick())
        else:
            self.run.now_ms += self.rng.randrange(3)
            self.tell(self.helpful() if self.rng.random() < 0.6 else self.drawn())

    def tell(self, event: Event) -> None:
        """Tell the machine, and the oracle what it does."""
        fresh = not isinstance(event, Ordered) or event.version == self.run.lane.version
        self.oracle.hears(event, self.run.now_ms, fresh=fresh)
        for effect in self.run.feed(event):
            self.done(effect)
        self.run.effects.clear()
        self.oracle.rests(self.run.now_ms)

    def done(self, effect: Effect) -> None:
        """The machine does something."""
        oracle, now_ms = self.oracle, self.run.now_ms
        match effect:
            case Write(record, awaited):
                oracle.writes(record, now_ms, awaited=awaited)
            case StartCrossing(crossing):
                oracle.starts(crossing, now_ms)
            case Grant(crossing, ttl_ms):
                oracle.grants(ttl_ms, now_ms, crossing)
            case Revoke():
                oracle.revokes(now_ms)
            case Release():
                oracle.releases(now_ms)
            case EndEmergency():
                oracle.ends_emergency(now_ms)
            case ClearAlarms():
                oracle.clears_alarms(now_ms)
            case Answer(number, outcome):
                oracle.answers_order(number, outcome, now_ms)
            case Show(screen):
                oracle.shows(screen, now_ms)
            case Erase(crossing):
                oracle.erases(crossing, now_ms)
            case LookAtLane() | OpenCamera():
                pass

    def helpful(self) -> Event:
        """What the running crossing waits for, so that something comes of it; of a lane at rest, whatever brings a traveller."""
        rng, crossing = self.rng, states.crossing_of(self.run.state) or ""
        if self.run.lane.first_words and rng.random() < 0.5:
            return Recorded(self.run.lane.first_words[0].crossing, RecordKind.WOULD_ADMIT)
        receipts = {
            states.Opening: RecordKind.OPENED,
            states.Recording: RecordKind.DECIDED,
            states.Overruling: RecordKind.OVERRULED,
        }
        match self.run.state:
            case states.Opening() | states.Recording() | states.Overruling() as state:
                return Recorded(crossing, receipts[type(state)])
            case states.Inspecting():
                told: list[Event] = [DocumentRead(crossing, GENUINE), FaceCompared(crossing, SAME_FACE)]
                return rng.choice(told)
            case states.Granted():
                return self._rested(
                    passages_entry=(self.lane.passages_entry + (rng.random() < 0.2)) % 2**32, grants_left=1
                )
            case states.Referred():
                return self._order(crossing)
            case states.Emergency():
                return rng.choice([self._rested(), self._order("")])
            case _:
                hello: list[Command] = [BePresent(), LaneOrder.ACKNOWLEDGE, LaneOrder.OPEN]
                return rng.choice([self._rested(), self._rested(), self._presented(), self._ordered(rng.choice(hello)),
                                   PartBack(rng.choice(list(Part))), SiteSeen(1.0, clock_sure=True)])  # fmt: skip

    def _rested(self, **more: Any) -> Event:
        self.lane = replace(
            self.lane, closed=True, bodies=0, grants_left=0, fire=False, emergency_open=False, alarms=()
        )
        self.lane = replace(self.lane, **more)
        return self.lane

    def drawn(self) -> Event:
        """Any event; of the running crossing more often than not, so that something comes of it."""
        rng = self.rng
        running = states.crossing_of(self.run.state)
        crossing = running if running is not None and rng.random() < 0.8 else rng.choice(self.crossings)
        kinds: list[Callable[[], Event]] = [
            *(6 * [self._lane_seen]),
            *(3 * [lambda: self._order(crossing)]),
            *(
                4
                * [
                    lambda: Recorded(
                        crossing,
                        rng.choice(
                            [RecordKind.OPENED, RecordKind.DECIDED, RecordKind.OVERRULED, RecordKind.WOULD_ADMIT]
                        ),
                    )
                ]
            ),
            *(2 * [self._presented]),
            *(2 * [lambda: DocumentRead(crossing, GENUINE)]),
            *(2 * [lambda: FaceCompared(crossing, self._face(), self._session())]),
            *(2 * [lambda: SiteSeen(rng.choice([1.0, 1.0, 1.0, 100.0, None]), clock_sure=rng.random() < 0.9)]),
            *(2 * [lambda: PartBack(rng.choice(list(Part)))]),
            lambda: NotRecorded(crossing, rng.choice(list(RecordKind))),
            lambda: FaceSeen(crossing, rng.choice([0, 1, 1, 1, 2]), Guidance.NONE, self._session()),
            lambda: TrackChanged(crossing, rng.choice(list(TrackChange)), self._session()),
            lambda: VideoDoubted(crossing, rng.choice(list(CameraTrouble))),
            lambda: PartLost(rng.choice(list(Part))),
            lambda: GrantFailed(crossing),
            lambda: RecordReplaced(crossing, rng.choice(list(RecordKind))),
            DocumentRemoved,
            self._asked,
            lambda: PageGuided(rng.choice(list(Guidance))),
        ]
        return rng.choice(kinds)()

    def _asked(self) -> Event:
        return TravellerAsked(f"a{self.rng.getrandbits(64):x}", self.rng.choice(list(Wish)))

    def _session(self) -> int:
        return int(self.rng.random() < 0.05)

    def _face(self) -> Any:
        return replace(
            SAME_FACE, match=Score(self.rng.choice([0.1, 0.8, 0.8, 0.8])), faces=self.rng.choice([1, 1, 1, 2])
        )

    def _presented(self) -> Event:
        self.crossings = [*self.crossings[-3:], f"h{self.rng.getrandbits(64):x}"]
        return DocumentPresented(self.crossings[-1])

    def _lane_seen(self) -> Event:
        rng, before = self.rng, self.lane
        anew = rng.random() < 0.01
        self.lane = replace(
            before,
            closed=rng.random() < 0.7,
            bodies=rng.choice([0, 0, 0, 0, 1, 2]),
            passages_entry=0 if anew else (before.passages_entry + rng.choice([0] * 9 + [1])) % 2**32,
            passages_exit=0 if anew else (before.passages_exit + rng.choice([0] * 19 + [1])) % 2**32,
            power_ups=before.power_ups + anew,
            grants_left=int(rng.random() < 0.1),
            fire=rng.random() < 0.02,
            emergency_open=rng.random() < 0.03,
            alarms=tuple(alarm for alarm in before.alarms if rng.random() < 0.5)
            or ((rng.choice(list(Alarm)),) if rng.random() < 0.03 else ()),
        )
        return self.lane

    def _order(self, crossing: str) -> Event:
        rng = self.rng
        waiting = [one for one, seen in self.oracle.crossings.items() if seen.waits]
        referred = rng.choice(waiting) if waiting else crossing
        commands: list[Command] = [
            *(4 * [BePresent(rng.choice([0, 10_000]))]),
            *(2 * [Admit(referred, seen=rng.random() < 0.9)]),
            *(2 * [HandOver(referred, rng.choice([Disposition.WALKED_BACK, Disposition.TAKEN_OVER]))]),
            *(2 * [LaneOrder.END_EMERGENCY]),
            *(2 * [LaneOrder.ACKNOWLEDGE]),
            *(2 * [LaneOrder.OPEN]),
            Hold(crossing),
            Hold(referred),
            LaneOrder.RELEASE,
            LaneOrder.OPEN_EMERGENCY,
            LaneOrder.CLOSE,
        ]
        return self._ordered(rng.choice(commands))

    def _ordered(self, command: Command) -> Event:
        self.numbers += 1
        version = self.run.lane.version - (self.rng.random() < 0.1)
        return ordered(command, self.rng.choice(["officer-1", "officer-2"]), version=version, number=self.numbers)
