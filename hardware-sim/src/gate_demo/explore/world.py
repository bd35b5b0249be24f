"""The world of an exploration: boards, people, documents, camera, log and officer, as small as the invariants allow.

It shares no decision with the machine. A board holds one grant and counts who passes; a leaf opens at once on a grant, a release or
a fire, and closes some time after the last of them. People stand before the lane, in the zone of its first door or between two doors.
`moves` lists all that may happen; `Play` lets one of it happen, steps the machine as shipped, judges the answer and gives orders to the boards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gate.passage import events, machine, records, states
from gate.passage.door_state import DoorState
from gate.passage.effects import (
    ClearAlarms,
    EndEmergency,
    Erase,
    Grant,
    OpenCamera,
    Release,
    Revoke,
    StartCrossing,
    Write,
)
from gate.passage.events import DoorSeen, Event, Part, SensorsSeen
from gate.passage.interior import Interior
from gate.passage.lane import LaneContext
from gate.passage.names import Disposition, RecordKind, TrackChange
from gate.passage.orders import Admit, BePresent, Command, HandOver, Hold, LaneOrder, Ordered, Said
from gate_core.evidence.crossing import (
    Alarm,
    CameraTrouble,
    Check,
    CheckId,
    CheckResult,
    DocumentEvidence,
    Door,
    FaceEvidence,
    Score,
)
from gate_core.evidence.names import Role
from gate_core.evidence.screen import Guidance, Screen
from gate_demo.explore import judge
from gate_demo.explore.clock import NOW_MS, ONE_DOOR, TICK_MS, TIMING, TWO_DOORS, calm, older
from gate_demo.explore.judge import Freeing, Past

if TYPE_CHECKING:
    from gate.passage.effects import Effect
    from gate_demo.explore.scopes import Scope

Move = tuple[str | int, ...]

NAMES: Final = "abcd"  # of crossings that are open or wait
OUT, ZONE, BETWEEN = 0, 1, 2
TTL, HOLD = TIMING.grant_ttl_ms // TICK_MS, 2  # ticks: of a grant, of a release after its last order
COUNT_MAX = 2  # passages that no status has shown
PASSED_MAX: Final = 5
_SAID = Said("officer-1", Role.OFFICER)
_OTHER = Said("officer-2", Role.SUPERVISOR)
_GOOD = tuple(Check(one, CheckResult.SUCCESSFUL) for one in CheckId)
_FACE = FaceEvidence(faces=1, match=Score(0.8), liveness=Score(0.9), portrait_usable=True, track_held=True)
DOCUMENTS: Final = {
    "good": DocumentEvidence(_GOOD, issuer="UTO", document_type="P"),
    "failed": DocumentEvidence((*_GOOD[:2], Check(CheckId.SOD_SIGNATURE, CheckResult.FAILED), *_GOOD[3:])),
    "undetermined": DocumentEvidence((*_GOOD[:6], Check(CheckId.REVOCATION, CheckResult.UNDETERMINED), *_GOOD[7:])),
}
FACES: Final = {
    "good": _FACE,
    "unlike": replace(_FACE, match=Score(0.1)),
    "not compared": replace(_FACE, match=None),
    "dead": replace(_FACE, liveness=Score(0.1)),
    "two": replace(_FACE, faces=2),
}
LOSABLE: Final = {
    "log": Part.LOG,
    "camera": Part.CAMERA,
    "last": Part.BARRIER,
    "first": Part.FIRST_BARRIER,
    "sensors": Part.SENSORS,
}
ALARMS: Final = {"strange": Alarm.PASSAGE_WITHOUT_GRANT, "long": Alarm.OPEN_TOO_LONG}


class Board(NamedTuple):
    """A door's controller, its line and its leaf. `entry`, `exit`: counted and not shown; `late`: a status on its way; `orders`: likewise."""

    open: bool = False
    grant: str = ""
    age: int = 0
    released: int = 0  # ticks left
    fire: bool = False
    emergency: bool = False
    entry: int = 0
    exit: int = 0
    alarms: tuple[Alarm, ...] = ()
    orders: tuple[str, ...] = ()
    late: tuple[Any, ...] | None = None

    @property
    def free(self) -> bool:
        """True while the leaf is open to everybody."""
        return bool(self.fire or self.emergency or self.released)


