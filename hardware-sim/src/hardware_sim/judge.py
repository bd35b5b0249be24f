"""Decides which openings were wrong, from the ground truth and the verified, decrypted log alone. Pure.

Wrong are a leaf that opened without a durable admission, a passage beyond the grants, a grant that outlived its end, and a
granted passage by another person than the holder of the presented document. The last is allowed when an officer admitted them
or was called because the holder stayed behind. A recorded release, the fire input and a person in the closing leaf permit an
opening. Passages through a leaf that a failed motor holds open are counted separately: no order could close it.

Two doors are judged separately, the last like a lane's only door. The first opens for any holder of a document and for the way
back. Companions who enter on one grant are counted there; the last door must stop them. `two_doors.judge` judges both.

The ground truth states what happened, the log what was decided. The judge shares no code with the lane or the auditor's
verifier. The log must be of one boot, because both files use that boot's clock. All limits are in the world's time, so
a pause of a busy machine does not count.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from hardware_sim.decision_log import FIRST, LAST, Admission, Entry, Finding, Wrong, admissions
from hardware_sim.two_doors.judge import Inside, judge_lane

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardware_sim.truth import Happening

# The lane stamps a record on creation. An admission must be older than the opening; other records may be later:
GRANT_RECORD_MS_MAX = 1_000  # between the grant's record and its arrival at the controller
RELEASE_RECORD_MS_MAX = 2_000  # the same for a release
RELEASE_AGAIN_MS_MAX = 30_000  # from its record until it is repeated for the last time, without a confirming status
TTL_SLACK_MS = 250  # the controller's timer
REVOKE_MS_MAX = 500  # from the revocation's record to the end of the grant
WATCHDOG_MS_MAX = 5_000  # the same while the cable is out: the controller's longest watchdog
CLOSING_MS_MAX = 1_000  # from the end of the last reason to open until the leaf closes
REPAIRED_MS_MAX = 3_000  # from the motor's repair until a person in the doorway is through


@dataclass(frozen=True, slots=True)
class Door:
    """The judgement of one of two doors. `along` counts companions who entered on another person's grant."""

    openings: int
    passages: int
    wrong: int
    along: int


@dataclass(frozen=True, slots=True)
class Ruling:
    """The judge's result. `passages` are those out of the lane; `doors` are those of a two-door lane."""

    openings: int
    passages: int
    wrong: tuple[Finding, ...]
    passages_by_fault: int = 0  # through a leaf that was open because its motor had failed
    doors: Mapping[str, Door] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Return the result as a JSON object."""
        return {
            "schema": "gate-sim.judge/1",
            "openings": self.openings,
            "passages": self.passages,
            "passages_by_fault": self.passages_by_fault,
            "wrong_openings": len(self.wrong),
            **({"doors": {name: asdict(door) for name, door in self.doors.items()}} if self.doors else {}),
            "wrong": [{"at_ms": found.at_ms, "kind": found.kind.value, "why": found.why} for found in self.wrong],
        }


@dataclass(slots=True)
class _Grant:
    since_ms: int
    direction: str
    ttl_ms: int
    admission: Admission | None
    holder: str | None  # of the document on the reader when the grant began
    consumed: bool = False


def judge(truth: tuple[Happening, ...], log: tuple[Entry, ...]) -> Ruling:
    """Return the judgement of every opening and every passage in the ground truth."""
    time = _WorldTime(truth)
    log = tuple(replace(entry, at_ms=time.at(entry.at_ms)) for entry in log)
    if all(happening.text("door") != FIRST for happening in truth):
        only = _swept(LAST, truth, log, _freeings(log))
        return Ruling(only.openings, only.passages, _in_order(only.wrong), only.passages_by_fault)
    # A release opens towards the hall, and a fire at one door also opens the other.
    emergencies = _emergencies(log, ordered=False)
    first = _swept(FIRST, truth, log, [*_releases(log), *emergencies])
    last = _swept(LAST, truth, log, emergencies)
    open_to_all_ms = [(since - RELEASE_RECORD_MS_MAX, until) for since, until in [*_releases(log), *emergencies]]
    lane = judge_lane(truth, log, open_to_all_ms=open_to_all_ms)
    return Ruling(
        first.openings + last.openings,
        last.passages,
        _in_order([*first.wrong, *last.wrong, *lane]),
        last.passages_by_fault,
        {sweep.door: Door(sweep.openings, sweep.passages, len(sweep.wrong), sweep.along) for sweep in (first, last)},
    )


def _swept(
    door: str, truth: tuple[Happening, ...], log: tuple[Entry, ...], freeings_ms: list[tuple[int, float]]
) -> _Sweep:
    mine = [admission for admission in admissions(log) if admission.door == door]
    sweep = _Sweep(door, mine, freeings_ms, _ways_back(log) if door == FIRST else [])
    for happening in truth:
        sweep.see(happening)
    sweep.finish()
    return sweep


def _in_order(found: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(found, key=lambda one: one.at_ms))


def _freeings(log: tuple[Entry, ...]) -> list[tuple[int, float]]:
    """Return the periods in which the lane may release: by an officer's release, or in an officer's emergency."""
    return [*_releases(log), *_emergencies(log, ordered=True)]


def _releases(log: tuple[Entry, ...]) -> list[tuple[int, float]]:
    return [(entry.at_ms, entry.at_ms + RELEASE_AGAIN_MS_MAX) for entry in log if entry.kind == "release"]


def _emergencies(log: tuple[Entry, ...], *, ordered: bool) -> list[tuple[int, float]]:
    """Return the period of each emergency; with `ordered` only of those that an officer ordered."""
    spans: list[tuple[int, float]] = []
    for at, entry in enumerate(log):
        if entry.kind == "emergency_began" and (entry.body.get("order") is not None or not ordered):
            ends = (later.at_ms for later in log[at:] if later.kind == "emergency_ended")
            spans.append((entry.at_ms, next(ends, math.inf)))
    return spans


def _ways_back(log: tuple[Entry, ...]) -> list[int]:
    """Return when the way back was first offered to each person who was inside."""
    return [entry.at_ms for entry in log if entry.kind == "incident" and entry.body.get("incident") == "way_back"]


class _WorldTime:
    """Converts the machine's time to the world's time, from the happenings' own stamps."""

    def __init__(self, truth: tuple[Happening, ...]) -> None:
        self._truth = truth

    def at(self, at_ms: int) -> int:
        """Return the world's time: between two happenings it continues from the first and stops before the second."""
        index = bisect.bisect_right(self._truth, at_ms, key=lambda happening: happening.at_ms)
        from_before_ms = at_ms - (self._truth[index - 1].behind_ms if index else 0)
        if index == len(self._truth):
            return from_before_ms
        return min(from_before_ms, self._truth[index].world_ms)


