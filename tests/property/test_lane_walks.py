"""Random walks over the real engine, in virtual time, with an oracle of their own; and the pure machine under events that no honest world sends.

`fakes.walks` draws the world, `fakes.lane_oracle` says what was broken. What a walk found became a test of its own beside the state that it
concerns. A hundred thousand steps run with every test, ten million with `--long`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fakes.lane_oracle import Oracle
from fakes.oracle_account import BrokenInvariantError
from fakes.passage_examples import AT_REST, GENUINE, RULES, SAME_FACE, Run, ordered
from fakes.virtual_time import run_virtual
from fakes.walks import walk

from gate.passage import lane, machine, policy
from gate.passage.effects import (
    Answer,
    ClearAlarms,
    Effect,
    EndEmergency,
    Erase,
    Grant,
    LookAtLane,
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
    RecordKind,
    RecordReplaced,
    SiteSeen,
    Tick,
    TrackChange,
    TrackChanged,
    VideoDoubted,
)
from gate.passage.evidence import Alarm, CameraTrouble, Score
from gate.passage.orders import (
    AcknowledgeAlarms,
    Admit,
    BeginEmergency,
    BePresent,
    CloseLane,
    Command,
    Disposition,
    EndEmergencyNow,
    Free,
    HandOver,
    Hold,
    OpenLane,
    Ordered,
)
from gate.passage.screen import Guidance

STEPS = 20_000
HOSTILE_STEPS = 20_000
# What a walk must have reached, or it proves nothing.
REACHED = (
    "admit", "refer", "grant", "revoke", "release", "closed admitted", "closed referred", "admitted_by_officer",
    "passed by grant", "passed by release", "passed by emergency", "passed by nothing",
)  # fmt: skip


def broken_by(seed: int, steps: int = STEPS) -> BrokenInvariantError | None:
    """What the oracle says of a walk, None when it finds nothing."""
    try:
        run_virtual(walk(seed, steps))
    except BrokenInvariantError as error:
        return error
    return None


def test_walks_of_a_hundred_thousand_steps_break_nothing_and_reach_everything() -> None:
    reached: Counter[str] = Counter()
    steps = 0
    for seed in range(1, 6):
        oracle = run_virtual(walk(seed, STEPS))
        reached.update(oracle.counts)
        steps += oracle.steps
    assert steps >= 100_000
    assert not [what for what in REACHED if not reached[what]], reached


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1_000, 1_100))
def test_walks_of_ten_million_steps_break_nothing(seed: int) -> None:
    run_virtual(walk(seed, 100_000))


def _nothing(*_: Any, **__: Any) -> tuple[()]:
    return ()


Switch = tuple[Any, str, Callable[..., Any]]
CONTROLS: dict[str, tuple[str, tuple[Switch, ...]]] = {
    "orders are told once": ("line 1", ((machine, "insist", lambda around, *_, **__: (around, ())),)),
    "nothing beside the beams speaks against a grant": ("4", ((machine, "_takes_back", lambda *_: None),)),
    "a session of the camera is like another": ("4", ((lane.Surroundings, "looked", lambda self, *_: self),)),
    "what happens before the grant is not heard": ("4", ((machine, "_spoil", lambda *_: None),)),
    "the lane is not looked at": (
        "4 and 6",
        ((machine, "lane_objections", _nothing), (policy, "lane_objections", _nothing)),
    ),
    "passages are not written": ("line 6", ((machine, "entries", _nothing),)),
    "nobody waits for an officer": ("line 7", ((machine.waiting, "follow", _nothing),)),
    "emergencies are not seen": ("7", ((lane.Surroundings, "emergency", lambda _: False),)),
    "travellers are always invited": ("line 5", ((lane.Surroundings, "in_service", lambda _: True),)),
}


@pytest.mark.parametrize("control", CONTROLS, ids=str)
def test_the_oracle_sees_that_a_control_is_switched_off(control: str, monkeypatch: pytest.MonkeyPatch) -> None:
    invariant, switches = CONTROLS[control]
    for where, name, instead in switches:
        monkeypatch.setattr(where, name, instead)
    found = next((str(error) for seed in range(1, 30) if (error := broken_by(seed, 5_000)) is not None), "")
    assert found.startswith(invariant), found[:2_000]


# ── the pure machine under anything ──────────────────────────────────────────────────────────────────────────────────


class Hostile:
    """Events that no honest world sends, in any order, to the machine alone."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.run = Run()
        self.oracle = Oracle(RULES)
        self.lane = AT_REST
        self.numbers = 0
        self.crossings = ["none"]

    def step(self) -> None:
        """One event, mostly a tick."""
        if self.rng.random() < 0.4:
            self.run.now_ms += 50
            self.oracle.rests(self.run.now_ms)
            self.tell(Tick())
        else:
            self.run.now_ms += self.rng.randrange(3)
            self.tell(self.helpful() if self.rng.random() < 0.6 else self.drawn())

    def tell(self, event: Event) -> None:
        """Tell the machine, and the oracle what it does."""
        fresh = not isinstance(event, Ordered) or event.version == self.run.around.version
        self.oracle.hears(event, self.run.now_ms, fresh=fresh)
        for effect in self.run.feed(event):
            self.done(effect)
        self.run.effects.clear()

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
            case LookAtLane():
                pass

    def helpful(self) -> Event:
        """What the running crossing waits for, so that something comes of it; of a lane at rest, whatever brings a traveller."""
        rng, crossing = self.rng, machine.crossing_of(self.run.state) or ""
        receipts = {
            machine.Opening: RecordKind.OPENED,
            machine.Recording: RecordKind.DECIDED,
            machine.Overruling: RecordKind.OVERRULED,
        }
        match self.run.state:
            case machine.Opening() | machine.Recording() | machine.Overruling() as state:
                return Recorded(crossing, receipts[type(state)])
            case machine.Inspecting():
                return rng.choice([DocumentRead(crossing, GENUINE), FaceCompared(crossing, SAME_FACE)])
            case machine.Granted():
                return self._rested(
                    passages_entry=(self.lane.passages_entry + (rng.random() < 0.2)) % 2**32, grants_left=1
                )
            case machine.Referred():
                return self._order(crossing)
            case machine.Emergency():
                return rng.choice([self._rested(), self._order("")])
            case _:
                hello = [BePresent(), AcknowledgeAlarms(), OpenLane()]
                return rng.choice([self._rested(), self._rested(), self._presented(), self._ordered(rng.choice(hello)),
                                   PartBack(rng.choice(list(Part))), SiteSeen(1.0, clock_sure=True)])  # fmt: skip

    def _rested(self, **more: int) -> Event:
        self.lane = replace(
            self.lane, closed=True, bodies=0, grants_left=0, fire=False, emergency_open=False, alarms=()
        )
        self.lane = replace(self.lane, **more)
        return self.lane

    def drawn(self) -> Event:
        """Any event; of the running crossing more often than not, so that something comes of it."""
        rng = self.rng
        running = machine.crossing_of(self.run.state)
        crossing = running if running is not None and rng.random() < 0.8 else rng.choice(self.crossings)
        kinds: list[Callable[[], Event]] = [
            *(6 * [self._lane_seen]),
            *(3 * [lambda: self._order(crossing)]),
            *(
                4
                * [
                    lambda: Recorded(
                        crossing, rng.choice([RecordKind.OPENED, RecordKind.DECIDED, RecordKind.OVERRULED])
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
            lambda: PageGuided(rng.choice(list(Guidance))),
        ]
        return rng.choice(kinds)()

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
            *(2 * [Admit(referred)]),
            *(2 * [HandOver(referred, rng.choice([Disposition.WALKED_BACK, Disposition.TAKEN_OVER]))]),
            *(2 * [EndEmergencyNow()]),
            *(2 * [AcknowledgeAlarms()]),
            *(2 * [OpenLane()]),
            Hold(crossing),
            Free(),
            BeginEmergency(),
            CloseLane(),
        ]
        return self._ordered(rng.choice(commands))

    def _ordered(self, command: Command) -> Event:
        self.numbers += 1
        version = self.run.around.version - (self.rng.random() < 0.1)
        return ordered(command, self.rng.choice(["officer-1", "officer-2"]), version=version, number=self.numbers)


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_a_hostile_world_says_the_machine_breaks_nothing(seed: int) -> None:
    hostile = Hostile(seed)
    for _ in range(HOSTILE_STEPS):
        hostile.step()
    reached = hostile.oracle.counts
    assert min(reached.get(what, 0) for what in ("grant", "revoke", "closed admitted", "closed referred")) > 3, reached