class World(NamedTuple):
    """Everything outside the lane program. `people`: place and crossing; `log`: records whose receipts are awaited."""

    boards: tuple[Board, ...]
    people: tuple[tuple[int, str], ...]
    spare: int
    reader: bool = False
    chip: str = ""
    camera: str = ""
    compared: bool = False
    session: int = 1
    log: tuple[tuple[str, RecordKind], ...] = ()
    receipt: tuple[str, RecordKind] | None = None
    officer: bool = True
    call: bool = False
    bag: bool = False
    passed: int = 5  # ticks since somebody passed the last door


class Node(NamedTuple):
    """A state of an exploration."""

    lane: LaneContext
    state: states.State
    world: World
    past: Past


def doors_of(scope: Scope) -> tuple[Door, ...]:
    """Return the lane's doors."""
    return (Door.LAST,) if scope.doors == 1 else (Door.FIRST, Door.LAST)


def root(scope: Scope) -> Node:
    """Return the lane at its start: nothing is heard yet."""
    doors = doors_of(scope)
    state, _ = machine.start(())
    lane = LaneContext(
        doors=tuple(DoorState(one) for one in doors),
        interior=Interior() if len(doors) > 1 else None,
        trust_age_days=1.0,
    )
    world = World(tuple(Board() for _ in doors), ((OUT, ""),) * scope.bodies, scope.most)
    nothing = (None,) * len(doors)
    return Node(lane, state, world, Past(heard=nothing, revoked=(judge.OLD,) * len(doors), freeing=nothing))


