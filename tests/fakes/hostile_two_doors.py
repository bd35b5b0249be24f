"""A lane of two doors in a hostile world. Boards lose orders, fall silent, report a fire and restart. Sensors send wrong, repeated and late
values. The log answers late, never, or about another record. Officers order anything at any time. The lane restarts at every point. People walk
where they should not. Now and then all faults end, and the lane must serve.

The world knows where each person is; `fakes.two_door_oracle` checks the promises. It drives the pure machine, and restarts it as the lane program does.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from fakes.lane_under_test import LaneUnderTest
from fakes.passage_examples import GENUINE, SAME_FACE, ordered
from fakes.two_door_account import PART
from fakes.two_door_lane import EMPTY, TWO_DOORS
from fakes.two_door_oracle import Judge
from fakes.two_door_world import OPEN_MS, TROUBLES, Board, Person, any_command, any_lie, any_sensors

from gate.passage import records, states
from gate.passage.effects import ClearAlarms, Effect, EndEmergency, Grant, OpenCamera, Release, Revoke, StartCrossing
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    Event,
    FaceCompared,
    FaceSeen,
    GrantFailed,
    Part,
    PartBack,
    PartLost,
    SiteSeen,
    Tick,
    TravellerAsked,
)
from gate.passage.names import Disposition, Wish
from gate.passage.orders import Admit, BePresent, Command, HandOver, LaneOrder, Ordered
from gate_core.evidence.crossing import Door, Score
from gate_core.evidence.screen import Guidance, Screen

STEP_MS = 50
SILENT_MS = 900
EXCUSED_MS = (
    25_000  # both doors may stand open so long after an officer freed somebody: told again for 15 s, then held open
)
CALLED_MS = 45_000  # a door that opened just now opens again after 20 s
LOCKED_MS = 150_000  # entering, looking at a face, deciding and a referral that officers begin anew
LEFT_ALONE_MS = 60_000  # a referral, and the second time that the door opens
CALM_EVERY_MS, CALM_MAX_MS = 500_000, 180_000


class HostileTwoDoors(LaneUnderTest):
    """One lane. `step` plays 50 ms. Raises BrokenPromiseError."""

    def __init__(self, seed: int) -> None:
        """Begin with an empty lane."""
        self.judge = Judge(TWO_DOORS)
        super().__init__(random.Random(seed), TWO_DOORS, self.judge, frozenset({Part.SENSORS}))
        self.hostility = self.rng.choice([0.2, 1.0])
        self.troubles = [one for one in TROUBLES if self.rng.random() < 0.5]  # some at a time: each comes to its end
        self.attended = self.rng.random() < 0.6  # else officers leave alone who is inside
        self.boards = {door: Board(door) for door in Door}
        self.people: list[Person] = []
        self.owners: dict[str, Person] = {}
        self.later: list[tuple[int, Callable[[], Event | None]]] = []
        self.sensors = EMPTY
        self.lie: tuple[int, int | None] = (-1, None)
        self.sensors_mute_until = -1
        self.sensors_lost = False
        self.pressed_until = -1
        self.calm_at_ms = self.now_ms + CALM_EVERY_MS
        self.numbers = 0
        self.excused_ms = 0
        self.blind_since_start = False
        self.tell(SiteSeen(1.0, clock_sure=True), self._order(BePresent()))

    # ── the lane ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def carry_out(self, effect: Effect) -> None:
        """Do what the lane wants."""
        match effect:
            case StartCrossing(crossing):
                self._after(self.rng.randrange(200, 2_000), lambda: self._read(crossing))
            case OpenCamera(crossing):
                self._after(self.rng.randrange(200, 2_500), lambda: self._compared(crossing))
            case Grant(crossing, _, door):
                self._is_right(crossing, door)
                self._send(door, effect)
            case Revoke(door) | Release(door) | EndEmergency(door) | ClearAlarms(_, door):
                self._send(door, effect)
            case _:
                pass

    def _send(self, door: Door, effect: Effect) -> None:
        """Orders keep their order on the wire; one that takes back or frees overtakes a grant that waits."""
        board = self.boards[door]
        if isinstance(effect, Release):
            board.told_ms = self.now_ms
        if isinstance(effect, Revoke | Release):
            board.wire = [one for one in board.wire if not isinstance(one[1], Grant)]
        lost = self.now_ms < board.deaf_until or board.lost or (not self.calm and self.rng.random() < 0.03)
        if not lost:
            due = max([self.now_ms + self.rng.choice([0, 50, 100]), *(at for at, _ in board.wire)])
            board.wire.append((due, effect))
        elif isinstance(effect, Grant) and self.rng.random() < 0.5:
            self._after(50, lambda: GrantFailed(effect.crossing, door))

    def _after(self, ms: int, event: Callable[[], Event | None]) -> None:
        self.later.append((self.now_ms + ms, event))

    def restart(self) -> None:
        """The lane program dies, with all that the log had not taken, and starts again."""
        self.later = []
        self.start_anew()
        for board in self.boards.values():
            board.lost = False
        for person in self.people:
            person.enclosed_ms, person.called_ms = 0, None
        self.blind_since_start = True
        self.tell(PartBack(Part.SENSORS), SiteSeen(1.0, clock_sure=True))

    # ── what the world knows ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def inside(self) -> list[Person]:
        """Who is between the doors."""
        return [one for one in self.people if one.place == "inside"]

    def _read(self, crossing: str) -> Event:
        good = self.calm or self.rng.random() < 0.85
        return DocumentRead(crossing, GENUINE if good else replace(GENUINE, checks=GENUINE.checks[2:]))

    def _compared(self, crossing: str) -> Event:
        owner = self.owners.get(crossing)
        good = owner is not None and owner.good and self.inside == [owner]
        if self.rng.random() < 0.5:
            self._after(50, lambda: FaceSeen(crossing, max(1, len(self.inside)), Guidance.NONE, 7))
        return FaceCompared(crossing, SAME_FACE if good else replace(SAME_FACE, match=Score(0.1)), 7)

    def _is_right(self, crossing: str, door: Door) -> None:
        """The last door is granted to one person alone, and by the machine to none but the one whose face is the document's."""
        word = self.judge.words[crossing].record
        lies = self.now_ms < self.lie[0] + 2_000
        if door is Door.LAST and not lies and len(self.inside) != 1:
            self.judge.broken(f"4: the last door is granted with {len(self.inside)} inside")
        if isinstance(word, records.Decided) and self.inside != [self.owners[crossing]] and not lies:
            self.judge.broken("4: somebody else is let out on their word")

    def _excuse(self) -> bool:
        # A door may be open in an emergency that its mute board has not told anybody.
        burns = (self.now_ms < max(one.fire_until, one.mute_until * one.emergency) for one in self.boards.values())
        emergency = self.judge.emergency or any(burns)
        forced = any(self.now_ms < one.forced_until for one in self.boards.values())
        if emergency or forced:
            self.excused_ms = self.now_ms
        return self.now_ms - max(self.excused_ms + 5_000, self.judge.freed_ms + EXCUSED_MS) < 0

    def _look(self) -> None:
        """What nobody may see."""
        open_now = [one for one in self.boards.values() if one.is_open(self.now_ms)]
        if self._excuse():
            pass
        elif len(open_now) > 1:
            self.judge.broken("6: both doors are open")
        first, last = self.boards[Door.FIRST], self.boards[Door.LAST]
        heard = not first.lost and self.now_ms >= max(first.mute_until, first.deaf_until) + 5_000
        for person in self.inside:
            # A counter that lies since a restart leaves nobody who knows of them; a leaf that chatters seems to have opened as told.
            seems_open = self.now_ms < min(first.chatters_until, first.told_ms + OPEN_MS)
            if open_now or seems_open or self._nobody_could_know():
                person.enclosed_ms, person.called_ms = 0, None
            if open_now or not heard or self.now_ms < last.chatters_until or self._nobody_could_know():
                continue
            nobody_is_served = self.judge.screen in {Screen.OFFICER, Screen.CLOSED, Screen.WELCOME}
            person.enclosed_ms += STEP_MS * (self.attended or nobody_is_served)
            if person.enclosed_ms > (LOCKED_MS if self.attended else LEFT_ALONE_MS):
                self.judge.broken(f"8: locked in, {self.state} {self.lane.interior} {self.lane.last}")
            if person.called_ms is not None:
                person.called_ms += STEP_MS
            if (person.called_ms or 0) > CALLED_MS:
                self.judge.broken(f"8: who calls is not let back, {self.state} {self.lane.interior} {self.lane.last}")

    def _nobody_could_know(self) -> bool:
        return self.blind_since_start and (self.now_ms < self.lie[0] or self.sensors_lost)

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def step(self) -> None:
        """50 ms."""
        self.now_ms += STEP_MS
        self.turn_log()
        for due in [one for one in self.later if one[0] <= self.now_ms]:
            self.later.remove(due)
            if (event := due[1]()) is not None:
                self.tell(event)
        for board in self.boards.values():
            self._board(board)
        self._people()
        self._sensors()
        if self.calm:
            self._tidy()
        else:
            self._trouble()
            if self.now_ms >= self.calm_at_ms:
                self._begin_calm()
        if self.now_ms % 2_000 == 0:
            self.tell(SiteSeen(1.0, clock_sure=True), self._order(BePresent()))
        self.tell(Tick())
        self._look()

    def _board(self, board: Board) -> None:
        now_ms = self.now_ms
        board.obeys(now_ms)
        if now_ms < board.mute_until:
            if not board.lost and now_ms - board.heard_ms > SILENT_MS:
                board.lost, board.wire = True, []
                self.tell(PartLost(PART[board.door]))
            return
        if board.lost:
            board.lost = False
            self.tell(PartBack(PART[board.door]))
        if self.calm or self.rng.random() < 0.7:
            board.heard_ms = now_ms
            self.tell(board.status(now_ms, self.rng))

    def _sensors(self) -> None:
        now_ms, rng = self.now_ms, self.rng
        if now_ms < self.sensors_mute_until:
            if not self.sensors_lost:
                self.sensors_lost = True
                self.tell(PartLost(Part.SENSORS))
            return
        if self.sensors_lost:
            self.sensors_lost = False
            self.tell(PartBack(Part.SENSORS))
        lies = now_ms < self.lie[0]
        self.blind_since_start &= lies
        people = self.lie[1] if lies else len(self.inside)
        pressed = now_ms < self.pressed_until
        fresh = replace(self.sensors, people=people, call_pressed=pressed, age_ms=rng.choice([0, 30, 80]))
        if self.calm or rng.random() < 0.8:
            self.tell(fresh)
        if not self.calm and rng.random() < 0.03:  # told twice, and late
            late = replace(fresh, age_ms=rng.choice([100, 500, 5_000, 10**9]))
            self._after(rng.choice([0, 100, 700]), lambda: late)
        for person in self.inside:
            if pressed and person.called_ms is None:
                person.called_ms = 0

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _people(self) -> None:
        rng = self.rng
        invited = self.judge.screen is Screen.WELCOME
        if (invited and rng.random() < 0.1) or (not self.calm and rng.random() < 0.002):
            self.come(good=self.calm or rng.random() < 0.8)
        if self.inside and not self.calm and rng.random() < 0.0005:
            self.pressed_until = self.now_ms + 500
        for person in list(self.people):
            if rng.random() < person.goes:
                self._walk(person)
        for board in self.boards.values():
            board.bodies = int(not self.calm and rng.random() < 0.01) * rng.choice([1, 1, 1, 2])

    def come(self, *, good: bool) -> Person:
        """Somebody lays a document."""
        self.numbers += 1
        person = Person(good, f"c{self.numbers}", goes=1.0 if self.calm else self.rng.choice([0.02, 0.2, 0.5]))
        self.people = [person, *self.inside]
        self.owners[person.crossing] = person
        if not self.calm and self.rng.random() < 0.1:
            self.people.append(Person(good=False, goes=self.rng.choice([0.02, 0.1])))
        self.tell(DocumentPresented(person.crossing))
        return person

    def _walk(self, person: Person) -> None:
        now_ms, first, last = self.now_ms, self.boards[Door.FIRST], self.boards[Door.LAST]
        if (
            person.place == "hall"
            and first.is_open(now_ms)
            and (now_ms < first.grant_until or self.rng.random() < 0.02)
        ):
            first.entry += self._counts()
            first.grant_until, first.closes_at, person.place = -1, now_ms + 200, "inside"
        elif person.place == "inside" and last.is_open(now_ms):
            last.entry += self._counts()
            last.grant_until, last.closes_at, person.place = -1, now_ms + 200, "beyond"
        elif person.place == "inside" and first.is_open(now_ms) and now_ms >= max(first.grant_until, first.closes_at):
            first.exit += self._counts()
            person.place = "hall"
        if person.place != "inside":
            person.called_ms = None

    def _counts(self) -> int:
        """A board counts nearly everybody."""
        return int(self.calm or self.rng.random() < 0.98)

    # ── officers and trouble ─────────────────────────────────────────────────────────────────────────────────────────

    def _order(self, command: Command, *, stale: bool = False) -> Ordered:
        self.numbers += 1
        officer = "officer-2" if command is LaneOrder.CONSENT else "officer-1"
        return ordered(command, officer, version=self.lane.version - stale, number=self.numbers)

    def _trouble(self) -> None:
        rng = self.rng
        if rng.random() < (0.01 if self.attended or not self.inside else 0.0001):
            self._help()
        running = states.crossing_of(self.state) or "nobody's"
        if rng.random() < 0.02 * self.hostility * self.attended:
            waits = [one.crossing for one in self.lane.waiting] or ["nobody's"]
            self.tell(self._order(any_command(rng, waits, running), stale=rng.random() < 0.1))
        if rng.random() < 0.004 * self.hostility:
            self.tell(any_lie(rng, running, list(self.owners)[-3:]))
        if rng.random() < 0.002:
            self.numbers += 1
            self.tell(*[TravellerAsked(f"asks{self.numbers}", rng.choice(list(Wish)))] * rng.choice([1, 1, 3]))
        if self.troubles and rng.random() < 0.01 * self.hostility * (2 if self.inside else 1):
            self._goes_wrong(rng.choice(self.troubles), self.now_ms + rng.choice([200, 700, 3_000, 12_000]))

    def _goes_wrong(self, how: str, until: int) -> None:
        rng = self.rng
        match how:
            case "lies":
                self.lie = (self.now_ms + rng.choice([300, 3_000, 60_000, 200_000]), rng.choice([None, 0, 0, 1, 2]))
            case "blind":
                self.sensors_mute_until = self.now_ms + rng.choice([100, 2_000, 200_000])
            case "unit":
                self.sensors = any_sensors(rng, self.sensors.session)
            case "pressed":
                self.pressed_until = until
            case "busy":
                self.log_busy_until = until
            case "restart":
                if rng.random() < 0.3:
                    self.restart()
            case _:
                rng.choice(list(self.boards.values())).fails(how, until, rng)

    # ── calm ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _begin_calm(self) -> None:
        """Every fault ends; whoever is inside means to leave."""
        self.calm, self.calm_at_ms = True, self.now_ms + CALM_MAX_MS
        for board in self.boards.values():
            board.deaf_until = board.mute_until = board.chatters_until = board.forced_until = board.fire_until = -1
        self.lie, self.sensors_mute_until, self.pressed_until, self.log_busy_until = (-1, None), -1, -1, 0
        self.sensors = replace(EMPTY, session=self.sensors.session)
        for person in self.people:
            person.goes = 1.0
        self.served = self.judge.reached["closed admitted"]
        for part in (Part.READER, Part.LOG, Part.VISION, Part.CAMERA):
            self.tell(PartBack(part))

    def _tidy(self) -> None:
        """Officers do what is asked of them, and the lane must let an honest traveller through."""
        if self.judge.reached["closed admitted"] > self.served:
            self.calm, self.calm_at_ms = False, self.now_ms + CALM_EVERY_MS
            return
        if self.now_ms > self.calm_at_ms:
            self.judge.broken(f"no dead end: {self.state} {self.lane}")
        if self.rng.random() < 0.01:
            self._help()
            for board in self.boards.values():
                board.alarms.clear()

    def _help(self) -> None:
        """What officers do with a lane that does not serve."""
        if self.judge.emergency:
            self.tell(self._order(LaneOrder.END_EMERGENCY))
        for one in self.lane.waiting:
            admits = not self.calm and self.rng.random() < 0.5
            self.tell(self._order(Admit(one.crossing) if admits else HandOver(one.crossing, Disposition.WALKED_BACK)))
        if self.judge.screen is Screen.CLOSED:
            self.tell(self._order(LaneOrder.ACKNOWLEDGE), self._order(LaneOrder.OPEN))
