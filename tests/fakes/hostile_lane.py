"""A lane of one door in a hostile world: anything is said to it, in any order, by a board, a log, a camera, travellers and officers of whom nothing good
is assumed, and it starts anew at any point. `fakes.lane_oracle` listens. Now and then all of it ends, and the lane must serve.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from fakes.lane_oracle import Oracle
from fakes.lane_under_test import LaneUnderTest
from fakes.oracle_account import REFERRED
from fakes.passage_examples import AT_REST, GENUINE, RULES, SAME_FACE, said

from gate.passage import lasting_state, states
from gate.passage.conditions import AgeFrom
from gate.passage.effects import Effect, Grant, Release, Revoke
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    DocumentRemoved,
    DoorSeen,
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
from gate.passage.records import Opened, crossing_of
from gate.passage.rule_set import Effect as RuleEffect
from gate.passage.rule_set import Rule, RuleSet
from gate_core.evidence.crossing import Alarm, CameraTrouble, CheckId, CheckResult, Score
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Guidance, Screen

WALL = datetime(2026, 11, 28, 12)  # noqa: DTZ001 - the site's own, and it stands still
WRITTEN = RuleSet(
    "hostile",
    "hostile",
    (
        Rule("twelve-and-older", RuleEffect.ELIGIBLE, "", "", "", WALL.date(), WALL.date(), AgeFrom(12)),
        Rule("ninety-and-older", RuleEffect.OFFICER, "", "", "", WALL.date(), WALL.date(), AgeFrom(90)),
    ),
)
OF_TWO = replace(
    RULES,
    policy=replace(RULES.policy, rules=WRITTEN.sha256),
    rule_set=WRITTEN,
    two_officers_for=frozenset({Reason.FACE_BELOW_THRESHOLD, Reason.HELD_BY_OFFICER, Reason.FACES_SEVERAL}),
)
WATCHED = replace(OF_TWO, policy=replace(OF_TWO.policy, camera_sees_zone=True))  # every other lane
ADULT = replace(GENUINE, age=40)
FORGED = replace(
    ADULT,
    checks=tuple(
        replace(check, result=CheckResult.FAILED) if check.id is CheckId.SOD_SIGNATURE else check
        for check in GENUINE.checks
    ),
)
# Most are in order. The written rules do not let the others go alone; of the last one the document does not tell.
DOCUMENTS = (*(20 * [ADULT]), FORGED, replace(GENUINE, age=11), replace(GENUINE, age=90), GENUINE)
FACES = (
    *(12 * [SAME_FACE]),
    *(2 * [replace(SAME_FACE, match=Score(0.1))]),
    replace(SAME_FACE, faces=2),
    replace(SAME_FACE, liveness=Score(0.1)),
)
OFFICERS = ("officer-1", "officer-1x", "officer-2")  # who is called with an x has the key of the one without
RECEIPTS = (RecordKind.OPENED, RecordKind.DECIDED, RecordKind.OVERRULED, RecordKind.WOULD_ADMIT)
REFUSALS = tuple(kind for kind in RecordKind if kind is not RecordKind.WOULD_ADMIT)  # no log takes that back
STATUS_MS = 100  # no board is silent for longer
CALM_EVERY, CALM_STEPS_MAX = 4_000, 3_000


class Hostile(LaneUnderTest):
    """One lane. `step` plays one event. Raises BrokenInvariantError."""

    def __init__(self, seed: int) -> None:
        """Begin with a lane of which nothing is known."""
        rules = WATCHED if seed % 2 else OF_TWO
        self.oracle = Oracle(rules)
        super().__init__(random.Random(seed), rules, self.oracle, frozenset({Part.VISION, Part.CAMERA}))
        self.board = AT_REST
        self.heard_ms = 0  # when it said something last
        self.hostility = self.rng.choice([0.03, 0.1, 0.4])
        self.dies = self.rng.choice([0.00002, 0.001])  # how likely the program does, a step
        self.steps = self.numbers = 0
        self.crossings = ["none"]
        self.honest = ""  # the latest traveller of a calm
        self.served = 0  # how many were admitted before it became calm
        self.calm_until = 0

    def tell(self, *events: Event) -> None:
        """Tell the lane."""
        if any(isinstance(event, DoorSeen) for event in events):
            self.heard_ms = self.now_ms
        super().tell(*events)

    def step(self) -> None:
        """One event, mostly a tick."""
        rng = self.rng
        self.steps += 1
        if rng.random() < 0.5:
            self.turn_log()
        if self.now_ms - self.heard_ms > STATUS_MS:
            self.tell(self.board)
        elif rng.random() < 0.4:
            self.now_ms += 50
            self.tell(Tick())
        elif self.calm:
            self.now_ms += 10
            self.tell(self._helpful())
            self._see_it_serve()
        else:
            self.now_ms += rng.randrange(3)
            self.tell(self._drawn() if rng.random() < self.hostility else self._helpful())
            self._go_wrong()

    def _go_wrong(self) -> None:
        rng = self.rng
        if rng.random() < self.dies:
            self.restart()
        if rng.random() < 0.0005:
            self.tell(*(self._asked() for _ in range(40)))  # some go on and on
        if self.steps % CALM_EVERY == 0:
            self.calm, self.calm_until, self.served = True, self.steps + CALM_STEPS_MAX, self._admitted
            self.log_busy_until, self.honest = 0, ""
            for part in Part:
                self.tell(PartBack(part))

    def _see_it_serve(self) -> None:
        """Nobody means harm any more: the lane must come to admit an honest traveller."""
        honest = self.oracle.crossings.get(self.honest)
        if self._admitted > self.served:
            self.calm = False
        elif honest is not None and honest.verdict is REFERRED:
            self.oracle.broken("no dead end", f"a lane at rest refers an honest traveller: {honest}")
        elif self.steps > self.calm_until:
            self.oracle.broken(
                "no dead end", f"a lane at rest let no honest traveller through: {self.state} {self.lane}"
            )

    @property
    def _admitted(self) -> int:
        return self.oracle.counts.get("closed admitted", 0)

    def restart(self) -> None:
        """The lane program dies, and now and then its state with it."""
        is_lost = self.rng.random() < 0.2
        if is_lost:
            self.oracle.loses_state()
        self.start_anew(lasting_state.UNKNOWN if is_lost else None)
        self.tell(PartBack(Part.VISION), PartBack(Part.CAMERA))

    def carry_out(self, effect: Effect) -> None:
        """The board mostly does what it is told."""
        if not isinstance(effect, Grant | Revoke | Release) or (not self.calm and self.rng.random() > 0.8):
            return
        match effect:
            case Grant():
                self.board = replace(self.board, grants_left=1)
            case Revoke():
                self.board = replace(self.board, grants_left=0)
            case Release() if self.calm and self.oracle.screen is not Screen.EMERGENCY:
                pass  # an old order, told again: the leaf is shut by now
            case Release():  # pragma: no branch - the type checker proves the match complete
                self.board = replace(self.board, grants_left=0, closed=False)

    def _helpful(self) -> Event:  # noqa: PLR0911 - a list of states
        """What the running crossing waits for, so that something comes of it; of a lane at rest, whatever brings a traveller."""
        rng, crossing = self.rng, states.crossing_of(self.state) or ""
        match self.state:
            case states.Recording() if rng.random() < 0.2 and not self.calm:  # the log takes its time, and they go on
                moves: list[Event] = [DocumentRemoved(), TrackChanged(crossing, TrackChange.SWITCHED)]
                return rng.choice(moves)
            case states.Recording() | states.Overruling() if rng.random() < 0.2:
                return Recorded(crossing, RecordKind.OPENED)  # told again
            case states.Opening() | states.Recording() | states.Overruling() | states.Looking():
                return self._rested()
            case states.Inspecting():
                if not self.calm and rng.random() < 0.05:
                    return DocumentRemoved()
                another = int(not self.calm and rng.random() < 0.1)
                told: list[Event] = [
                    DocumentRead(crossing, self._document()),
                    FaceCompared(crossing, self._face()),
                    FaceSeen(crossing, 1, Guidance.NONE, another),
                ]
                return rng.choice(told)
            case states.Granted() | states.Passing(in_view=True) if rng.random() < 0.3:
                return TrackChanged(crossing, TrackChange.LOST, 0, 600, 2.5)
            case states.Granted() if crossing.endswith("0") and not self.calm:  # they stay where they are
                return self._rested()
            case states.Granted():
                goes = rng.random() < (0.5 if self.calm else 0.2)
                is_in_zone = self.board.bodies > 0 or rng.random() < 0.5
                return self._rested(
                    passages_entry=(self.board.passages_entry + goes) % 2**32,
                    grants_left=int(not goes),
                    bodies=int(is_in_zone and not goes),
                )
            case states.Referred():
                return self._settling()
            case states.Emergency():
                return rng.choice([self._rested(), self._settling()])
            case _:
                hello: list[Event] = [
                    self._ordered(BePresent()),
                    self._settling(),
                    PartBack(rng.choice(list(Part))),
                    SiteSeen(1.0, clock_sure=True, local=WALL),
                ]
                comes = self.oracle.screen is Screen.WELCOME or not self.calm
                ways: list[Callable[[], Event]] = [
                    *(2 * [self._rested]),
                    self._presented if comes else Tick,
                    lambda: rng.choice(hello),
                ]
                return rng.choice(ways)()

    def _settling(self) -> Event:
        """What officers do with a lane that does not serve; in calm, nothing else."""
        waiting = self._waiting()
        if not self.calm and waiting and self.rng.random() < 0.8:
            return self._ordered(Admit(self.rng.choice(waiting), seen=self.rng.random() < 0.9))
        if not self.calm:
            return self._order(states.crossing_of(self.state) or "")
        if self.oracle.screen is Screen.EMERGENCY or self.oracle.state_lost:
            return self._ordered(LaneOrder.END_EMERGENCY)
        if waiting:
            return self._ordered(HandOver(self.rng.choice(waiting), Disposition.TAKEN_OVER))
        orders: list[Command] = [LaneOrder.ACKNOWLEDGE, LaneOrder.OPEN]
        return self._ordered(self.rng.choice(orders))

    def _waiting(self) -> list[str]:
        return [one for one, seen in self.oracle.crossings.items() if seen.waits]

    def _document(self) -> Any:
        return ADULT if self.calm else self.rng.choice(DOCUMENTS)

    def _rested(self, **more: Any) -> Event:
        self.board = replace(self.board, closed=True, bodies=0, fire=False, emergency_open=False, alarms=())
        self.board = replace(self.board, **more)
        return self.board

    def _drawn(self) -> Event:
        """Any event; of the running crossing more often than not, so that something comes of it."""
        rng = self.rng
        running = states.crossing_of(self.state)
        crossing = running if running is not None and rng.random() < 0.8 else rng.choice(self.crossings)
        kinds: list[Callable[[], Event]] = [
            *(6 * [self._lane_seen]),
            *(3 * [lambda: self._order(crossing)]),
            *(4 * [lambda: self._recorded(crossing, rng.choice(RECEIPTS))]),
            *(2 * [self._presented]),
            *(2 * [lambda: DocumentRead(crossing, self._document())]),
            *(2 * [lambda: self._compared(crossing)]),
            *(
                2
                * [
                    lambda: SiteSeen(
                        rng.choice([1.0, 1.0, 1.0, 100.0, None]), clock_sure=rng.random() < 0.9, local=WALL
                    )
                ]
            ),
            *(2 * [lambda: PartBack(rng.choice(list(Part)))]),
            lambda: NotRecorded(crossing, rng.choice(REFUSALS)),
            lambda: FaceSeen(crossing, rng.choice([0, 1, 1, 1, 2]), Guidance.NONE, self._session()),
            lambda: TrackChanged(
                crossing,
                rng.choice(list(TrackChange)),
                self._session(),
                rng.choice([None, 600, 5_000]),
                rng.choice([None, 1.0, 2.5]),
            ),
            lambda: VideoDoubted(crossing, rng.choice(list(CameraTrouble))),
            lambda: PartLost(rng.choice(list(Part))),
            lambda: GrantFailed(crossing),
            lambda: self._replaced(crossing),
            DocumentRemoved,
            self._asked,
            lambda: PageGuided(rng.choice(list(Guidance))),
        ]
        return rng.choice(kinds)()

    def _compared(self, crossing: str) -> Event:
        """Vision compares nobody again who is through."""
        if isinstance(self.state, states.Passing):
            return FaceSeen(crossing, 1, Guidance.NONE, self._session())
        return FaceCompared(crossing, self._face(), self._session())

    def _recorded(self, crossing: str, kind: RecordKind) -> Event:
        """A receipt that is not of what the log is about to write."""
        is_due = any(crossing_of(record) == crossing and record.kind is kind for record, _ in self.log)
        return Recorded("x" if is_due else crossing, kind)

    def _replaced(self, crossing: str) -> Event:
        """A record of an opened crossing is refused for good; of few, since the log remembers six such crossings that wait."""
        opened = any(isinstance(one, Opened) and one.crossing == crossing for one in self.durable)
        if crossing in self.replaced or not opened:
            return Tick()
        self.replaced.append(crossing)
        self.replaced_at.append(len(self.durable))
        return RecordReplaced(crossing, self.rng.choice(list(RecordKind)))

    def _asked(self) -> Event:
        return TravellerAsked(f"a{self.rng.getrandbits(64):x}", self.rng.choice(list(Wish)))

    def _session(self) -> int:
        return int(self.rng.random() < 0.3)

    def _face(self) -> Any:
        return SAME_FACE if self.calm else self.rng.choice(FACES)

    def _presented(self) -> Event:
        if self.calm:
            self.tell(self._rested(), self._ordered(BePresent()), SiteSeen(1.0, clock_sure=True, local=WALL))
        self.crossings = [*self.crossings[-3:], f"h{self.rng.getrandbits(64):x}{'c' * self.calm}"]
        self.honest = self.crossings[-1] if self.calm else self.honest
        return DocumentPresented(self.crossings[-1])

    def _lane_seen(self) -> Event:
        rng, before = self.rng, self.board
        anew = rng.random() < 0.01
        self.board = replace(
            before,
            closed=rng.random() < 0.7,
            bodies=rng.choice([0, 0, 0, 0, 1, 2]),
            passages_entry=0 if anew else (before.passages_entry + rng.choice([0] * 9 + [1])) % 2**32,
            passages_exit=0 if anew else (before.passages_exit + rng.choice([0] * 19 + [1])) % 2**32,
            power_ups=before.power_ups + anew,
            grants_left=int(rng.random() < (0.9 if before.grants_left else 0.05)),
            fire=rng.random() < 0.02,
            emergency_open=rng.random() < 0.03,
            alarms=tuple(alarm for alarm in before.alarms if rng.random() < 0.5)
            or ((rng.choice(list(Alarm)),) if rng.random() < 0.03 else ()),
        )
        return self.board

    def _order(self, crossing: str) -> Event:
        rng = self.rng
        waiting = self._waiting()
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
        version = self.lane.version - (not self.calm and self.rng.random() < 0.1)
        officer = self.rng.choice(OFFICERS)
        return Ordered(self.numbers, version, said(officer), command, frozenset({officer.rstrip("x")}))


def walk(seed: int, steps: int) -> Hostile:
    """One lane after so many events. Raises BrokenInvariantError."""
    hostile = Hostile(seed)
    for _ in range(steps):
        hostile.step()
    return hostile