class Play:
    """One node while something happens to it. `told`: events and the machine's answers; `broken`: the invariants."""

    def __init__(self, node: Node, scope: Scope) -> None:
        self.scope = scope
        self.doors = doors_of(scope)
        self.rules = ONE_DOOR if scope.doors == 1 else TWO_DOORS
        self.lane, self.state, self.world, self.past = node
        self.told: list[tuple[Event, tuple[Effect, ...]]] = []
        self.broken: list[str] = []
        self.served = False

    def node(self) -> Node:
        """Return the state after it, without what nothing refers to."""
        self._let_go()
        world, past = self.world, self.past
        if past.screen is Screen.WELCOME and not past.crossings:
            world = world._replace(spare=self.scope.most)
        if not world.camera:
            world = world._replace(compared=False, session=1, passed=PASSED_MAX)
        if "repeat" not in self.scope.deviations:
            world = world._replace(receipt=None)
        self.world, self.past = world, past if past.emergency else past._replace(held=0)
        return Node(self.lane, self.state, self.world, self.past)

    # ── the lane ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def tell(self, event: Event) -> None:
        """Step the machine, judge its answer, and do what it wants."""
        heard, demand = judge.hear(self.past, event, self.doors)
        effects = self.step(event)
        self.told.append((event, effects))
        self.past, broken = judge.judge(heard, demand, event, effects, self.doors)
        self.broken.extend(broken)
        for effect in effects:
            self._carry_out(effect)

    def step(self, event: Event) -> tuple[Effect, ...]:
        """Return the machine's answer."""
        self.lane, self.state, effects = machine.step(self.rules, self.lane, self.state, event, NOW_MS)
        self.lane = calm(self.lane)
        return effects

    def _carry_out(self, effect: Effect) -> None:
        world = self.world
        match effect:
            case Write(record, awaited):
                if awaited:
                    self.world = world._replace(log=(*world.log, (records.crossing_of(record) or "", record.kind)))
                if isinstance(record, records.Closed) and record.verdict.value == "admitted":
                    self.served = True
            case StartCrossing(crossing):
                camera = crossing if len(self.doors) == 1 else ""
                self.world = world._replace(chip=crossing, camera=camera, compared=False, session=1)
            case OpenCamera(crossing):
                self.world = world._replace(camera=crossing, compared=False, session=1)
            case Erase(crossing):
                chip = "" if world.chip == crossing else world.chip
                gone = world.camera == crossing
                self.world = world._replace(chip=chip, camera="" if gone else world.camera, reader=False)
            case Grant(crossing, _, door):
                self.world = world._replace(reader=False)
                self._order(door, f"grant {crossing}")
            case Revoke(door):
                self._order(door, "revoke")
            case Release(door):
                self._order(door, "release")
            case EndEmergency(door):
                self._order(door, "end")
            case ClearAlarms(door=door):
                self._order(door, "clear")
            case _:
                pass

    def _order(self, door: Door, order: str) -> None:
        at = self.doors.index(door)
        board = self.world.boards[at]
        if not self.scope.late:
            self._board(at, _obeyed(board, order))
            return
        waiting = tuple(one for one in board.orders if one != order)
        if order in {
            "revoke",
            "release",
        }:  # docs/lane.md: they are carried out before all others, and a grant that waits is not
            first = tuple(one for one in waiting if one in {"revoke", "release"})
            rest = tuple(one for one in waiting if one not in first and not one.startswith("grant"))
            waiting = (*first, order, *rest)
        else:
            waiting = (*waiting, order)
        self._board(at, board._replace(orders=waiting))

    def _board(self, at: int, board: Board) -> None:
        boards = self.world.boards
        if boards[at] is not board:
            self.world = self.world._replace(boards=(*boards[:at], board, *boards[at + 1 :]))

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────────

    def do(self, move: Move) -> None:
        """Let it happen."""
        kind, *of = move
        if kind in DEVIATIONS:
            self.world = self.world._replace(spare=self.world.spare - 1)
        getattr(self, f"_{str(kind).replace(' ', '_')}")(*of)

    def _tick(self, *, silent: bool = False) -> None:
        """A tick passes. Boards, sensors, lists and clock are asked more often than that, and an officer who is there says so."""
        self.age()
        self.past = judge.aged(self.past)
        world = self.world
        boards = tuple(_board_aged(one) for one in world.boards)
        self.world = world._replace(boards=boards, passed=min(world.passed + 1, PASSED_MAX))
        self.tell(events.SiteSeen(1.0, clock_sure=True))
        if world.officer:
            self.tell(self._said(BePresent()))
        if not silent:
            self._ask_all()
        self.tell(events.Tick())

    def _hush(self) -> None:
        """A tick in which no board answers."""
        self._tick(silent=True)

    def _ask_all(self) -> None:
        for at, board in enumerate(self.world.boards):
            if board.late is not None:
                self._arrive(at)
            elif self._part(at) not in self.past.lost:
                self._poll(at)
        if len(self.doors) > 1 and Part.SENSORS not in self.past.lost:
            self._sense()

    def _part(self, at: int) -> Part:
        return Part.BARRIER if at == len(self.doors) - 1 else Part.FIRST_BARRIER

    def age(self) -> None:
        """Make what the lane knows a tick older."""
        self.lane, self.state = older(self.lane), older(self.state)

    def _poll(self, at: int) -> None:
        self._show(at, self.status(at), old=False)

    def status(self, at: int) -> tuple[Any, ...]:
        """Return what a board says now."""
        board = self.world.boards[at]
        bodies = sum(place == ZONE for place, _ in self.world.people) if at == 0 else 0
        emergency = board.fire or board.emergency
        return (
            not board.open,
            bodies,
            board.entry,
            board.exit,
            int(bool(board.grant)),
            board.fire,
            emergency,
            board.alarms,
        )

    def _show(self, at: int, said: tuple[Any, ...], *, old: bool) -> None:
        closed, bodies, entry, left, grants, fire, emergency, alarms = said
        board = self.world.boards[at]
        self._board(at, board._replace(entry=board.entry - entry, exit=board.exit - left))
        seen = DoorSeen(closed, bodies, entry, left, 1, grants, fire, emergency, alarms, self.doors[at], may_be_old=old)
        self.tell(seen)

    def _look(self, at: int) -> None:
        """A status is on its way."""
        self._board(at, self.world.boards[at]._replace(late=self.status(at)))

    def _arrive(self, at: int) -> None:
        board = self.world.boards[at]
        said = board.late
        assert said is not None, "it is on its way"
        self._board(at, board._replace(late=None))
        self._show(at, said, old="release" in board.orders)

    def _sense(self) -> None:
        inside = sum(place == BETWEEN for place, _ in self.world.people)
        self.tell(
            SensorsSeen(
                inside, self.world.bag, self.world.call, cabinet_open=False, mains_present=True, session=1, age_ms=0
            )
        )

    def _arrived(self, at: int) -> None:
        """An order reaches the board."""
        board = self.world.boards[at]
        order, *rest = board.orders
        self._board(at, _obeyed(board._replace(orders=tuple(rest)), order))

    def _lose(self, at: int) -> None:
        """An order is lost on its way."""
        board = self.world.boards[at]
        self._board(at, board._replace(orders=board.orders[1:]))

    def _close(self, at: int) -> None:
        self._board(at, self.world.boards[at]._replace(open=False))

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _people(self, at: int, place: int, crossing: str) -> None:
        others = list(self.world.people)
        others[at] = (place, crossing)
        self.world = self.world._replace(people=tuple(sorted(others)))

    def _enter(self, at: int) -> None:
        self._people(at, ZONE, self.world.people[at][1])

    _intrude = _enter

    def _back(self, at: int) -> None:
        self._people(at, OUT, self.world.people[at][1])

    def _pass(self, at: int, door: int) -> None:
        """Somebody walks through an open leaf. The board takes it for the grant's person, whoever it is."""
        board, crossing = self.world.boards[door], self.world.people[at][1]
        last = door == len(self.doors) - 1
        board = board._replace(entry=board.entry + 1)
        standing = self.past.grant
        if board.grant:
            self._used(board.grant, crossing, last=last)
            board = board._replace(grant="", age=0)
        else:
            if not board.free:
                board = board._replace(alarms=_with(board.alarms, Alarm.PASSAGE_WITHOUT_GRANT))
            if standing is not None and standing.door == door:  # it has just ended, which no status has shown
                self._used(standing.crossing, crossing, last=last)
        self._board(door, board)
        if last:
            self.world = self.world._replace(passed=0)
            self._people(at, OUT, "")  # gone: somebody else comes
        else:
            self._people(at, BETWEEN, crossing)

    _follow = _pass

    def _used(self, granted: str, crossing: str, *, last: bool) -> None:
        grant = self.past.grant
        if granted != crossing:
            # docs/safety.md: a holder out of the picture before a companion passes is not told from one who passed.
            blind = judge.BLIND if grant is not None and grant.lost is not None else 0
            self.past = self.past.marked(granted, judge.STOLEN | blind)
        else:
            self.past = self.past.marked(granted, judge.PASSED if last else judge.INSIDE)

    def _come_out(self, at: int) -> None:
        """Somebody leaves through the first door, against its direction."""
        board = self.world.boards[0]
        self._board(0, board._replace(exit=board.exit + 1))
        self._people(at, OUT, "")

    def _come_in(self) -> None:
        """Somebody walks through the only door against its direction."""
        board = self.world.boards[0]
        alarms = board.alarms if board.free else _with(board.alarms, Alarm.REVERSE_PASSAGE)
        self._board(0, board._replace(exit=board.exit + 1, alarms=alarms))

    # ── document, camera, log ────────────────────────────────────────────────────────────────────────────────────────

    def _lay(self, at: int) -> None:
        known = {name for name, _ in self.past.crossings}
        crossing = next(name for name in NAMES if name not in known)
        self.past = self.past._replace(crossings=(*self.past.crossings, (crossing, 0)))
        self.world = self.world._replace(reader=True)
        self._people(at, self.world.people[at][0], crossing)
        self.tell(events.DocumentPresented(crossing))

    _lay_another = _lay

    def _take(self) -> None:
        self.world = self.world._replace(reader=False)
        self.tell(events.DocumentRemoved())

    _take_early = _take

    def _read(self, how: str) -> None:
        crossing, self.world = self.world.chip, self.world._replace(chip="")
        self.tell(events.DocumentRead(crossing, DOCUMENTS[how]))

    _misread = _read

    def _compare(self, how: str) -> None:
        self.world = self.world._replace(compared=True)
        self.tell(events.FaceCompared(self.world.camera, FACES[how], self.world.session))

    _mistake = _compare

    def _see(self, faces: int) -> None:
        self.tell(events.FaceSeen(self.world.camera, faces, Guidance.NONE, self.world.session))

    def _leave_view(self) -> None:
        """The camera loses whom it compared: they are through, and came nearer before, or step aside."""
        crossing = self.world.camera
        through = self.past.flags(crossing) & judge.PASSED
        ago_ms = min(self.world.passed, 4) * TICK_MS if through else 0
        lost = events.TrackChanged(crossing, TrackChange.LOST, self.world.session, ago_ms, 1.5 if through else 1.0)
        self.tell(lost)

    _step_aside = _leave_view

    def _track(self, change: str) -> None:
        self.tell(events.TrackChanged(self.world.camera, TrackChange(change), self.world.session, 0, 1.0))

    def _doubt(self) -> None:
        self.tell(events.VideoDoubted(self.world.camera, CameraTrouble.COVERED))

    def _write(self) -> None:
        """The oldest record is durable, and its receipt comes."""
        (crossing, kind), *rest = self.world.log
        self.world = self.world._replace(log=tuple(rest), receipt=(crossing, kind))
        self.tell(events.Recorded(crossing, kind))

    def _refuse(self) -> None:
        (crossing, kind), *rest = self.world.log
        self.world = self.world._replace(log=tuple(rest))
        self.tell(events.NotRecorded(crossing, kind))

    def _repeat(self) -> None:
        """The latest receipt comes once more."""
        assert self.world.receipt is not None, "there was one"
        self.tell(events.Recorded(*self.world.receipt))

    # ── officer and faults ───────────────────────────────────────────────────────────────────────────────────────────

    def _said(self, command: Command, *, stale: bool = False, said: Said = _SAID) -> Ordered:
        return Ordered(0, self.lane.version - stale, said, command)

    def _officer(self, there: bool) -> None:
        self.world = self.world._replace(officer=there)
        if there:
            self.tell(self._said(BePresent()))

    def _admit(self, crossing: str) -> None:
        self.past = self.past._replace(presence=0)
        self.tell(self._said(Admit(crossing)))

    def _hand_over(self, crossing: str) -> None:
        inside = self.past.inside
        if len(self.doors) > 1 and inside is not None and inside.people and inside.looks > 1:
            self.past = self.past._replace(sent_back=True)
        self.tell(self._said(HandOver(crossing, Disposition.WALKED_BACK)))

    def _hold(self, crossing: str) -> None:
        self.tell(self._said(Hold(crossing)))

    def _order_lane(self, verb: str) -> None:
        command = LaneOrder(verb)
        past = self.past
        if command is LaneOrder.RELEASE and not past.emergency:
            self.past = past._replace(freeing=(Freeing(), *past.freeing[1:]))
        elif command is LaneOrder.END_EMERGENCY:
            clear = all(one is not None and not one.fire for one in past.heard)
            self.past = past._replace(ended=bool(past.emergency) and clear)
        elif command is LaneOrder.OPEN:
            self.past = past._replace(closed=False)
        elif command is LaneOrder.ACKNOWLEDGE and all(one is not None for one in past.heard):
            self.past = past._replace(called=False)
        self.tell(self._said(command))
        if command in {LaneOrder.CLOSE, LaneOrder.PAUSE}:
            self.past = self.past._replace(closed=True)

    _stop = _order_lane

    def _fire(self, at: int) -> None:
        self._board(at, self.world.boards[at]._replace(fire=True, emergency=True, grant="", open=True))

    def _fire_out(self, at: int) -> None:
        self._board(at, self.world.boards[at]._replace(fire=False))

    def _lose_part(self, part: str) -> None:
        self.tell(events.PartLost(LOSABLE[part]))

    def _part_back(self, part: str) -> None:
        if part == "camera":
            self.world = self.world._replace(session=2)
        self.tell(events.PartBack(LOSABLE[part]))

    def _alarm(self, at: int, kind: str) -> None:
        board = self.world.boards[at]
        self._board(at, board._replace(alarms=_with(board.alarms, ALARMS[kind])))

    def _press(self) -> None:
        self.world = self.world._replace(call=True)

    def _leave_bag(self) -> None:
        self.world = self.world._replace(bag=True)

    def _tidy(self) -> None:
        """The button is let go, and what was left is taken away."""
        self.world = self.world._replace(call=False, bag=False)

    # ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _let_go(self) -> None:
        """Forget crossings that are over, and documents that opened none; the names of the others move up."""
        running, following = states.crossing_of(self.state), getattr(self.state, "next_document", None)
        kept = [
            name
            for name, flags in self.past.crossings
            if (flags & judge.OPENED and not flags & judge.ADMITTED) or name in {running, following}
        ]
        if len(kept) == len(self.past.crossings):
            return
        names = {name: NAMES[at] for at, name in enumerate(kept)}
        known = {name for name, _ in self.past.crossings}
        gone = known - names.keys()
        self.forget(gone, names)
        world = self.world
        self.world = world._replace(
            people=tuple(sorted((place, names.get(one, "")) for place, one in world.people)),
            chip=names.get(world.chip, ""),
            camera=names.get(world.camera, ""),
            log=tuple((names[one], kind) for one, kind in world.log if one in names),
            receipt=None
            if world.receipt is None or world.receipt[0] not in names
            else (names[world.receipt[0]], world.receipt[1]),
            boards=tuple(_renamed_board(one, names) for one in world.boards),
        )
        grant = self.past.grant
        if grant is not None:
            grant = grant._replace(crossing=names[grant.crossing]) if grant.crossing in names else None
        self.past = self.past._replace(
            crossings=tuple((names[one], flags) for one, flags in self.past.crossings if one in names), grant=grant
        )

    def forget(self, gone: set[str], names: dict[str, str]) -> None:
        """Forget crossings of the lane, and rename the others."""
        lane = self.lane
        look = None if lane.look is None or lane.look[0] in gone else lane.look
        lane = replace(
            lane,
            look=look,
            replaced=tuple(one for one in lane.replaced if one not in gone),
            unanswered=tuple(one for one in lane.unanswered if one not in gone),
            shielded=tuple(one for one in lane.shielded if one not in gone),
            incidents=tuple(one for one in lane.incidents if one[1] not in gone),
        )
        if any(old != new for old, new in names.items()):
            lane, self.state = renamed(lane, names), renamed(self.state, names)
        self.lane = lane