@dataclass(slots=True)
class _Sweep:
    """Reads the ground truth once, and tracks at each moment why a door's leaf may be open."""

    door: str
    admissions: list[Admission]
    freeings_ms: list[tuple[int, float]]
    ways_back_ms: list[int]
    openings: int = 0
    along: int = 0
    passages: int = 0
    passages_by_fault: int = 0
    wrong: list[Finding] = field(default_factory=list)
    _at_ms: int = 0
    _now_ms: int = 0
    _leaf_open: bool = False
    _leaf_closed: bool = True  # at rest; between closed and open it moves, or has stopped
    _grants: dict[str, _Grant] = field(default_factory=dict)
    _covers: dict[str, _Grant] = field(default_factory=dict)  # by direction, until the leaf rests closed after its end
    _fire: bool = False
    _emergency: bool = False
    _freed: bool = False  # by fire or release: open for everyone, until the leaf rests closed
    _released: bool = False
    _release_recorded: bool = False
    _faulty: bool = False
    _jammed: bool = False  # the motor failed before the leaf was closed: open for everyone, until it rests closed
    _repaired_ms: int = 0
    _unplugged: bool = False
    _plugged_ms: int = 0
    _at_leaf: set[str] = field(default_factory=set)
    _presented: str | None = None
    _let_in: str | None = None  # the holder of the document that opened the first of two doors
    _inside: Inside = field(default_factory=Inside)
    _unexplained_ms: int | None = None

    def see(self, happening: Happening) -> None:
        """Process one happening."""
        self._at_ms, self._now_ms = happening.at_ms, happening.world_ms
        self._inside.see(happening)
        if happening.event == "presented":
            self._presented = happening.text("holder")
        elif happening.door == self.door:
            self._note(happening)
        elif happening.event == "grant_received":
            self._let_in = self._presented
        self._watch_leaf()

    def finish(self) -> None:
        """Judge what still runs at the end of the ground truth."""
        for grant in self._grants.values():
            self._judge_end(grant)
        self._judge_unexplained()

    def _note(self, happening: Happening) -> None:
        match happening.event:
            case "grant_received":
                self._begin_grant(happening)
            case "grant_ended":
                self._end_grant(happening.text("direction"))
            case "leaf_moved":
                self._leaf_moved(happening)
            case "leaf_at_rest":
                self._leaf_rests(happening.text("at"))
            case "passed":
                self._passed(happening)
            case "at_leaf":
                self._at_leaf.add(happening.text("traveller"))
            case "left_leaf":
                self._at_leaf.discard(happening.text("traveller"))
            case "release_received":
                self._released = self._freed = True
                self._release_recorded = self._recorded(self._now_ms)
            case _:
                self._note_condition(happening.event)

    def _note_condition(self, event: str) -> None:
        match event:
            case "fire_on":
                self._fire = self._emergency = self._freed = True
            case "fire_off":
                self._fire = False
            case "emergency_ended" | "power_up":
                self._emergency = self._fire
            case "motor_fault" | "motor_repaired":
                self._faulty = event == "motor_fault"
                self._jammed |= self._faulty and not self._leaf_closed
                self._repaired_ms = self._now_ms
            case "barrier_unplugged" | "barrier_plugged":
                self._unplugged, self._plugged_ms = event == "barrier_unplugged", self._now_ms
            case _:
                pass  # other happenings are irrelevant here

    # ── grants ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _begin_grant(self, happening: Happening) -> None:
        direction, ttl_ms = happening.text("direction"), happening.fields.get("ttl_ms")
        admission = self._admission_for(direction)
        holder = self._presented if self._let_in is None else self._let_in
        grant = _Grant(self._now_ms, direction, ttl_ms if isinstance(ttl_ms, int) else 0, admission, holder)
        self._grants[direction] = self._covers[direction] = grant

    def _admission_for(self, direction: str) -> Admission | None:
        for admission in self.admissions:
            near = abs(admission.granted_ms - self._now_ms) <= GRANT_RECORD_MS_MAX
            before = admission.decided_ms <= self._now_ms
            if near and before and admission.direction == direction and not admission.used:
                admission.used = True
                return admission
        return None

    def _end_grant(self, direction: str) -> None:
        grant = self._grants.pop(direction, None)
        if grant is not None:
            self._judge_end(grant)

    def _judge_end(self, grant: _Grant) -> None:
        admission = grant.admission
        ttl_ms = min(grant.ttl_ms, admission.ttl_ms) if admission else grant.ttl_ms
        lasted_ms = self._now_ms - grant.since_ms
        if lasted_ms > ttl_ms + TTL_SLACK_MS:
            self._find(Wrong.GRANT_OUTLIVED, f"a grant of {ttl_ms} ms lasted {lasted_ms} ms")
        if admission is None or admission.revoked_ms is None:
            return
        late_ms = self._now_ms - admission.revoked_ms
        cut = self._unplugged or self._plugged_ms >= admission.revoked_ms
        if late_ms > (WATCHDOG_MS_MAX if cut else REVOKE_MS_MAX):
            self._find(Wrong.GRANT_OUTLIVED, f"a grant went on for {late_ms} ms after it was revoked")

    # ── the leaf ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _leaf_moved(self, happening: Happening) -> None:
        self._leaf_closed = False
        if happening.text("to") != "opening":
            self._leaf_open = False
            return
        self._leaf_open = True
        self.openings += 1
        turned_back = happening.text("from") == "closing" and happening.fields.get("obstacle") is True
        if turned_back or self._emergency or (self._released and self._release_recorded):
            return
        if any(grant.admission for grant in self._grants.values()):
            return
        self._find(Wrong.NO_ADMISSION, self._why_unbacked())

    def _why_unbacked(self) -> str:
        if self._grants:
            return "the leaf opened on a grant that no durable admission stands behind"
        if self._released:
            return "the leaf opened on a release that the log does not know"
        return "the leaf opened with no grant, no release and no emergency"

    def _leaf_rests(self, at: str) -> None:
        self._leaf_open, self._leaf_closed = at == "open", at == "closed"
        if self._leaf_closed:
            self._jammed = self._released = False
            self._freed = self._emergency
            self._covers = dict(self._grants)

    def _watch_leaf(self) -> None:
        """Find a leaf that stays open without a reason."""
        explained = self._grants or self._emergency or self._released or self._at_leaf or self._faulty
        if not self._leaf_open or explained:
            self._judge_unexplained()
            self._unexplained_ms = None
        elif self._unexplained_ms is None:
            self._unexplained_ms = self._now_ms

    def _judge_unexplained(self) -> None:
        if self._unexplained_ms is None:
            return
        open_ms = self._now_ms - self._unexplained_ms
        if open_ms > CLOSING_MS_MAX:
            self._find(Wrong.GRANT_OUTLIVED, f"the leaf stood open for {open_ms} ms with no grant left")

    # ── passages ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _passed(self, happening: Happening) -> None:
        self.passages += 1
        if self._freed or happening.text("direction") == "exit":  # no one got in
            return
        grant = self._covers.get(happening.text("direction"))
        if grant is None or grant.consumed:
            if self._jammed and (self._faulty or self._now_ms - self._repaired_ms <= REPAIRED_MS_MAX):
                self.passages_by_fault += 1
                return
            if self.door == FIRST:
                self.along += 1
            else:
                self._find(Wrong.BEYOND_GRANT, "somebody passed whom no grant was left for")
            return
        grant.consumed = True
        if self.door == FIRST:
            return
        told = grant.admission is not None and (grant.admission.by_officer or grant.admission.companion_told)
        if happening.text("traveller") != grant.holder and not told:
            self._find(Wrong.WRONG_PERSON, "somebody else than the document's holder passed")

    def _recorded(self, at_ms: int) -> bool:
        slack_ms = RELEASE_RECORD_MS_MAX
        if any(from_ms - slack_ms <= at_ms <= to_ms + slack_ms for from_ms, to_ms in self.freeings_ms):
            return True
        # It opens again while they stay, and the order is repeated for some time after that.
        since_ms = min(at_ms - RELEASE_AGAIN_MS_MAX, self._inside.since_ms or at_ms)
        return any(since_ms <= offered_ms <= at_ms + slack_ms for offered_ms in self.ways_back_ms)

    def _find(self, kind: Wrong, why: str) -> None:
        self.wrong.append(Finding(self._at_ms, kind, why))