def renamed(of: Any, names: dict[str, str]) -> Any:
    """Return a value with the names of crossings in it replaced."""
    if isinstance(of, str):
        return names.get(of, of)
    if isinstance(of, tuple):
        return (
            type(of)(*(renamed(one, names) for one in of))
            if hasattr(of, "_fields")
            else tuple(renamed(one, names) for one in of)
        )
    if is_dataclass(of) and not isinstance(of, type):
        changed = {}
        for one in fields(of):
            if one.init:
                was = getattr(of, one.name)
                if (now := renamed(was, names)) is not was and now != was:
                    changed[one.name] = now
        return replace(of, **changed) if changed else of
    return of


def _renamed_board(board: Board, names: dict[str, str]) -> Board:
    orders = tuple(
        f"grant {names[one[6:]]}" if one.startswith("grant") else one
        for one in board.orders
        if not one.startswith("grant") or one[6:] in names
    )
    return board._replace(grant=names.get(board.grant, "?" if board.grant else ""), orders=orders)


def _with(alarms: tuple[Alarm, ...], alarm: Alarm) -> tuple[Alarm, ...]:
    return alarms if alarm in alarms else tuple(sorted((*alarms, alarm), key=lambda one: one.value))


def _obeyed(board: Board, order: str) -> Board:
    """Return a board after an order. In an emergency it follows none but the end, and that one only without a fire."""
    if order == "end":
        return board if board.fire else board._replace(emergency=False)
    if order == "clear":
        return board._replace(alarms=())
    if board.fire or board.emergency:
        return board
    if order == "revoke":
        return board._replace(grant="", age=0)
    if order == "release":
        return board._replace(released=HOLD, open=True)
    return board._replace(grant=order[6:], age=0, open=True)


def _board_aged(board: Board) -> Board:
    if not board.grant and not board.released:
        return board
    ended = board.grant and board.age + 1 >= TTL
    return board._replace(
        grant="" if ended else board.grant,
        age=0 if ended or not board.grant else board.age + 1,
        released=max(0, board.released - 1),
    )


# Faults and misbehaviour: a scope bounds how many of them a crossing meets.
DEVIATIONS: Final = frozenset(
    {
        "intrude",
        "follow",
        "come in",
        "lay another",
        "take early",
        "misread",
        "mistake",
        "see",
        "step aside",
        "track",
        "doubt",
        "refuse",
        "repeat",
        "lose",
        "look",
        "hush",
        "officer",
        "hold",
        "stop",
        "fire",
        "lose part",
        "alarm",
        "press",
        "leave bag",
        "admit",
    }
)


def moves(node: Node, scope: Scope) -> Iterator[Move]:
    """Yield all that may happen next in a scope."""
    allowed = scope.deviations if node.world.spare > 0 else frozenset()
    yield ("tick",)
    if "hush" in allowed:
        yield ("hush",)
    yield from _of_boards(node, scope, allowed)
    yield from _of_people(node, scope, allowed)
    yield from _of_the_crossing(node, allowed)
    yield from _of_officers(node, allowed)
    world, past = node.world, node.past
    for part in sorted(LOSABLE):
        if LOSABLE[part] in past.lost:
            yield ("part back", part)
        elif "lose part" in allowed and (scope.doors == 2 or part not in {"first", "sensors"}):
            yield ("lose part", part)
    if "press" in allowed and not world.call:
        yield ("press",)
    if "leave bag" in allowed and not world.bag:
        yield ("leave bag",)
    if world.call or world.bag:
        yield ("tidy",)


def _of_boards(node: Node, scope: Scope, allowed: frozenset[str]) -> Iterator[Move]:
    for at, board in enumerate(node.world.boards):
        part = Part.BARRIER if at == len(node.world.boards) - 1 else Part.FIRST_BARRIER
        if part not in node.past.lost:
            if board.late is None:
                yield ("poll", at)
                if "look" in allowed:
                    yield ("look", at)
            else:
                yield ("arrive", at)
            if board.orders:
                yield ("arrived", at)
        if board.orders and "lose" in allowed:
            yield ("lose", at)
        if board.open and not board.free and not board.grant:
            yield ("close", at)
        if "fire" in allowed and not board.fire:
            yield ("fire", at)
        if board.fire:
            yield ("fire out", at)
        if "alarm" in allowed and not board.alarms:
            for kind in ALARMS:
                yield ("alarm", at, kind)
    if scope.doors == 2 and Part.SENSORS not in node.past.lost:
        yield ("sense",)


def _of_people(node: Node, scope: Scope, allowed: frozenset[str]) -> Iterator[Move]:
    world, past, boards = node.world, node.past, node.world.boards
    if any(one.counted is None for one in node.lane.doors):
        return  # what is counted before the first status is unknown
    done = set()
    for at, person in enumerate(world.people):
        if person in done:
            continue
        done.add(person)
        place, crossing = person
        is_holder = past.grant is not None and past.grant.crossing == crossing
        if place == OUT:
            if is_holder or boards[0].free or boards[0].grant == crossing != "":
                yield ("enter", at)
            elif "intrude" in allowed:
                yield ("intrude", at)
            known = len(past.crossings)
            if not crossing and not known and not world.reader:
                yield ("lay", at)
            elif not crossing and known < scope.crossings and "lay another" in allowed:
                yield ("lay another", at)
        if place == ZONE:
            yield ("back", at)
            if boards[0].open and boards[0].entry < COUNT_MAX:
                rightful = boards[0].free or boards[0].grant == crossing != ""
                if rightful:
                    yield ("pass", at, 0)
                elif "follow" in allowed:
                    yield ("follow", at, 0)
        if place == BETWEEN:
            if boards[1].open and boards[1].entry < COUNT_MAX:
                rightful = boards[1].free or boards[1].grant == crossing != ""
                if rightful:
                    yield ("pass", at, 1)
                elif "follow" in allowed:
                    yield ("follow", at, 1)
            if boards[0].open and boards[0].exit < COUNT_MAX:
                yield ("come out", at)
    if "come in" in allowed and scope.doors == 1 and boards[0].open and boards[0].exit < COUNT_MAX:
        yield ("come in",)


def _of_the_crossing(node: Node, allowed: frozenset[str]) -> Iterator[Move]:
    world, past = node.world, node.past
    if world.reader and "take early" in allowed:
        yield ("take early",)
    elif world.reader and not world.chip and not past.running:
        yield ("take",)
    if world.chip:
        yield ("read", "good")
        if "misread" in allowed:
            yield from (("misread", how) for how in DOCUMENTS if how != "good")
    if world.camera:
        yield from _of_the_camera(node, allowed)
    if world.log and Part.LOG not in past.lost:
        yield ("write",)
        if "refuse" in allowed:
            yield ("refuse",)
    if world.receipt is not None and "repeat" in allowed:
        yield ("repeat",)


def _of_the_camera(node: Node, allowed: frozenset[str]) -> Iterator[Move]:
    world, past = node.world, node.past
    if LOSABLE["camera"] in past.lost:
        return
    flags = past.flags(world.camera)
    present = any(crossing == world.camera for _, crossing in world.people)
    if not world.compared and present and not world.chip:
        yield ("compare", "good")
        if "mistake" in allowed:
            yield from (("mistake", how) for how in FACES if how != "good")
    if not world.compared:
        return
    if flags & judge.PASSED:
        yield ("leave view",)
    elif present:
        if "step aside" in allowed:
            yield ("step aside",)
        if "track" in allowed:
            yield from (("track", change) for change in ("switched", "several"))
    if "see" in allowed:
        yield ("see", 2)
    if "doubt" in allowed:
        yield ("doubt",)


def _of_officers(node: Node, allowed: frozenset[str]) -> Iterator[Move]:
    world, past = node.world, node.past
    if not world.officer:
        yield ("officer", True)
        return
    if "officer" in allowed:
        yield ("officer", False)
    waiting = [name for name, flags in past.crossings if flags & judge.REFERRED and not flags & judge.ADMITTED]
    under_way = any(flags & (judge.OVERRULED | judge.OVERRULE_SURE) for _, flags in past.crossings)
    for crossing in waiting:
        if not under_way:
            yield ("hand over", crossing)
            if "admit" in allowed:
                yield ("admit", crossing)
    if "hold" in allowed:
        yield from (("hold", name) for name, flags in past.crossings if flags & judge.OPENED)
    if "stop" in allowed:
        yield from (("stop", verb) for verb in sorted(node_orders(past)))
    if past.emergency and not past.ended:
        yield ("order lane", LaneOrder.END_EMERGENCY.value)
    if past.closed:
        yield ("order lane", LaneOrder.OPEN.value)
    if past.called or any(one is not None and one.alarms for one in past.heard):
        yield ("order lane", LaneOrder.ACKNOWLEDGE.value)


def node_orders(past: Past) -> set[str]:
    """Return the orders with which an officer stops what goes on."""
    freeing = {LaneOrder.RELEASE.value, LaneOrder.OPEN_EMERGENCY.value}
    return freeing if past.closed else {*freeing, LaneOrder.CLOSE.value, LaneOrder.PAUSE.value}
